//! What replicas told of themselves that decides whether they may be promoted.

use crate::history::{NodeRole, RoleSample};

/// By node.
#[derive(Debug, Default)]
pub struct Replicas(Vec<Record>);

#[derive(Debug, Default)]
struct Record {
    priority: Option<u32>,
    /// Times in which its link to the primary was down; the last one may be open.
    down: Vec<(u64, Option<u64>)>,
}

impl Replicas {
    /// Takes in what a node said. What gave no answer is as it was.
    pub fn sample(&mut self, sample: &RoleSample) {
        if sample.role == NodeRole::Unreachable {
            return;
        }
        let node = usize::from(sample.node);
        if self.0.len() <= node {
            self.0.resize_with(node + 1, Record::default);
        }
        let (record, at) = (&mut self.0[node], sample.at[1]);
        record.priority = sample.priority.or(record.priority);
        let down = sample.role == NodeRole::Replica && !sample.link;
        match record.down.last_mut().filter(|(_, to)| to.is_none()) {
            Some((_, to)) if !down => *to = Some(at),
            None if down => record.down.push((at, None)),
            _ => {}
        }
    }

    /// Its priority (`replica-priority`), as far as it was told.
    pub fn priority(&self, node: u16) -> Option<u32> {
        self.0.get(usize::from(node))?.priority
    }

    /// Since when its link to the primary has been down at an instant; `None` where it was up.
    pub fn down_since(&self, node: u16, at: u64) -> Option<u64> {
        let spans = &self.0.get(usize::from(node))?.down;
        spans.iter().find(|(from, to)| *from <= at && to.is_none_or(|to| at < to)).map(|(from, _)| *from)
    }
}

#[cfg(test)]
mod tests {
    use super::{NodeRole, Replicas, RoleSample};

    #[test]
    fn a_link_is_down_from_the_first_answer_that_says_so_until_one_that_does_not() {
        let mut replicas = Replicas::default();
        let mut say = |at, role, link, priority| {
            let follows = String::new();
            replicas.sample(&RoleSample { at: [at, at], node: 1, role, offset: 0, link, follows, syncing: false, priority });
        };
        say(5, NodeRole::Replica, true, Some(0));
        say(10, NodeRole::Replica, false, None);
        say(12, NodeRole::Unreachable, false, None);
        say(15, NodeRole::Replica, false, None);
        say(20, NodeRole::Primary, false, None);
        say(30, NodeRole::Replica, false, None);
        assert_eq!([9, 10, 19, 20, 99].map(|at| replicas.down_since(1, at)), [None, Some(10), Some(10), None, Some(30)]);
        assert_eq!((replicas.priority(1), replicas.priority(2)), (Some(0), None));
    }
}
