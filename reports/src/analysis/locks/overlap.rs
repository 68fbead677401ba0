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
}

impl<'a> Reach<'a> {
    /// `holds` are of one key and sorted by [`Hold::order`].
    pub fn new(holds: &'a [Hold]) -> Self {
        let latest = holds.iter().scan(0, |latest, hold| {
            *latest = hold.end.max(*latest);
            Some(*latest)
        });
        Self { holds, latest: latest.collect() }
    }

    /// The holds that overlap `other`, the last to start first.
    pub fn overlapping(&self, other: &Hold) -> impl Iterator<Item = &'a Hold> {
        let reach = self.holds.partition_point(|hold| hold.start < other.end);
        let near = self.holds[..reach].iter().zip(&self.latest[..reach]).rev();
        near.take_while(move |(_, latest)| **latest > other.start).map(|(hold, _)| hold).filter(move |hold| hold.end > other.start)
    }
}
