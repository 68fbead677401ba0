//! From arguments to an exit code.

use std::process::ExitCode;

use clap::Parser;

use super::args::{Cli, Command};
use super::{analyze, clean, completions, doctor, init, list, plan, report, run, schema, validate};
use crate::ui::{Exit, Failure, out};

/// Runs the command; the only place where a process ends.
pub fn main() -> ExitCode {
    // Clap ends the process itself for `--help` (0) and bad usage (2).
    let cli = Cli::parse();
    let outcome = std::panic::catch_unwind(|| perform(cli.command));
    let mut exit = match outcome {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => {
            if !failure.reason.is_empty() {
                eprintln!("redquake: {failure}");
            }
            failure.exit
        }
        Err(_) => {
            eprintln!(
                "redquake: this is a bug in redquake, please report it with the lines above; `redquake clean` removes what may be left"
            );
            Exit::Bug
        }
    };
    if let Some(reason) = out::trouble() {
        eprintln!("redquake: part of the output is missing: {reason}");
        exit = exit.worse(Exit::Environment);
    }
    ExitCode::from(exit.code())
}

fn perform(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::perform(args),
        Command::Validate(args) => validate::perform(&args),
        Command::Plan(args) => plan::perform(&args),
        Command::Analyze(args) => analyze::perform(&args),
        Command::Report(args) => report::perform(&args),
        Command::Doctor => doctor::perform(),
        Command::Clean(args) => clean::perform(&args),
        Command::List => list::perform(),
        Command::Init(args) => init::perform(&args),
        Command::Schema(args) => schema::perform(&args),
        Command::Completions(args) => completions::perform(&args),
    }
}

/// The threads that are not on a lab network: engine calls, signals, files.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| Failure::environment(format!("threads could not be started: {error}")))
}
