//! Packet rules in a node's network namespace: each fault has one table of its own there, and nothing else is ever touched.

mod apply;
mod render;
mod traffic;

pub use apply::{Presence, drop_packets, present, remove};
pub(crate) use apply::{create, listing};
pub(crate) use render::{drop_table, hooks, table};
pub use traffic::{PeerRule, Ports, Traffic};
