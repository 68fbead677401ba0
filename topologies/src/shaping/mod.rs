//! The traffic of a node or zone, shaped from outside inside its network namespace: packets lost, held back, slowed down, and the
//! measurement that proves it.
//!
//! Every mechanism is three functions, which take the namespace and the id of the fault: `inject`, `remove` (fine when there
//! is nothing) and `present` (what there is, with counters). Faults of several ids in one namespace add up, and what is not
//! ours is never touched.

pub mod bandwidth;
pub mod delay;
mod listing;
pub mod loss;
mod measure;
mod site;
pub(crate) mod tc;
mod urgent;

pub use listing::listing;
pub use measure::{End, Exchange, HEADERS, Link, Way, measure};
