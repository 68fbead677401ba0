//! Queueing disciplines on the link of a namespace.

mod apply;
mod attempt;
mod tree;

pub(super) use apply::{Refused, change, shaped};
pub(crate) use attempt::{delay_on_loopback, rate_on_loopback};
pub(super) use tree::{FASTEST, SLOWEST, Shape, bucket};
