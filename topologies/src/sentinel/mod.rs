//! A Sentinel set: bringing it up fast, and knowing when it is ready.

mod boost;
mod bring_up;
mod layout;
mod look;
mod ready;

pub use crate::boot::{BootedNode, Dialer};
pub use bring_up::{SentinelSet, bring_up, ready_again};
pub use layout::nodes;
