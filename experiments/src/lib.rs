//! What is asked: the experiment file and the plan made from it.
//!
//! Pure: no sockets, no clock, no processes. The same file, seed and capabilities give the same plan.

pub mod catalogue;
pub mod plan;
pub mod shown;
pub mod spec;
