//! The sweep: how many pairs of intervals of one key overlap, and for how long.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::hold::Hold;

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlaps {
    /// Pairs that overlap. Touching ends do not.
    pub pairs: u64,
    /// Sum of the overlaps, ns.
    pub time: u64,
    /// The first pairs, the one that started first in front, up to the limit asked for.
    pub shown: Vec<(Hold, Hold)>,
}

/// Finds the overlapping pairs among `holds`, sorted by [`Hold::order`].
///
/// Costs O(n log n) whatever the number of pairs: they are counted, and only the first `limit` are listed.
pub fn overlaps(holds: &[Hold], limit: usize) -> Overlaps {
    let mut found = Overlaps::default();
    // Ends of the intervals that are open, by index.
    let mut open: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut last = 0;
    let mut key = None;
    for (index, hold) in holds.iter().enumerate() {
        if key != Some(hold.key) {
            close(&mut open, &mut last, u64::MAX, &mut found);
            key = Some(hold.key);
        }
        close(&mut open, &mut last, hold.start, &mut found);
        if !open.is_empty() {
            found.time = found.time.saturating_add(pair_time(open.len(), hold.start - last));
            found.pairs += open.len() as u64;
            let room = limit.saturating_sub(found.shown.len());
            found.shown.extend(open.iter().take(room).map(|Reverse((_, other))| (holds[*other], *hold)));
        }
        last = hold.start;
        open.push(Reverse((hold.end, index)));
    }
    close(&mut open, &mut last, u64::MAX, &mut found);
    found
}

/// Closes what ends at or before `now`, adding up the time in which pairs were open.
fn close(open: &mut BinaryHeap<Reverse<(u64, usize)>>, last: &mut u64, now: u64, found: &mut Overlaps) {
    while let Some(Reverse((end, _))) = open.peek().copied() {
        if end > now {
            break;
        }
        found.time = found.time.saturating_add(pair_time(open.len(), end - *last));
        *last = end;
        open.pop();
    }
}

/// `open` intervals make `open * (open - 1) / 2` pairs.
fn pair_time(open: usize, length: u64) -> u64 {
    let open = open as u64;
    (open * open.saturating_sub(1) / 2).saturating_mul(length)
}

/// The holds of one key, prepared for being asked which of them overlap something.
pub struct Reach<'a> {
    holds: &'a [Hold],
    /// Latest end among the holds up to each.
    latest: Vec<u64>,
    /// All ends, sorted.
    ends: Vec<u64>,
}

impl<'a> Reach<'a> {
    /// `holds` are of one key and sorted by [`Hold::order`].
    pub fn new(holds: &'a [Hold]) -> Self {
        let latest = holds.iter().scan(0, |latest, hold| {
            *latest = hold.end.max(*latest);
            Some(*latest)
        });
        let mut ends: Vec<u64> = holds.iter().map(|hold| hold.end).collect();
        ends.sort_unstable();
        Self { holds, latest: latest.collect(), ends }
    }

    /// How many holds overlap `other`: those that began before its end, less those that had ended by its start.
    pub fn overlapping(&self, other: &Hold) -> usize {
        let began = self.holds.partition_point(|hold| hold.start < other.end);
        let ended = self.ends.partition_point(|end| *end <= other.start);
        began.saturating_sub(ended)
    }

    /// The first hold that overlaps `other`.
    pub fn first_overlap(&self, other: &Hold) -> Option<&'a Hold> {
        // The first to reach beyond its start; those that begin later cannot begin before it.
        let first = self.latest.partition_point(|latest| *latest <= other.start);
        self.holds.get(first).filter(|hold| hold.start < other.end)
    }
}

#[cfg(test)]
mod tests {
    use super::{Hold, Reach, overlaps};

    fn hold(id: u64, start: u64, end: u64) -> Hold {
        Hold { start, end, id, key: 0, client: 0, node: 0 }
    }

    #[test]
    fn touching_ends_do_not_overlap_and_a_point_inside_does() {
        let pairs = |spans: &[(u64, u64)]| {
            let mut holds: Vec<Hold> = spans.iter().zip(0..).map(|((start, end), id)| hold(id, *start, *end)).collect();
            holds.sort_by_key(Hold::order);
            let found = overlaps(&holds, 10);
            (found.pairs, found.time)
        };
        assert_eq!(pairs(&[(0, 5), (5, 9)]), (0, 0));
        assert_eq!(pairs(&[(0, 5), (5, 5), (5, 9)]), (0, 0));
        assert_eq!(pairs(&[(0, 5), (3, 3)]), (1, 0));
        assert_eq!(pairs(&[(0, 5), (0, 5), (4, 8)]), (3, 5 + 1 + 1));
    }

    #[test]
    fn pairs_beyond_the_limit_are_counted_and_not_listed() {
        let holds: Vec<Hold> = (0..100).map(|id| hold(id, id, 1000)).collect();
        let found = overlaps(&holds, 7);
        assert_eq!((found.pairs, found.shown.len()), (100 * 99 / 2, 7));
        assert_eq!(found.time, (0..100).map(|id| (1000 - id) * id).sum::<u64>());
    }

    #[test]
    fn the_first_overlap_is_found_behind_short_holds() {
        let holds = [hold(0, 0, 100), hold(1, 10, 20), hold(2, 30, 40), hold(3, 110, 120)];
        let reach = Reach::new(&holds);
        let first = |start, end| reach.first_overlap(&hold(9, start, end)).map(|hold| hold.id);
        assert_eq!([first(50, 60), first(100, 105), first(105, 115), first(130, 140)], [Some(0), None, Some(3), None]);
        let number = |start, end| reach.overlapping(&hold(9, start, end));
        assert_eq!([number(15, 60), number(100, 105), number(5, 115), number(130, 140)], [3, 0, 4, 0]);
    }
}
