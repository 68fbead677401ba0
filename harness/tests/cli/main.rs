//! The command line from outside, without servers: what is typed, what is printed where, and the exit code.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod browser;
mod clean;
mod doctor;
mod help;
mod hostile;
mod init;
mod matrix;
mod pipes;
mod plan;
mod planted;
mod printed;
mod results;
mod run;
mod support;
mod validate;
