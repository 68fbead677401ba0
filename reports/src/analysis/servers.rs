//! What checks ask about the servers: how far a node's replication stream was at some time, and who is the primary in the end.

use redquake_experiments::spec::shard_of;

use super::locks::Names;
use super::words::{instant, number_text};
use crate::history::{NodeRole, RoleSample};

/// Answers of a node that are kept: 40 minutes of one every 50 ms.
const KEPT: usize = 50_000;

/// Replication offsets by node, and the primary each shard has in the end.
#[derive(Debug, Default)]
pub struct Servers {
    /// By node: asked, answered, offset.
    offsets: Vec<Vec<[u64; 3]>>,
    /// By shard.
    heirs: Vec<Option<Heir>>,
}

/// The primary of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heir {
    /// Which node.
    pub node: u16,
    /// Since when it was one without a break.
    pub since: u64,
}

impl Servers {
    /// Takes in what a node said of itself.
    pub fn sample(&mut self, sample: &RoleSample) {
        if sample.role == NodeRole::Unreachable {
            return;
        }
        let node = usize::from(sample.node);
        if self.offsets.len() <= node {
            self.offsets.resize_with(node + 1, Vec::new);
        }
        if self.offsets[node].len() < KEPT {
            self.offsets[node].push([sample.at[0], sample.at[1], sample.offset]);
        }
    }

    /// Everything is taken in: the primary of each shard at the end.
    pub(super) fn settle(&mut self, heirs: Vec<Option<Heir>>) {
        self.heirs = heirs;
    }

    /// For tests and for histories that tell it otherwise: one primary for all keys.
    pub fn with_heir(mut self, heir: Heir) -> Self {
        self.heirs = vec![Some(heir)];
        self
    }

    /// The primary a key lies on in the end.
    pub fn heir(&self, key: u32) -> Option<Heir> {
        let shards = u32::try_from(self.heirs.len()).unwrap_or(u32::MAX).max(1);
        self.heirs.get(shard_of(key, shards) as usize - 1).copied().flatten()
    }

    /// Offsets between which a node's stream was in a span of time.
    pub fn offset(&self, node: u16, at: [u64; 2]) -> Option<[u64; 2]> {
        let known = self.offsets.get(usize::from(node))?;
        let before = known.partition_point(|[_, answered, _]| *answered <= at[0]);
        let after = known.partition_point(|[asked, ..]| *asked < at[1]);
        Some([known.get(before.checked_sub(1)?)?[2], known.get(after)?[2]])
    }

    /// `redis-1 at T+5.010 s, at offset 4,120 to 4,310 of its stream`: who acknowledged something, and how far it was.
    pub(super) fn acknowledged(&self, node: Option<u16>, at: [u64; 2], names: &Names<'_>) -> String {
        let who = node.and_then(|node| names.nodes.get(usize::from(node))).map_or("a node", String::as_str);
        let told = node.and_then(|node| self.offset(node, at)).map(|[from, to]| match from == to {
            true => format!(", at offset {} of its stream", number_text(from)),
            false => format!(", at offset {} to {} of its stream", number_text(from), number_text(to)),
        });
        format!("{who} at {}{}", instant(at[1], names.zero), told.unwrap_or_default())
    }

    /// `; redis-2 took over at T+6.420 s with offset 3,980`: why what another node acknowledged in that span is gone, unless the new one was not behind;
    /// nothing where it was the primary of the end itself.
    pub(super) fn took_over(&self, key: u32, node: Option<u16>, at: [u64; 2], names: &Names<'_>) -> String {
        let Some(heir) = self.heir(key).filter(|heir| node.is_some_and(|node| node != heir.node)) else { return String::new() };
        let name = names.nodes.get(usize::from(heir.node)).map_or("another node", String::as_str);
        let known = self.offsets.get(usize::from(heir.node));
        let last = known.and_then(|known| known.get(known.partition_point(|[_, answered, _]| *answered < heir.since).checked_sub(1)?));
        let acknowledged = node.and_then(|node| self.offset(node, at));
        let ahead = last.zip(acknowledged).is_some_and(|([_, _, offset], [_, to])| *offset >= to);
        let ahead = if ahead { ", which was not behind," } else { "" };
        let offset = last.map(|[_, _, offset]| format!(" with offset {}", number_text(*offset))).unwrap_or_default();
        format!("; {name}{ahead} took over at {}{offset}", instant(heir.since, names.zero))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(at: [u64; 2], node: u16, role: NodeRole, offset: u64) -> RoleSample {
        RoleSample { at, node, role, offset, link: true, follows: String::new(), syncing: false, priority: None }
    }

    #[test]
    fn an_offset_lies_between_the_answers_before_and_after_and_is_unknown_beyond_them() {
        let mut servers = Servers::default();
        for (at, offset) in [(10, 100), (30, 180), (50, 300)] {
            servers.sample(&said([at, at + 1], 0, NodeRole::Primary, offset));
        }
        servers.sample(&said([60, 61], 0, NodeRole::Unreachable, 0));
        assert_eq!(servers.offset(0, [12, 29]), Some([100, 180]));
        assert_eq!(servers.offset(0, [12, 31]), Some([100, 300]), "an answer that was under way tells nothing");
        assert_eq!(servers.offset(0, [31, 31]), Some([180, 300]));
        assert_eq!((servers.offset(0, [5, 20]), servers.offset(0, [40, 55]), servers.offset(7, [12, 29])), (None, None, None));
    }

    #[test]
    fn what_is_gone_is_told_with_the_stream_it_was_in_and_the_one_that_went_on() {
        let mut servers = Servers::default();
        for (at, offset) in [(10, 4_120), (20, 4_310)] {
            servers.sample(&said([at, at], 0, NodeRole::Primary, offset));
            servers.sample(&said([at, at], 1, NodeRole::Replica, 3_980));
        }
        let servers = servers.with_heir(Heir { node: 1, since: 30 });
        let nodes = ["redis-1".to_owned(), "redis-2".to_owned()];
        let names = Names { workload: "writes", nodes: &nodes, zero: 0 };
        assert_eq!(servers.acknowledged(Some(0), [12, 14], &names), "redis-1 at T+0.000 s, at offset 4,120 to 4,310 of its stream");
        assert_eq!(servers.acknowledged(None, [12, 14], &names), "a node at T+0.000 s");
        assert_eq!(servers.took_over(0, Some(0), [12, 14], &names), "; redis-2 took over at T+0.000 s with offset 3,980");
        assert_eq!(servers.took_over(0, Some(1), [12, 14], &names), "");
    }

    #[test]
    fn who_took_over_with_all_that_was_acknowledged_is_not_to_blame() {
        let mut servers = Servers::default();
        for (at, offset) in [(10, 100), (20, 200), (30, 400)] {
            servers.sample(&said([at, at], 0, NodeRole::Primary, offset));
            servers.sample(&said([at, at], 1, NodeRole::Replica, offset - 50));
        }
        let servers = servers.with_heir(Heir { node: 1, since: 40 });
        let nodes = ["redis-1".to_owned(), "redis-2".to_owned()];
        let names = Names { workload: "writes", nodes: &nodes, zero: 0 };
        assert_eq!(
            servers.took_over(0, Some(0), [12, 14], &names),
            "; redis-2, which was not behind, took over at T+0.000 s with offset 350"
        );
        assert_eq!(servers.took_over(0, Some(0), [22, 24], &names), "; redis-2 took over at T+0.000 s with offset 350");
    }
}
