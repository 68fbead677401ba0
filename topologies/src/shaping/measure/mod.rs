//! What a link does to packets, measured from both its ends by one process with one clock.

mod exchange;
mod way;

pub use exchange::{End, Exchange, Link, measure};
pub use way::{HEADERS, Way};
