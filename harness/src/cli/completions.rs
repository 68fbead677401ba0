//! `redquake completions`.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use crate::ui::{Exit, Failure, out};

/// Prints a completion script.
pub fn perform(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "redquake", &mut script);
    out::commands(&String::from_utf8_lossy(&script));
    Ok(Exit::Pass)
}
