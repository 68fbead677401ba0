//! How many requests certainly fell into one window of true time.
//!
//! A request that took effect at an unknown instant of `[invoked, completed]` certainly lies in the window `[t, t + w]` when all of that
//! interval does, which is so for `t` from `completed − w` to `invoked`. So the question is where most of those ranges overlap.

use std::collections::BTreeSet;

/// Most of the intervals that lie within one window of length `window`, and from and to when those reach.
pub fn crowd(intervals: &[(u64, u64)], window: u64) -> (u64, u64, u64) {
    let ranges = sorted(intervals, window);
    let mut open: BTreeSet<(u64, usize)> = BTreeSet::new();
    let mut most = (0, 0, 0);
    for (index, &(low, high)) in ranges.iter().enumerate() {
        while open.first().is_some_and(|(end, _)| i128::from(*end) < low) {
            open.pop_first();
        }
        open.insert((high, index));
        if open.len() as u64 > most.0 {
            let first = open.first().map_or(high, |(end, _)| *end);
            let last = u64::try_from(low + i128::from(window)).unwrap_or(u64::MAX);
            most = (open.len() as u64, first, last);
        }
    }
    most
}

/// Fewest intervals that must go so that no window of length `window` holds more than `limit`.
///
/// The intervals are those of a graph that is to be coloured with `limit` colours; to drop, of those that are open when one too many is,
/// the one that ends last is known to be optimal (Carlisle and Lloyd, "On the k-coloring of intervals", 1995).
pub fn least_removal(intervals: &[(u64, u64)], window: u64, limit: u64) -> u64 {
    let mut open: BTreeSet<(u64, usize)> = BTreeSet::new();
    let mut removed = 0;
    for (index, (low, high)) in sorted(intervals, window).into_iter().enumerate() {
        while open.first().is_some_and(|(end, _)| i128::from(*end) < low) {
            open.pop_first();
        }
        open.insert((high, index));
        if open.len() as u64 > limit {
            open.pop_last();
            removed += 1;
        }
    }
    removed
}

/// The ranges of window starts, sorted; an interval longer than the window certainly lies in none.
fn sorted(intervals: &[(u64, u64)], window: u64) -> Vec<(i128, u64)> {
    let short = intervals.iter().filter(|(invoked, completed)| completed - invoked <= window);
    let mut ranges: Vec<(i128, u64)> = short.map(|(invoked, completed)| (i128::from(*completed) - i128::from(window), *invoked)).collect();
    ranges.sort_unstable();
    ranges
}
