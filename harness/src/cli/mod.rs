//! The command line: one file a command.

// First, because its macros stand in for the standard ones in everything below.
#[macro_use]
mod out;

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
mod places;
mod plan;
mod plausible;
mod progress;
mod report;
mod run;
mod runtimes;
mod schema;
mod trust;
mod validate;

pub use exit::{Exit, Failure};
pub use main::main;
pub use progress::Progress;
