//! Whether the history of a compare-and-set register can be put into an order that is legal and respects real time, and what was lost if not.
//!
//! Linearizability of registers is NP-complete in general, so this one is a search (Wing and Gong 1993, with the memory of Lowe 2017) and has
//! a budget. The budget counts states and not time, so that the same history has the same answer on every machine.

mod check;
mod culprit;
mod forced;
mod prune;
mod search;
mod told;

pub use check::{Registers, budget};
pub use culprit::culprit;
pub use search::{Call, Kind, Verdict, check, check_all};
pub use told::{Classes, Seen, Written, calls, classes};
