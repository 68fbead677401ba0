//! Times in which nodes gave no answer at all, to probes, to clients or to questions about their role. What all nodes fall silent for at once, though no
//! fault took them, is the doing of the machine they run on.

use crate::history::{Op, Outcome, Probe, Why};

/// A node that answers nothing for this long is silent. Probes ask every few milliseconds.
const SHORTEST: u64 = 100_000_000;

/// One node alone may fall silent for reasons of its own.
const FEWEST: usize = 2;

/// When each node answered nothing.
#[derive(Debug, Default)]
pub struct Silences(Vec<Heard>);

#[derive(Debug, Default)]
struct Heard {
    /// Its latest answer.
    last: Option<u64>,
    spans: Vec<[u64; 2]>,
}

/// A time in which every node was silent that no fault had taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standstill {
    /// First and last instant.
    pub span: [u64; 2],
    /// How many nodes were silent.
    pub nodes: usize,
}

impl Standstill {
    /// How long it lasted.
    pub fn length(&self) -> u64 {
        self.span[1].saturating_sub(self.span[0])
    }

    /// How much of it lies in a span of time.
    pub fn within(&self, [from, to]: [u64; 2]) -> u64 {
        self.span[1].min(to).saturating_sub(self.span[0].max(from))
    }
}

impl Silences {
    /// A node answered, be it with an error.
    pub fn answer(&mut self, node: u16, at: u64) {
        let node = usize::from(node);
        if self.0.len() <= node {
            self.0.resize_with(node + 1, Heard::default);
        }
        let heard = &mut self.0[node];
        if let Some(last) = heard.last.filter(|last| at.saturating_sub(*last) >= SHORTEST) {
            heard.spans.push([last, at]);
        }
        heard.last = heard.last.max(Some(at));
    }

    /// Takes in a probe.
    pub fn probe(&mut self, probe: &Probe) {
        if probe.out == Outcome::Ok || probe.why.is_some_and(answered) {
            self.answer(probe.node, probe.at[2]);
        }
    }

    /// Takes in an attempt of a client.
    pub fn op(&mut self, op: &Op) {
        if let Some(node) = op.node.filter(|_| op.out == Outcome::Ok || op.why.is_some_and(answered)) {
            self.answer(node, op.at[2]);
        }
    }

    /// The node's latest answer up to an instant.
    pub fn last_before(&self, node: u16, at: u64) -> Option<u64> {
        let heard = self.0.get(usize::from(node))?;
        let silent = heard.spans.iter().find(|[from, to]| *from <= at && at < *to).map(|[from, _]| *from);
        silent.or_else(|| heard.last.map(|last| last.min(at)))
    }

    /// The times in `[zero, end]` in which every one of these nodes was silent that no fault had `taken` then; nodes that were never heard do
    /// not count.
    pub fn standstills(&self, nodes: &[u16], taken: &dyn Fn(u16, u64) -> bool, [zero, end]: [u64; 2]) -> Vec<Standstill> {
        let heard: Vec<(u16, Vec<[u64; 2]>)> = nodes.iter().filter_map(|node| Some((*node, self.of(*node, end)?))).collect();
        let mut edges: Vec<u64> = heard.iter().flat_map(|(_, spans)| spans.iter().flatten()).copied().collect();
        edges.extend([zero, end]);
        edges.retain(|edge| (zero..=end).contains(edge));
        edges.sort_unstable();
        edges.dedup();
        let mut found: Vec<Standstill> = Vec::new();
        for pair in edges.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            // Where the end of a silence begins, a fault may begin as well: what counts is the whole piece.
            let free: Vec<&Vec<[u64; 2]>> =
                heard.iter().filter(|(node, _)| !taken(*node, from) && !taken(*node, to)).map(|(_, spans)| spans).collect();
            if free.len() < FEWEST || !free.iter().all(|spans| covered(spans, [from, to])) {
                continue;
            }
            match found.last_mut().filter(|last| last.span[1] == from) {
                Some(last) => *last = Standstill { span: [last.span[0], to], nodes: last.nodes.min(free.len()) },
                None => found.push(Standstill { span: [from, to], nodes: free.len() }),
            }
        }
        found.retain(|one| one.length() >= SHORTEST);
        found
    }

    /// The silent times of a node, the last one up to `end`; `None` for one that was never heard.
    fn of(&self, node: u16, end: u64) -> Option<Vec<[u64; 2]>> {
        let heard = self.0.get(usize::from(node))?;
        let last = heard.last?;
        let mut spans = heard.spans.clone();
        if end.saturating_sub(last) >= SHORTEST {
            spans.push([last, end]);
        }
        Some(spans)
    }
}

fn covered(spans: &[[u64; 2]], [from, to]: [u64; 2]) -> bool {
    let next = spans.partition_point(|span| span[1] < to);
    spans.get(next).is_some_and(|span| span[0] <= from && to <= span[1])
}

/// Whether a refusal came from the server.
fn answered(why: Why) -> bool {
    !matches!(why, Why::Connect | Why::NoPrimary | Why::Quorum | Why::Overload | Why::Timeout | Why::Reset | Why::Cancelled)
}

#[cfg(test)]
mod tests {
    use super::{Silences, Standstill};
    use crate::history::{Op, OpKind, Outcome, Why};

    const MS: u64 = 1_000_000;

    /// Three nodes that answer every 10 ms, but for the given times in ms.
    fn heard(silent: &[(u16, u64, u64)]) -> Silences {
        let mut silences = Silences::default();
        for at in (0..=5_000).step_by(10) {
            for node in 0..3 {
                if !silent.iter().any(|(of, from, to)| *of == node && *from < at && at < *to) {
                    silences.answer(node, at * MS);
                }
            }
        }
        silences
    }

    fn found(silent: &[(u16, u64, u64)], taken: &dyn Fn(u16, u64) -> bool) -> Vec<Standstill> {
        heard(silent).standstills(&[0, 1, 2], taken, [0, 5_000 * MS])
    }

    #[test]
    fn what_all_nodes_are_silent_for_at_once_is_found_to_the_edge() {
        let all = [(0, 1_000, 2_000), (1, 1_100, 2_700), (2, 900, 2_100)];
        assert_eq!(found(&all, &|_, _| false), [Standstill { span: [1_100 * MS, 2_000 * MS], nodes: 3 }]);
        assert!(found(&all[..2], &|_, _| false).is_empty(), "the third one answered");
        assert!(found(&[(0, 1_000, 1_050), (1, 1_000, 1_050), (2, 1_000, 1_050)], &|_, _| false).is_empty(), "too short to be one");
    }

    #[test]
    fn a_node_that_a_fault_took_says_nothing_about_the_machine() {
        let dead = [(0, 1_000, 5_001), (1, 3_000, 3_500), (2, 3_000, 3_500)];
        let killed = |node: u16, at: u64| node == 0 && at >= 1_000 * MS;
        assert_eq!(found(&dead, &killed), [Standstill { span: [3_000 * MS, 3_500 * MS], nodes: 2 }]);
        let paused = |node: u16, at: u64| killed(node, at) || (node == 1 && (3_000 * MS..=3_500 * MS).contains(&at));
        assert!(found(&dead, &paused).is_empty(), "one node alone may have reasons of its own");
    }

    #[test]
    fn a_node_that_answers_clients_is_there_and_one_that_only_times_out_is_not() {
        let standstills = |out, why| {
            let mut silences = Silences::default();
            for at in (0..=5_000).step_by(10) {
                (0..3).filter(|_| !(1_000..2_000).contains(&at)).for_each(|node| silences.answer(node, at * MS));
                silences.op(&Op { w: 0, c: 0, op: OpKind::Acquire, id: 0, key: 0, at: [at * MS; 3], out, why, node: Some(1) });
            }
            silences.standstills(&[0, 1, 2], &|_, _| false, [0, 5_000 * MS]).len()
        };
        assert_eq!(standstills(Outcome::Info, Some(Why::Timeout)), 1);
        assert_eq!(standstills(Outcome::Fail, Some(Why::Held)), 0, "it was asked and said that the lock is held");
    }

    #[test]
    fn the_last_answer_before_an_instant_is_known() {
        let silences = heard(&[(1, 1_000, 2_000)]);
        assert_eq!([900, 1_500, 2_500].map(|at| silences.last_before(1, at * MS)), [900, 1_000, 2_500].map(|at| Some(at * MS)));
        assert_eq!(silences.last_before(7, 1), None);
    }
}
