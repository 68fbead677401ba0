//! What the tool says and how it ends: progress, failures, exit codes.

// First, because its macros stand in for the standard ones in everything below.
#[macro_use]
pub mod out;

mod exit;
mod progress;

pub use exit::{Exit, Failure};
pub use progress::Progress;
