//! Whether a rate limiter kept its limit. Definitions: docs/definitions.md.
//!
//! What is found is certain: it holds for every order of events that the times of the requests leave open.

mod check;
mod crowd;
mod fixed;
mod request;
mod sliding;

pub use check::Limiters;
pub use crowd::{crowd, least_removal};
pub use fixed::fixed_window;
pub use request::{By, Decision, Executed, LimiterCounts, LimiterFindings, Request, Worst};
pub use sliding::sliding_window;
