//! The command line: one file a command.

mod analyze;
mod args;
mod clean;
mod completions;
mod doctor;
mod files;
mod init;
mod list;
mod main;
mod places;
mod plan;
mod plausible;
mod report;
mod run;
mod runtimes;
mod schema;
mod trust;
mod validate;

pub use main::main;
