//! What the checks of a trial found: every anomaly is counted, drawn and handed on; a sample of each kind is kept.
//!
//! A kind that occurs thousands of times takes no room from one that occurs once.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::result::{Anomaly, AnomalyCount, AnomalyKind};

/// Most anomalies of one kind and workload that a result lists.
const LISTED: usize = 50;

/// Most anomalies of a trial that are handed on one by one; more are only counted.
pub const MOST_TOLD: usize = 1_000_000;

/// Most spans that a lane is drawn with.
const MOST_SPANS: usize = 512;

/// Narrowest part of the time axis in which anomalies are drawn as one, ns.
const NARROWEST: u64 = 10_000_000;

/// The anomalies of a trial, as they are found.
pub struct Found<'s> {
    sink: &'s mut dyn FnMut(&Anomaly),
    told: usize,
    untold: u64,
    groups: BTreeMap<(AnomalyKind, String), Group>,
}

/// Anomalies of one kind and workload.
#[derive(Default)]
struct Group {
    total: u64,
    /// The worst of them, each with its rank; sorted and cut now and then.
    sample: Vec<(u64, Anomaly)>,
    first: Option<u64>,
    last: u64,
    spans: Spans,
}

/// What is kept of the anomalies of a trial.
#[derive(Debug, Default)]
pub struct Kept {
    /// One entry for each kind and workload, worst kind first.
    pub counts: Vec<AnomalyCount>,
    /// The listed ones, worst kind first.
    pub listed: Vec<Anomaly>,
    /// How many were not handed on, because there were too many.
    pub untold: u64,
}

impl<'s> Found<'s> {
    /// Nothing found yet. Every anomaly is handed to `sink`.
    pub fn new(sink: &'s mut dyn FnMut(&Anomaly)) -> Self {
        Self { sink, told: 0, untold: 0, groups: BTreeMap::new() }
    }

    /// One anomaly.
    pub fn one(&mut self, anomaly: Anomaly) {
        let rank = overlap(&anomaly);
        self.ranked(anomaly, 1, rank);
    }

    /// One anomaly that stands for several. Of one kind, those of a higher rank are worse.
    pub fn ranked(&mut self, anomaly: Anomaly, times: u64, rank: u64) {
        if self.told < MOST_TOLD {
            self.told += 1;
            (self.sink)(&anomaly);
        } else {
            self.untold += times;
        }
        let group = self.groups.entry((anomaly.kind, anomaly.workload.clone())).or_default();
        group.total += times;
        let to = anomaly.to.unwrap_or(anomaly.from);
        group.first = Some(group.first.map_or(anomaly.from, |first| first.min(anomaly.from)));
        group.last = group.last.max(to);
        group.spans.add([anomaly.from, to, times]);
        group.sample.push((rank, anomaly));
        if group.sample.len() >= 4 * LISTED {
            group.cut();
        }
    }

    /// Anomalies of which no more is known than that there are so many more.
    pub fn more(&mut self, kind: AnomalyKind, workload: &str, times: u64) {
        if times > 0 {
            self.untold += times;
            self.groups.entry((kind, workload.to_owned())).or_default().total += times;
        }
    }

    /// What is kept of them.
    pub fn finish(self) -> Kept {
        let mut kept = Kept { untold: self.untold, ..Kept::default() };
        for ((kind, workload), mut group) in self.groups {
            group.cut();
            kept.counts.push(AnomalyCount {
                kind,
                workload,
                total: group.total,
                listed: group.sample.len() as u64,
                first: group.first.unwrap_or_default(),
                last: group.last,
                spans: group.spans.cells.into_values().collect(),
            });
            kept.listed.extend(group.sample.into_iter().map(|(_, anomaly)| anomaly));
        }
        kept
    }
}

impl Group {
    /// Sorts the sample, the worst in front, and cuts it to what is listed.
    fn cut(&mut self) {
        self.sample.sort_by(|(rank, one), (other_rank, other)| {
            let order = Reverse(*rank).cmp(&Reverse(*other_rank));
            order.then_with(|| (one.from, one.key, &one.text).cmp(&(other.from, other.key, &other.text)))
        });
        self.sample.truncate(LISTED);
    }
}

/// How bad an anomaly is among those of its kind: the length of an overlap. Of all others the earliest comes first.
pub fn overlap(anomaly: &Anomaly) -> u64 {
    match anomaly.kind {
        AnomalyKind::DoubleAcquired | AnomalyKind::TtlOverrun | AnomalyKind::PossibleDouble => {
            anomaly.to.map_or(0, |to| to.saturating_sub(anomaly.from))
        }
        _ => 0,
    }
}

/// When anomalies were, in bounded size: those that begin close to each other are one span.
struct Spans {
    width: u64,
    cells: BTreeMap<u64, [u64; 3]>,
}

impl Default for Spans {
    fn default() -> Self {
        Self { width: NARROWEST, cells: BTreeMap::new() }
    }
}

impl Spans {
    fn add(&mut self, span: [u64; 3]) {
        Self::put(&mut self.cells, self.width, span);
        while self.cells.len() > MOST_SPANS {
            self.width *= 2;
            for span in std::mem::take(&mut self.cells).into_values() {
                Self::put(&mut self.cells, self.width, span);
            }
        }
    }

    fn put(cells: &mut BTreeMap<u64, [u64; 3]>, width: u64, [from, to, times]: [u64; 3]) {
        let cell = cells.entry(from / width).or_insert([from, to, 0]);
        *cell = [cell[0].min(from), cell[1].max(to), cell[2] + times];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anomaly(kind: AnomalyKind, key: u32, from: u64, to: u64) -> Anomaly {
        Anomaly { kind, workload: "w".to_owned(), key, from, to: Some(to), text: String::new() }
    }

    #[test]
    fn one_kind_takes_no_room_from_another_and_every_one_is_counted_and_handed_on() {
        let mut told = 0;
        let mut sink = |_: &Anomaly| told += 1;
        let mut found = Found::new(&mut sink);
        (0..11_345).for_each(|key| found.one(anomaly(AnomalyKind::LostWrite, key, u64::from(key), u64::from(key))));
        (0..495).for_each(|key| found.one(anomaly(AnomalyKind::DoubleAcquired, key, 0, u64::from(key))));
        let kept = found.finish();
        let counts: Vec<_> = kept.counts.iter().map(|one| (one.kind, one.total, one.listed)).collect();
        assert_eq!(counts, [(AnomalyKind::DoubleAcquired, 495, 50), (AnomalyKind::LostWrite, 11_345, 50)]);
        assert_eq!((kept.listed.len(), kept.untold, told), (100, 0, 11_840));
        let longest: Vec<u32> = kept.listed.iter().take(3).map(|one| one.key).collect();
        assert_eq!(longest, [494, 493, 492], "the longest overlap comes first");
        assert_eq!(kept.listed[50].key, 0, "of what has no length the earliest");
    }

    #[test]
    fn spans_reach_from_the_first_to_the_last_however_many_there_are() {
        let mut spans = Spans::default();
        let apart = 3 * NARROWEST;
        (0..10_000).for_each(|index| spans.add([index * apart, index * apart + 5, 1]));
        assert!(spans.cells.len() <= MOST_SPANS);
        let cells: Vec<[u64; 3]> = spans.cells.into_values().collect();
        assert_eq!((cells[0][0], cells[cells.len() - 1][1]), (0, 9_999 * apart + 5));
        assert_eq!(cells.iter().map(|cell| cell[2]).sum::<u64>(), 10_000);
    }

    #[test]
    fn what_is_only_counted_is_in_the_total() {
        let mut sink = |_: &Anomaly| ();
        let mut found = Found::new(&mut sink);
        found.ranked(anomaly(AnomalyKind::ImmortalKey, 0, 9, 9), 812, 0);
        found.more(AnomalyKind::ImmortalKey, "w", 3);
        let kept = found.finish();
        assert_eq!((kept.counts[0].total, kept.counts[0].listed, kept.untold), (815, 1, 3));
    }
}
