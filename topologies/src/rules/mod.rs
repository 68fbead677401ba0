//! Packet rules in a node's network namespace: each fault has one table of its own there, and nothing else is ever touched.

mod apply;
mod render;

pub(crate) use apply::search_path;
pub use apply::{Presence, drop_packets, present, remove};
pub use render::PeerRule;
pub(crate) use render::drop_table;
