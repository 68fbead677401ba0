//! Primaries that came back as primaries with less than they had: what they had beyond is gone, on their replicas too, and no Sentinel says a word.

use super::hash::Map;
use crate::history::{NodeRole, RoleSample, Started};

/// Servers keep no replication offset beside an append-only file (`aof.c`), so one that read it begins at 0 with everything it had.
const APPEND_ONLY: &str = "append only file";

/// A primary whose replication stream became shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// When it was first seen.
    pub at: u64,
    /// When its node had answered before.
    pub since: u64,
    /// Which node.
    pub node: u16,
    /// Its offset before and after.
    pub offsets: [u64; 2],
}

/// Looks for resets in what nodes say of themselves.
#[derive(Debug, Default)]
pub struct Resets {
    /// The latest answer of each node: role, offset and when.
    last: Map<u16, (NodeRole, u64, u64)>,
    /// What was found, in order.
    found: Vec<Reset>,
    /// Who was started again.
    started: Vec<Started>,
}

impl Resets {
    /// Takes in that a node was started again.
    pub fn started(&mut self, started: &Started) {
        self.started.push(started.clone());
    }

    /// What was found, without primaries that read all they had from an append-only file.
    pub fn found(&self) -> impl Iterator<Item = &Reset> {
        self.found.iter().filter(|reset| {
            let between = |started: &&Started| started.node == reset.node && (reset.since..=reset.at).contains(&started.at[0]);
            let starts = self.started.iter().filter(between);
            let latest = starts.max_by_key(|started| started.at[0]);
            !latest.and_then(|started| started.loaded.as_ref()).is_some_and(|line| line.contains(APPEND_ONLY))
        })
    }

    /// Takes in what a node said. A node that did not answer said nothing.
    pub fn sample(&mut self, sample: &RoleSample) {
        if sample.role == NodeRole::Unreachable {
            return;
        }
        if let Some((NodeRole::Primary, before, since)) = self.last.insert(sample.node, (sample.role, sample.offset, sample.at[1]))
            && sample.role == NodeRole::Primary
            && sample.offset < before
        {
            self.found.push(Reset { at: sample.at[1], since, node: sample.node, offsets: [before, sample.offset] });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(samples: &[(NodeRole, u64)]) -> Vec<[u64; 2]> {
        told_with(samples, &[])
    }

    fn told_with(samples: &[(NodeRole, u64)], starts: &[(u64, Option<&str>)]) -> Vec<[u64; 2]> {
        let mut resets = Resets::default();
        for (at, loaded) in starts {
            resets.started(&Started { at: [*at, *at + 1], node: 0, loaded: loaded.map(str::to_owned) });
        }
        for (at, (role, offset)) in (0..).zip(samples) {
            let sample = RoleSample {
                at: [at, at],
                node: 0,
                role: *role,
                offset: *offset,
                link: true,
                follows: String::new(),
                syncing: false,
                priority: None,
            };
            resets.sample(&sample);
        }
        resets.found().map(|reset| reset.offsets).collect()
    }

    #[test]
    fn a_primary_that_comes_back_with_a_shorter_stream_lost_what_the_longer_one_carried() {
        use NodeRole::{Primary, Replica, Unreachable};
        assert_eq!(told(&[(Primary, 900), (Unreachable, 0), (Primary, 14)]), [[900, 14]]);
        assert!(told(&[(Primary, 900), (Unreachable, 0), (Primary, 900)]).is_empty(), "its data came back with it");
        assert!(told(&[(Primary, 900), (Replica, 14), (Primary, 20)]).is_empty(), "it followed another one in between");
    }

    #[test]
    fn a_primary_that_read_its_append_only_file_has_what_it_had() {
        use NodeRole::{Primary, Unreachable};
        let samples = [(Primary, 900), (Unreachable, 0), (Primary, 14), (Primary, 30), (Unreachable, 0), (Primary, 7)];
        let kept = Some("DB loaded from append only file: 0.001 seconds");
        assert!(told_with(&samples, &[(1, kept), (4, kept)]).is_empty());
        assert_eq!(told_with(&samples, &[(1, kept), (4, None)]), [[30, 7]], "the second time it found nothing");
        assert_eq!(told_with(&samples[..3], &[(1, Some("DB loaded from disk: 0.001 seconds"))]), [[900, 14]], "an older snapshot");
    }
}
