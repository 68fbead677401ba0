//! Whether acknowledged elements of a set are still there in the end.

mod check;

pub use check::{SetFindings, Sets};
