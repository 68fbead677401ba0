//! Which node was a primary when, from what the nodes themselves said and did.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// For each node the moments at which it was seen to be a primary or not to be one.
///
/// Evidence for: it told the role, or it acknowledged a write. Against: it told another role, or it refused a write as
/// read-only. No answer is evidence of nothing.
#[derive(Debug, Default)]
pub struct Reigns(Vec<Known>);

/// What is known of one node.
#[derive(Debug, Default)]
struct Known {
    /// Changes, in order of time.
    changes: Vec<(u64, bool)>,
    /// Evidence that something earlier may still follow.
    recent: BinaryHeap<Reverse<(u64, bool)>>,
    newest: u64,
}

/// How much later than other evidence some may be told: longer than any answer is waited for.
const OUT_OF_ORDER: u64 = 5_000_000_000;

impl Known {
    fn evidence(&mut self, at: u64, primary: bool) {
        self.recent.push(Reverse((at, primary)));
        self.newest = self.newest.max(at);
        self.settle(self.newest.saturating_sub(OUT_OF_ORDER));
    }

    /// Keeps the changes among what was seen before `until`.
    fn settle(&mut self, until: u64) {
        while let Some(Reverse((at, primary))) = self.recent.peek().copied().filter(|Reverse((at, _))| *at < until) {
            self.recent.pop();
            if self.changes.last().is_none_or(|(_, last)| *last != primary) {
                self.changes.push((at, primary));
            }
        }
    }
}

impl Reigns {
    /// Takes in one piece of evidence. Only changes are kept.
    pub fn evidence(&mut self, node: u16, at: u64, primary: bool) {
        let node = usize::from(node);
        if self.0.len() <= node {
            self.0.resize_with(node + 1, Known::default);
        }
        self.0[node].evidence(at, primary);
    }

    /// All evidence is in.
    pub fn sort(&mut self) {
        for known in &mut self.0 {
            known.settle(u64::MAX);
            // What came later still than all that was waited for.
            known.changes.sort_unstable();
        }
    }

    /// Since when a node that is a primary at `at` has been one.
    pub fn since(&self, node: u16, at: u64) -> Option<u64> {
        let known = &self.0.get(usize::from(node))?.changes;
        let next = known.partition_point(|(seen, _)| *seen <= at);
        known[..next].last().filter(|(_, primary)| *primary).map(|(since, _)| *since)
    }

    /// Whether the latest evidence up to `at` says that the node is a primary.
    pub fn primary(&self, node: u16, at: u64) -> bool {
        let Some(Known { changes: known, .. }) = self.0.get(usize::from(node)) else { return false };
        let next = known.partition_point(|(seen, _)| *seen <= at);
        next > 0 && known[next - 1].1
    }
}

#[cfg(test)]
mod tests {
    use super::Reigns;

    #[test]
    fn a_node_is_a_primary_from_the_first_sign_of_it_until_a_sign_against_it() {
        let mut reigns = Reigns::default();
        for (at, primary) in [(5, false), (10, true), (12, true), (30, false)] {
            reigns.evidence(1, at, primary);
        }
        // What was seen earlier may be told later.
        for (at, primary) in [(10, true), (30, false), (20, true)] {
            reigns.evidence(2, at, primary);
        }
        reigns.sort();
        assert_eq!([25, 35].map(|at| reigns.primary(2, at)), [true, false]);
        assert_eq!([9, 10, 29, 30].map(|at| reigns.primary(1, at)), [false, true, true, false]);
        assert_eq!([9, 29, 30].map(|at| reigns.since(1, at)), [None, Some(10), None]);
        assert!(!reigns.primary(7, 10), "nothing is known of that node");
    }

    #[test]
    fn a_sign_that_is_told_late_takes_nothing_from_later_ones() {
        let mut reigns = Reigns::default();
        for (at, primary) in [(10, false), (30, false), (20, true)] {
            reigns.evidence(0, at, primary);
        }
        reigns.sort();
        assert_eq!([15, 25, 35].map(|at| reigns.primary(0, at)), [false, true, false]);
    }
}
