//! Time in which two nodes acknowledged writes: once one of them follows the other, what it took is gone.

use crate::result::Sample;

/// Acknowledgements this near to the end of the measured time are under way when it ends.
const AT_THE_END: u64 = 100_000_000;

/// When at least two of several nodes acknowledged writes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Total length, ns.
    pub total: u64,
    /// When it was first so.
    pub from: Option<u64>,
    /// Whether it was still so when the measured time ended.
    pub open: bool,
    /// The spans in which it was so, in order.
    pub spans: Vec<[u64; 2]>,
    /// Indexes of the nodes it happened to, in order.
    pub nodes: Vec<u16>,
}

impl Split {
    /// The length as a sample.
    pub fn sample(&self) -> Sample {
        if self.open { Sample::AtLeast(self.total as f64) } else { Sample::Exact(self.total as f64) }
    }
}

/// Overlaps of the intervals in which the nodes acknowledged writes, within `[zero, end]`.
pub fn split<'a>(writable: impl Iterator<Item = (u16, &'a [[u64; 2]])>, zero: u64, end: u64) -> Split {
    // At one instant an interval that ends comes before one that begins: touching is no overlap.
    let mut turns: Vec<(u64, bool, u16)> = Vec::new();
    for (node, spans) in writable {
        for [from, to] in spans.iter().map(|[from, to]| [(*from).max(zero), (*to).min(end)]).filter(|[from, to]| from < to) {
            turns.extend([(from, true, node), (to, false, node)]);
        }
    }
    turns.sort_unstable();
    let (mut found, mut writing, mut since) = (Split::default(), Vec::new(), 0);
    for (at, begins, node) in turns {
        if writing.len() > 1 {
            found.total += at - since;
            match found.spans.last_mut().filter(|span| span[1] == since) {
                Some(span) => span[1] = at,
                None if at > since => found.spans.push([since, at]),
                None => {}
            }
            found.open = at.saturating_add(AT_THE_END) >= end;
        }
        since = at;
        if begins {
            writing.push(node);
        } else {
            writing.retain(|other| *other != node);
        }
        if writing.len() > 1 {
            found.from.get_or_insert(at);
            found.nodes.extend(&writing);
        }
    }
    found.nodes.sort_unstable();
    found.nodes.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::{Split, split};

    const S: u64 = 1_000_000_000;

    fn of(nodes: &[&[[u64; 2]]]) -> Split {
        let spans: Vec<Vec<[u64; 2]>> = nodes.iter().map(|spans| spans.iter().map(|[from, to]| [from * S, to * S]).collect()).collect();
        split((0..).zip(&spans).map(|(node, spans)| (node, spans.as_slice())), 2 * S, 20 * S)
    }

    #[test]
    fn one_node_after_the_other_is_no_split() {
        assert_eq!(of(&[&[[0, 5]], &[[5, 20]]]), Split::default());
        assert_eq!(of(&[&[[0, 5]], &[[7, 20]]]), Split::default());
        assert_eq!(of(&[&[[0, 2]], &[[0, 20]]]), Split::default(), "before the measured time");
    }

    #[test]
    fn the_time_in_which_two_nodes_write_is_counted_once_whoever_they_are() {
        let found = of(&[&[[0, 9]], &[[4, 12]], &[[8, 11], [15, 17]]]);
        let spans = vec![[4 * S, 11 * S]];
        assert_eq!(found, Split { total: 7 * S, from: Some(4 * S), open: false, spans, nodes: vec![0, 1, 2] });
        let found = of(&[&[[0, 9], [15, 17]], &[[4, 16]]]);
        assert_eq!(found.spans, [[4 * S, 9 * S], [15 * S, 16 * S]]);
    }

    #[test]
    fn what_lasts_until_the_end_is_a_lower_bound() {
        let found = of(&[&[[0, 20]], &[[15, 25]]]);
        assert_eq!((found.total, found.open), (5 * S, true));
    }
}
