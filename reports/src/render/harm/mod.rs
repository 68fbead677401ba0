//! Harm: which metrics count it, how much was done, and whether the experiment expects it.

mod done;
mod list;

pub use done::{Asserted, Done, Kinds, done, done_in, needs_more_than, phrases, unasserted};
pub use list::{Amount, HARMS, Harm, NO_HARM, OUTAGES};
