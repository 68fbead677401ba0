//! Names of targets, for records.

use crate::context::Member;

/// The names of nodes, in their order.
pub fn names(targets: &[Member]) -> Vec<String> {
    targets.iter().map(|target| target.node.name.clone()).collect()
}
