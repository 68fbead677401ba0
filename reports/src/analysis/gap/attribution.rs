//! The outages of a shard, and what each fault that caused none is measured by.

use std::collections::BTreeSet;

use super::OUTAGE;
use super::series::{Interval, Series};
use crate::analysis::cause::Origin;

/// How long after a fault, or after it was reverted, the longest ordinary interval is looked for where it stopped nothing.
const LOOKED_AT: u64 = 15_000_000_000;

/// The time in which a fault that caused no outage is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Index of the fault; `None` for the whole of a trial in which nothing was broken.
    pub fault: Option<usize>,
    /// When it was injected.
    pub at: u64,
    /// The next fault, or the end of what is looked at.
    pub until: u64,
}

impl Window {
    /// The windows of faults, given as (index, injected, reverted), in order of injection. Without faults, the whole: the longest interval
    /// of a healthy set is a result as well. None goes beyond the measured time.
    pub fn all(faults: &[(usize, u64, Option<u64>)], zero: u64, end: u64) -> Vec<Self> {
        if faults.is_empty() {
            return vec![Self { fault: None, at: zero, until: end }];
        }
        let mut faults = faults.to_vec();
        faults.sort_unstable_by_key(|(index, at, _)| (*at, *index));
        let next = |place: usize| faults.get(place + 1).map_or(u64::MAX, |(_, at, _)| *at);
        let window = |(place, (fault, at, reverted)): (usize, &(usize, u64, Option<u64>))| {
            let over = reverted.unwrap_or(*at).saturating_add(LOOKED_AT);
            Self { fault: Some(*fault), at: *at, until: over.min(next(place)).min(end) }
        };
        faults.iter().enumerate().map(window).collect()
    }
}

/// What an interval is told as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// An outage, and what it is put down to.
    Outage(Origin),
    /// What a fault caused instead of one, or the longest of a trial without faults.
    Ordinary(Window),
}

/// An interval without acknowledged writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// What it is told as.
    pub class: Class,
    /// The interval; `None` when nothing was acknowledged since before an earlier fault, so that this one has none of its own.
    pub interval: Option<Interval>,
}

impl Outage {
    /// What it is put down to, where it is long enough to be called an outage.
    pub fn origin(&self) -> Option<Origin> {
        match self.class {
            Class::Outage(origin) => Some(origin),
            Class::Ordinary(_) => None,
        }
    }
}

/// The outages in `[zero, end]`, in order of time.
pub fn outages(writes: &Series, [zero, end]: [u64; 2]) -> Vec<Interval> {
    let long = writes.all().map(|index| writes.interval(index)).filter(|interval| writes.length(interval) >= OUTAGE);
    long.filter(|interval| interval.from.0 < end && interval.to.is_none_or(|to| to.0 > zero)).collect()
}

/// The longest ordinary interval in the window of each fault that caused no outage by itself; `own` says of a fault whether it did. `any`
/// says whether there was an outage at all.
pub fn ordinary(writes: &Series, windows: &[Window], own: impl Fn(usize) -> bool, any: bool) -> Vec<Outage> {
    let mut taken = BTreeSet::new();
    let mut found = Vec::new();
    for (place, window) in windows.iter().enumerate() {
        if window.fault.map_or(any, &own) {
            continue;
        }
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
        let candidates = writes.containing(window.at).into_iter().chain(writes.beginning_in(window.at.saturating_add(1), window.until));
        let short = |index: &usize| writes.length(&writes.interval(*index)) < OUTAGE;
        let longest = writes.longest(candidates.filter(|index| short(index) && !taken.contains(index) && !left(index)));
        taken.extend(longest);
        if longest.is_some() || window.fault.is_some() {
            found.push(Outage { class: Class::Ordinary(*window), interval: longest.map(|index| writes.interval(index)) });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Class, Interval, Series, Window, ordinary, outages};

    const MS: u64 = 1_000_000;

    /// A write every 5 ms until `end`, except inside the gaps.
    fn writes(gaps: &[[u64; 2]], end: u64) -> Series {
        let free = |at: &u64| gaps.iter().all(|[from, to]| *at <= *from || *at >= *to);
        Series::new((0..=end).step_by(5).filter(free).map(|at| (at * MS, 0)).collect(), end * MS)
    }

    fn window(fault: usize, at: u64, until: u64) -> Window {
        Window { fault: Some(fault), at: at * MS, until: until * MS }
    }

    /// Begin and end in milliseconds; without an end where it was open.
    type Millis = (u64, Option<u64>);

    fn millis(interval: Interval) -> Millis {
        (interval.from.0 / MS, interval.to.map(|to| to.0 / MS))
    }

    /// The ordinary intervals of faults of which `own` have outages.
    fn told(writes: &Series, windows: &[Window], own: &[usize]) -> Vec<(Option<usize>, Option<Millis>)> {
        let found = ordinary(writes, windows, |fault| own.contains(&fault), !own.is_empty());
        let fault = |class| if let Class::Ordinary(window) = class { window.fault } else { panic!("no outage was given") };
        found.iter().map(|one| (fault(one.class), one.interval.map(millis))).collect()
    }

    #[test]
    fn outages_are_those_that_meet_the_measured_time() {
        let writes = writes(&[[200, 600], [1000, 2400], [3000, 3100], [4000, 6000]], 5000);
        let found = |span: [u64; 2]| outages(&writes, span.map(|at| at * MS)).into_iter().map(millis).collect::<Vec<_>>();
        assert_eq!(found([0, 5000]), [(200, Some(600)), (1000, Some(2400)), (4000, None)]);
        assert_eq!(found([700, 3000]), [(1000, Some(2400))]);
    }

    #[test]
    fn a_fault_that_stops_nothing_has_the_longest_ordinary_interval() {
        let writes = writes(&[[1500, 1520], [3000, 3400]], 5000);
        assert_eq!(told(&writes, &[window(0, 1003, 5000)], &[]), [(Some(0), Some((1500, Some(1520))))]);
        assert!(told(&writes, &[window(0, 1003, 5000)], &[0]).is_empty(), "it has an outage");
    }

    #[test]
    fn an_ordinary_interval_belongs_to_the_fault_it_contains_if_it_began_right_before_it() {
        let windows = [window(0, 1003, 2003), window(1, 2003, 5000)];
        assert_eq!(
            told(&writes(&[[2000, 2200]], 5000), &windows, &[]),
            [(Some(0), Some((1000, Some(1005)))), (Some(1), Some((2000, Some(2200))))]
        );
    }

    #[test]
    fn a_second_fault_within_an_open_outage_has_no_interval_of_its_own() {
        let windows = [window(0, 1003, 1500), window(1, 1500, 5000)];
        assert_eq!(told(&writes(&[[1000, 6000]], 5000), &windows, &[0]), [(Some(1), None)]);
        assert_eq!(told(&writes(&[[1000, 2400]], 5000), &windows, &[0]), [(Some(1), Some((2400, Some(2405))))]);
    }

    #[test]
    fn without_faults_the_longest_interval_is_told_unless_there_was_an_outage() {
        let windows = Window::all(&[], 0, 5000 * MS);
        let writes = writes(&[[1500, 1520]], 5000);
        assert_eq!(told(&writes, &windows, &[]), [(None, Some((1500, Some(1520))))]);
        assert!(ordinary(&writes, &windows, |_| false, true).is_empty());
    }

    #[test]
    fn a_window_ends_with_the_next_fault() {
        let seconds = |at: u64| at * 1_000_000_000;
        let windows = Window::all(&[(1, seconds(20), None), (0, seconds(10), Some(seconds(18)))], 0, seconds(60));
        assert_eq!(
            windows.iter().map(|window| (window.fault, window.until / seconds(1))).collect::<Vec<_>>(),
            [(Some(0), 20), (Some(1), 35)]
        );
    }
}
