//! `redquake doctor`.

use redquake_topologies::doctor::{self, Status};

use super::main::runtime;
use crate::ui::{Exit, Failure};

/// Prints what works on this machine and what to do about the rest.
pub fn perform() -> Result<Exit, Failure> {
    let checks = runtime()?.block_on(doctor::examine());
    let mut exit = Exit::Pass;
    for check in checks {
        let mark = match check.status {
            Status::Ok => "ok  ",
            Status::Warn => "warn",
            Status::Fail => "FAIL",
        };
        println!("{mark}  {:<22} {}", check.name, check.found);
        if !check.todo.is_empty() {
            println!("      {:<22} -> {}", "", check.todo);
        }
        if check.status == Status::Fail {
            exit = Exit::Environment;
        }
    }
    Ok(exit)
}
