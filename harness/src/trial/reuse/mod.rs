//! Servers of one trial for another one: only where nothing tells them from fresh ones.

mod allowed;
mod facts;
mod warm;

pub use allowed::may_be_kept;
pub use warm::{Servers, Warm};
