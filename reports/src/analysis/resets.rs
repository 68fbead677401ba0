//! Primaries that came back as primaries with less than they had: what they had beyond is gone, on their replicas too, and no Sentinel says a word.

use super::hash::Map;
use crate::history::{NodeRole, RoleSample};

/// A primary whose replication stream became shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// When it was first seen.
    pub at: u64,
    /// Which node.
    pub node: u16,
    /// Its offset before and after.
    pub offsets: [u64; 2],
}

/// Looks for resets in what nodes say of themselves.
#[derive(Debug, Default)]
pub struct Resets {
    /// The latest answer of each node.
    last: Map<u16, (NodeRole, u64)>,
    /// What was found, in order.
    pub found: Vec<Reset>,
}

impl Resets {
    /// Takes in what a node said. A node that did not answer said nothing.
    pub fn sample(&mut self, sample: &RoleSample) {
        if sample.role == NodeRole::Unreachable {
            return;
        }
        if let Some((NodeRole::Primary, before)) = self.last.insert(sample.node, (sample.role, sample.offset))
            && sample.role == NodeRole::Primary
            && sample.offset < before
        {
            self.found.push(Reset { at: sample.at[1], node: sample.node, offsets: [before, sample.offset] });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(samples: &[(NodeRole, u64)]) -> Vec<[u64; 2]> {
        let mut resets = Resets::default();
        for (at, (role, offset)) in (0..).zip(samples) {
            let sample =
                RoleSample { at: [at, at], node: 0, role: *role, offset: *offset, link: true, follows: String::new(), syncing: false };
            resets.sample(&sample);
        }
        resets.found.iter().map(|reset| reset.offsets).collect()
    }

    #[test]
    fn a_primary_that_comes_back_with_a_shorter_stream_lost_what_the_longer_one_carried() {
        use NodeRole::{Primary, Replica, Unreachable};
        assert_eq!(told(&[(Primary, 900), (Unreachable, 0), (Primary, 14)]), [[900, 14]]);
        assert!(told(&[(Primary, 900), (Unreachable, 0), (Primary, 900)]).is_empty(), "its data came back with it");
        assert!(told(&[(Primary, 900), (Replica, 14), (Primary, 20)]).is_empty(), "it followed another one in between");
    }
}
