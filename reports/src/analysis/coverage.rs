//! Shards of a Cluster that lost nothing and refuse all the same: a slot of another shard is not served, or too few primaries can be
//! reached.

use super::gap::Interval;
use super::shards::Shard;
use crate::history::{ClusterEvent, ClusterNews, Outcome, Probe, Why};

/// Refusals at most this far apart are one time of refusing.
const TOGETHER: u64 = 250_000_000;

/// When each node answered probes with `CLUSTERDOWN`.
#[derive(Debug, Default)]
pub struct Refusals(Vec<Vec<[u64; 2]>>);

impl Refusals {
    /// Takes in a probe.
    pub fn probe(&mut self, probe: &Probe) {
        if probe.out != Outcome::Fail || probe.why != Some(Why::Clusterdown) {
            return;
        }
        let (node, at) = (usize::from(probe.node), probe.at[2]);
        if self.0.len() <= node {
            self.0.resize_with(node + 1, Vec::new);
        }
        match self.0[node].last_mut().filter(|last| at.saturating_sub(last[1]) <= TOGETHER) {
            Some(last) => last[1] = last[1].max(at),
            None => self.0[node].push([at, at]),
        }
    }

    /// Since when a node refused for as long as an outage lasted: it began at once, and went on to the end.
    fn throughout(&self, node: u16, [from, to]: [u64; 2]) -> Option<u64> {
        let spans = self.0.get(usize::from(node))?;
        let of_outage = spans.iter().find(|[first, last]| *last > from && *first < to)?;
        let at_once = of_outage[0].saturating_sub(from) <= TOGETHER;
        (at_once && to.saturating_sub(of_outage[1]) <= TOGETHER).then(|| of_outage[0].max(from))
    }
}

/// An outage of a shard, for the others to be refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside {
    /// Number of the shard.
    pub shard: u32,
    /// First and last instant.
    pub span: [u64; 2],
}

/// Why a primary that was there refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Since when.
    pub since: u64,
    /// The shards that were not served meanwhile; empty where too few primaries could be reached.
    pub shards: Vec<u32>,
}

/// Since when the primary of a shard refused throughout an outage of it, though it was there: it took the last write before, nobody took its
/// place, it answered, and no other node held it for failing.
pub fn refused(shard: &Shard, interval: &Interval, end: u64, refusals: &Refusals, news: &[ClusterEvent]) -> Option<u64> {
    shard.number?;
    let (from, old) = interval.from;
    let to = interval.to.map_or(end, |to| to.0);
    let replaced = interval.to.is_some_and(|to| to.1 != old);
    let lost = news
        .iter()
        .any(|event| (from..=to).contains(&event.at) && event.news == ClusterNews::Fail && event.about == Some(old) && event.node != old);
    if replaced || lost {
        return None;
    }
    refusals.throughout(old, [from, to])
}

/// Which other shards were not served while one refused.
pub fn uncovered(shard: u32, [since, to]: [u64; 2], losses: &[Beside]) -> Vec<u32> {
    let meets = |loss: &&Beside| loss.shard != shard && loss.span[0] < to && since < loss.span[1];
    let mut shards: Vec<u32> = losses.iter().filter(meets).map(|loss| loss.shard).collect();
    shards.sort_unstable();
    shards.dedup();
    shards
}

#[cfg(test)]
mod tests {
    use super::{Beside, Refusals, refused, uncovered};
    use crate::analysis::gap::Interval;
    use crate::analysis::shards::Shard;
    use crate::history::{ClusterEvent, ClusterNews, Outcome, Probe, ProbeKind, Why};

    const MS: u64 = 1_000_000;

    fn refusing(node: u16, [from, to]: [u64; 2]) -> Refusals {
        let mut refusals = Refusals::default();
        for at in from..to {
            let probe = Probe { node, op: ProbeKind::Write, at: [at * MS; 3], out: Outcome::Fail, why: Some(Why::Clusterdown) };
            refusals.probe(&probe);
        }
        refusals
    }

    fn fails(about: u16) -> ClusterEvent {
        let news = ClusterNews::Fail;
        ClusterEvent { at: 2_500 * MS, node: 5, news, about: Some(about), epoch: None, delay: None, rank: None, log: None }
    }

    /// An outage of redis-2 from 2,000 to 3,000 ms.
    fn since(refusals: &Refusals, heir: u16, news: &[ClusterEvent]) -> Option<u64> {
        let shard = Shard { number: Some(2), nodes: vec![1, 4] };
        let interval = Interval { from: (2_000 * MS, 1), to: Some((3_000 * MS, heir)) };
        refused(&shard, &interval, 9_000 * MS, refusals, news).map(|at| at / MS)
    }

    #[test]
    fn a_primary_that_answers_clusterdown_all_the_while_lost_nothing() {
        assert_eq!(since(&refusing(1, [2_001, 3_000]), 1, &[fails(0)]), Some(2_001));
        assert_eq!(since(&refusing(1, [2_001, 3_000]), 4, &[]), None, "another node took its place");
        assert_eq!(since(&refusing(1, [2_001, 3_000]), 1, &[fails(1)]), None, "the others held it for failing");
        assert_eq!(since(&refusing(1, [2_600, 3_000]), 1, &[]), None, "it was gone at first: a restart");
        assert_eq!(since(&refusing(1, [2_001, 2_500]), 1, &[]), None, "it was gone in the end");
        assert_eq!(since(&refusing(4, [2_001, 3_000]), 1, &[]), None, "another node refused");
    }

    #[test]
    fn the_shards_that_were_out_meanwhile_are_named_once() {
        let loss = |shard, from, to| Beside { shard, span: [from, to] };
        let losses = [loss(1, 1, 20), loss(3, 5, 7), loss(3, 8, 9), loss(2, 1, 20), loss(4, 20, 30)];
        assert_eq!(uncovered(2, [10, 20], &losses), [1]);
        assert_eq!(uncovered(2, [6, 15], &losses), [1, 3]);
        assert!(uncovered(1, [40, 50], &losses).is_empty());
    }
}
