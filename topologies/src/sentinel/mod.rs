//! A Sentinel set: bringing it up fast, and knowing when it is ready.

mod boost;
mod bring_up;
mod data;
mod dial;
mod layout;
mod look;
mod ready;

pub use bring_up::{BootedNode, SentinelSet, bring_up};
pub use dial::Dialer;
pub use layout::nodes;
