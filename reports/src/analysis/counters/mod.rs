//! Whether acknowledged increments of a counter are in its final value.

mod check;
mod ledger;

pub use check::Counters;
pub use ledger::{Kept, kept};
