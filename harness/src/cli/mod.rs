//! The command line: one file a command.

mod analyze;
mod args;
mod clean;
mod completions;
mod doctor;
mod exit;
mod files;
mod init;
mod list;
mod main;
mod plan;
mod progress;
mod report;
mod run;
mod runtimes;
mod schema;
mod validate;

pub use exit::{Exit, Failure};
pub use main::main;
pub use progress::Progress;
