//! `redquake completions`.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::{Exit, Failure};

/// Prints a completion script.
pub fn perform(args: &CompletionsArgs) -> Result<Exit, Failure> {
    clap_complete::generate(args.shell, &mut Cli::command(), "redquake", &mut std::io::stdout());
    Ok(Exit::Pass)
}
