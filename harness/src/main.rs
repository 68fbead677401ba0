//! `redquake`: breaks a real Redis or Valkey on purpose and says in numbers what its users would have felt.

mod cli;
mod clients;
mod faults;
mod observers;
mod probes;
mod run;
mod trial;
mod workloads;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
