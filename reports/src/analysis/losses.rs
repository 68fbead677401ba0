//! Acknowledged writes by the node that acknowledged them, and what of them was lost.

use std::collections::BTreeMap;

use super::locks::Names;
use crate::result::NodeWrites;

/// Counts by node; what no node is known of stands apart.
#[derive(Debug, Default)]
pub struct Losses(BTreeMap<(bool, u16), [u64; 2]>);

impl Losses {
    /// One acknowledged write.
    pub fn add(&mut self, node: Option<u16>, lost: bool) {
        let counts = self.0.entry((node.is_none(), node.unwrap_or_default())).or_default();
        counts[0] += 1;
        counts[1] += u64::from(lost);
    }

    /// By name, in the order of the nodes.
    pub fn told(&self, names: &Names<'_>) -> Vec<NodeWrites> {
        let name = |(nobody, node): (bool, u16)| match names.nodes.get(usize::from(node)).filter(|_| !nobody) {
            Some(name) => name.clone(),
            None => "unknown".to_owned(),
        };
        self.0
            .iter()
            .map(|(node, [acknowledged, lost])| NodeWrites { node: name(*node), acknowledged: *acknowledged, lost: *lost })
            .collect()
    }
}
