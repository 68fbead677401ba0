//! Acknowledgements in order of time, and the intervals between them.

use std::ops::Range;

/// Completion of an acknowledged operation, and the node that acknowledged it.
pub type Ack = (u64, u16);

/// From one acknowledgement to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interval {
    /// The acknowledgement it begins with.
    pub from: Ack,
    /// The next one, if there was any before the end.
    pub to: Option<Ack>,
}

/// Acknowledgements in order of time.
#[derive(Debug, Clone, Default)]
pub struct Series {
    acks: Vec<Ack>,
    end: u64,
}

impl Series {
    /// A series of what was acknowledged until `end`: up to there, an acknowledgement would have been seen.
    pub fn new(mut acks: Vec<Ack>, end: u64) -> Self {
        acks.sort_unstable();
        Self { acks, end }
    }

    /// The interval that begins with the acknowledgement at `index`.
    pub fn interval(&self, index: usize) -> Interval {
        Interval { from: self.acks[index], to: self.acks.get(index + 1).copied() }
    }

    /// Length of an interval; for one that is still open, up to the end.
    pub fn length(&self, interval: &Interval) -> u64 {
        interval.to.map_or(self.end, |to| to.0).saturating_sub(interval.from.0)
    }

    /// The intervals that begin in `[from, to)`.
    pub fn beginning_in(&self, from: u64, to: u64) -> Range<usize> {
        let first = self.acks.partition_point(|ack| ack.0 < from);
        first..self.acks.partition_point(|ack| ack.0 < to).max(first)
    }

    /// The interval that began at or before `at` and had not ended by then.
    pub fn containing(&self, at: u64) -> Option<usize> {
        self.acks.partition_point(|ack| ack.0 <= at).checked_sub(1)
    }

    /// The longest of some intervals; of equals the first.
    pub fn longest(&self, indexes: impl Iterator<Item = usize>) -> Option<usize> {
        indexes.min_by_key(|index| (std::cmp::Reverse(self.length(&self.interval(*index))), *index))
    }

    /// The longest interval that shares more than a point with `[from, to]`.
    pub fn longest_across(&self, from: u64, to: u64) -> Option<Interval> {
        let begun = self.containing(from);
        let within = self.beginning_in(from.saturating_add(1), to);
        self.longest(begun.into_iter().chain(within)).map(|index| self.interval(index))
    }

    /// The first acknowledgement.
    pub fn first(&self) -> Option<Ack> {
        self.acks.first().copied()
    }

    /// Indexes of all intervals.
    pub fn all(&self) -> Range<usize> {
        0..self.acks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Interval, Series};

    fn series() -> Series {
        Series::new(vec![(50, 1), (10, 0), (20, 0), (22, 0)], 60)
    }

    #[test]
    fn intervals_run_from_one_acknowledgement_to_the_next() {
        let series = series();
        assert_eq!(series.interval(2), Interval { from: (22, 0), to: Some((50, 1)) });
        assert_eq!(series.length(&series.interval(2)), 28);
        assert_eq!(series.length(&series.interval(3)), 10, "an open interval lasts until the end");
    }

    #[test]
    fn the_longest_interval_across_a_span_may_begin_before_it() {
        assert_eq!(series().longest_across(30, 40), Some(Interval { from: (22, 0), to: Some((50, 1)) }));
        assert_eq!(series().longest_across(11, 21), Some(Interval { from: (10, 0), to: Some((20, 0)) }));
        assert_eq!(series().longest_across(50, 50), Some(Interval { from: (50, 1), to: None }));
        assert_eq!(series().longest_across(2, 9), None, "what begins after it is no part of it");
    }
}
