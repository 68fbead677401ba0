//! A Cluster: bringing it up fast, and reading what its nodes say of each other.

mod bring_up;
mod form;
mod layout;
mod neighbours;
mod view;

pub use bring_up::{ClusterSet, bring_up};
pub use layout::nodes;
pub use view::{KnownNode, MovingSlot, known_nodes};
