//! Acknowledged probe operations, eight bytes each.

use super::series::{Ack, Series};

/// Completions of acknowledged probes of one kind, by node.
#[derive(Debug, Default)]
pub struct Acks {
    nodes: Vec<Vec<u64>>,
    /// Completion of the last probe, acknowledged or not.
    last: u64,
}

impl Acks {
    /// Takes in a probe that completed.
    pub fn probe(&mut self, node: u16, completed: u64, acknowledged: bool) {
        self.last = self.last.max(completed);
        if acknowledged {
            let node = usize::from(node);
            if self.nodes.len() <= node {
                self.nodes.resize_with(node + 1, Vec::new);
            }
            self.nodes[node].push(completed);
        }
    }

    /// Completion of the last probe, acknowledged or not: until then an acknowledgement would have been seen.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Completions of one node, in the order taken in.
    pub fn of(&self, node: u16) -> &[u64] {
        self.nodes.get(usize::from(node)).map_or(&[], Vec::as_slice)
    }

    /// Those that `counts` lets pass as a series.
    pub fn only(&self, mut counts: impl FnMut(Ack) -> bool) -> Series {
        let mut acks = Vec::new();
        for (node, times) in (0..).zip(&self.nodes) {
            acks.extend(times.iter().map(|at| (*at, node)).filter(|ack| counts(*ack)));
        }
        Series::new(acks, self.last)
    }
}
