//! Which outage belongs to which fault.

use std::collections::BTreeSet;

use super::OUTAGE;
use super::series::{Interval, Series};

/// How long after a fault, or after it was taken back, an outage that begins is still held to be its doing.
/// Replicas that stop acknowledging make a primary with `min-replicas-to-write` refuse writes after
/// `min-replicas-max-lag` (10 s by default), and an old primary is demoted about 10 s after it is seen again.
const CONSEQUENCES: u64 = 15_000_000_000;

/// The time in which what begins belongs to a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Index of the fault; `None` for the whole of a trial in which nothing was broken.
    pub fault: Option<usize>,
    /// When it was injected.
    pub at: u64,
    /// The next fault, or the end of the consequences.
    pub until: u64,
}

impl Window {
    /// The windows of faults, given as (index, injected, reverted), in order of injection. Without faults, one that
    /// explains no outage: the longest interval of a healthy set is a result as well.
    pub fn all(faults: &[(usize, u64, Option<u64>)], zero: u64, end: u64) -> Vec<Self> {
        if faults.is_empty() {
            return vec![Self { fault: None, at: zero, until: end }];
        }
        let mut faults = faults.to_vec();
        faults.sort_unstable_by_key(|(index, at, _)| (*at, *index));
        let next = |place: usize| faults.get(place + 1).map_or(u64::MAX, |(_, at, _)| *at);
        let window = |(place, (fault, at, reverted)): (usize, &(usize, u64, Option<u64>))| {
            let over = reverted.unwrap_or(*at).saturating_add(CONSEQUENCES);
            Self { fault: Some(*fault), at: *at, until: over.min(next(place)) }
        };
        faults.iter().enumerate().map(window).collect()
    }
}

/// An interval without acknowledged writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// The fault it belongs to; `None` when it was not planned.
    pub window: Option<Window>,
    /// The interval; `None` when nothing was acknowledged since before an earlier fault, so that this one has none of its own.
    pub interval: Option<Interval>,
    /// Whether it is long enough to be called an outage.
    pub long: bool,
}

/// Gives every fault its outages, or the longest interval in its window where it caused none, and finds those outages
/// in `[zero, end]` that no fault explains. In order of time.
pub fn outages(writes: &Series, windows: &[Window], zero: u64, end: u64) -> Vec<Outage> {
    let mut taken = BTreeSet::new();
    let mut found = Vec::new();
    let long = |index: &usize| writes.length(&writes.interval(*index)) >= OUTAGE;
    for (place, window) in windows.iter().enumerate() {
        // The last write before a fault is acknowledged before it: what begins right before the next fault and contains it
        // is that one's doing.
        let left = |index: &usize| {
            let (interval, next) = (writes.interval(*index), windows.get(place + 1));
            next.is_some_and(|next| {
                let begun = next.at.saturating_sub(interval.from.0);
                let contained = interval.from.0 < next.at && interval.to.is_none_or(|to| to.0 > next.at);
                contained && begun < OUTAGE && begun < interval.from.0.saturating_sub(window.at)
            })
        };
        let before = writes.containing(window.at).filter(|index| {
            // An outage that had long begun is not this fault's doing.
            !taken.contains(index) && window.at - writes.interval(*index).from.0 < OUTAGE
        });
        let candidates: Vec<usize> =
            before.into_iter().chain(writes.beginning_in(window.at.saturating_add(1), window.until)).filter(|index| !left(index)).collect();
        let explains = |index: &usize| window.fault.is_some() && long(index);
        let mut own: Vec<usize> = candidates.iter().copied().filter(explains).collect();
        let any = !own.is_empty();
        // An outage without a fault is nobody's result.
        own.extend(if any { None } else { writes.longest(candidates.iter().copied()).filter(|index| !long(index)) });
        taken.extend(own.iter().copied());
        if own.is_empty() && window.fault.is_some() {
            found.push(Outage { window: Some(*window), interval: None, long: false });
        }
        found.extend(own.iter().map(|index| Outage { window: Some(*window), interval: Some(writes.interval(*index)), long: any }));
    }
    let unplanned = writes.all().filter(|index| !taken.contains(index)).filter(long).map(|index| writes.interval(index));
    found.extend(unplanned.filter(|interval| interval.from.0 < end && interval.to.is_none_or(|to| to.0 > zero)).map(|interval| Outage {
        window: None,
        interval: Some(interval),
        long: true,
    }));
    found.sort_by_key(|outage| (outage.interval.map(|interval| interval.from.0), outage.window.map(|window| window.at)));
    found
}

#[cfg(test)]
mod tests {
    use super::{Outage, Series, Window, outages};

    const MS: u64 = 1_000_000;

    /// A write every 5 ms until `end`, except inside the gaps.
    fn writes(gaps: &[[u64; 2]], end: u64) -> Series {
        let free = |at: &u64| gaps.iter().all(|[from, to]| *at <= *from || *at >= *to);
        Series::new((0..=end).step_by(5).filter(free).map(|at| (at * MS, 0)).collect(), end * MS)
    }

    fn window(fault: usize, at: u64, until: u64) -> Window {
        Window { fault: Some(fault), at: at * MS, until: until * MS }
    }

    fn told(outages: &[Outage]) -> Vec<(Option<usize>, u64, Option<u64>, bool)> {
        outages
            .iter()
            .map(|outage| {
                let interval = outage.interval.unwrap();
                (outage.window.and_then(|window| window.fault), interval.from.0 / MS, interval.to.map(|to| to.0 / MS), outage.long)
            })
            .collect()
    }

    #[test]
    fn the_outage_around_a_fault_is_its_own() {
        let found = outages(&writes(&[[1000, 2400]], 5000), &[window(0, 1003, 5000)], 0, 5000 * MS);
        assert_eq!(told(&found), [(Some(0), 1000, Some(2400), true)]);
    }

    #[test]
    fn a_fault_that_stops_nothing_has_the_longest_ordinary_interval() {
        let found = outages(&writes(&[[1500, 1520]], 5000), &[window(0, 1003, 5000)], 0, 5000 * MS);
        assert_eq!(told(&found), [(Some(0), 1500, Some(1520), false)]);
    }

    #[test]
    fn an_outage_far_from_any_fault_is_unplanned() {
        let found = outages(&writes(&[[200, 600], [1000, 2400]], 5000), &[window(0, 1003, 5000)], 0, 5000 * MS);
        assert_eq!(told(&found), [(None, 200, Some(600), true), (Some(0), 1000, Some(2400), true)]);
    }

    #[test]
    fn a_second_fault_within_an_outage_does_not_claim_it_again() {
        let windows = [window(0, 1003, 1500), window(1, 1500, 5000)];
        let found = outages(&writes(&[[1000, 2400]], 5000), &windows, 0, 5000 * MS);
        assert_eq!(told(&found), [(Some(0), 1000, Some(2400), true), (Some(1), 2400, Some(2405), false)]);
    }

    #[test]
    fn an_outage_that_begins_with_the_last_write_before_a_fault_is_not_the_one_befores() {
        let windows = [window(0, 1003, 2003), window(1, 2003, 5000)];
        let found = outages(&writes(&[[2000, 3400]], 5000), &windows, 0, 5000 * MS);
        assert_eq!(told(&found), [(Some(0), 1000, Some(1005), false), (Some(1), 2000, Some(3400), true)]);
        // Writes that were under way when the first fault struck end a moment after it.
        let windows = [window(0, 998, 1100), window(1, 1100, 5000)];
        let found = outages(&writes(&[[1000, 3400]], 5000), &windows, 0, 5000 * MS);
        assert_eq!(told(&found)[0], (Some(0), 1000, Some(3400), true));
    }

    #[test]
    fn every_fault_has_its_own_outage() {
        let windows = [window(0, 1003, 6000), window(1, 6000, 9000)];
        let found = outages(&writes(&[[1000, 2400], [6000, 8000]], 9000), &windows, 0, 9000 * MS);
        assert_eq!(told(&found), [(Some(0), 1000, Some(2400), true), (Some(1), 6000, Some(8000), true)]);
    }

    #[test]
    fn an_outage_that_never_ends_is_open() {
        let found = outages(&writes(&[[1000, 6000]], 5000), &[window(0, 1003, 5000)], 0, 5000 * MS);
        assert_eq!(told(&found), [(Some(0), 1000, None, true)]);
    }

    #[test]
    fn without_faults_the_longest_interval_is_told_and_an_outage_stays_unplanned() {
        let told = |gaps: &[[u64; 2]]| told(&outages(&writes(gaps, 5000), &Window::all(&[], 0, 5000 * MS), 0, 5000 * MS));
        assert_eq!(told(&[[1500, 1520]]), [(None, 1500, Some(1520), false)]);
        assert_eq!(told(&[[1500, 1520], [2000, 2600]]), [(None, 2000, Some(2600), true)]);
    }

    #[test]
    fn consequences_end_with_the_next_fault() {
        let seconds = |at: u64| at * 1_000_000_000;
        let windows = Window::all(&[(1, seconds(20), None), (0, seconds(10), Some(seconds(18)))], 0, seconds(60));
        assert_eq!(
            windows.iter().map(|window| (window.fault, window.until / seconds(1))).collect::<Vec<_>>(),
            [(Some(0), 20), (Some(1), 35)]
        );
    }
}
