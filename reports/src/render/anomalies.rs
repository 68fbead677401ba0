//! The anomalies of a run: true totals by kind, and a sample of each. Those of trials that were not judged stand apart.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{facts, number};
use crate::analysis::overlap;
use crate::result::{Anomaly, AnomalyCount, AnomalyKind, Document, NodeWrites, Trial, TrialStatus};

/// Of which trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Those that count.
    Judged,
    /// The others.
    NotJudged,
}

impl Of {
    /// The trials.
    pub fn trials(self, document: &Document) -> impl Iterator<Item = &Trial> {
        document.trials.iter().filter(move |trial| (trial.status == TrialStatus::Conclusive) == (self == Self::Judged))
    }
}

/// Anomalies of one kind and workload over the trials.
pub struct Row {
    pub kind: AnomalyKind,
    pub workload: String,
    pub total: u64,
    pub listed: u64,
    /// Trials that had any.
    pub trials: u64,
    /// When the first began and the last ended, ns from the zero of their schedules.
    pub first: i64,
    pub last: i64,
    /// Of lost writes: what each node had acknowledged. `redis-1 11,345`.
    pub nodes: String,
}

impl Row {
    /// `T+4.001 s to T+36.910 s`.
    pub fn when(&self) -> String {
        let instant =
            |at: i64| number::instant(u64::try_from(at.max(0)).unwrap_or_default(), u64::try_from(-at.min(0)).unwrap_or_default());
        if self.first == self.last { instant(self.first) } else { format!("{} to {}", instant(self.first), instant(self.last)) }
    }

    /// `charged twice: 495`.
    pub fn words(&self) -> String {
        format!("{}: {}", facts::anomaly_name(self.kind), number::count(self.total as f64))
    }
}

/// How many anomalies of each kind and workload a trial had. A result of an earlier version does not say: what it lists is counted.
pub fn counts(trial: &Trial) -> Vec<AnomalyCount> {
    if !trial.anomaly_counts.is_empty() {
        return trial.anomaly_counts.clone();
    }
    let mut counts: BTreeMap<(AnomalyKind, &str), AnomalyCount> = BTreeMap::new();
    for one in trial.anomalies.iter().chain(&trial.possible) {
        let to = one.to.unwrap_or(one.from);
        let count = counts.entry((one.kind, &one.workload)).or_insert_with(|| AnomalyCount {
            kind: one.kind,
            workload: one.workload.clone(),
            total: 0,
            listed: 0,
            first: one.from,
            last: to,
            spans: Vec::new(),
        });
        (count.total, count.listed) = (count.total + 1, count.listed + 1);
        (count.first, count.last) = (count.first.min(one.from), count.last.max(to));
        count.spans.push([one.from, to, 1]);
    }
    counts.into_values().collect()
}

/// How many anomalies of a kind a trial had.
pub fn count(trial: &Trial, kind: AnomalyKind) -> u64 {
    counts(trial).iter().filter(|one| one.kind == kind).map(|one| one.total).sum()
}

/// A row for each kind and workload, worst kind first; overlaps that are only possible are no anomalies.
pub fn rows(document: &Document, of: Of) -> Vec<Row> {
    let mut rows: BTreeMap<(AnomalyKind, String), Row> = BTreeMap::new();
    for trial in of.trials(document) {
        for one in counts(trial).into_iter().filter(|one| one.kind != AnomalyKind::PossibleDouble && one.total > 0) {
            let from_zero = |at: u64| at.cast_signed() - trial.zero.cast_signed();
            let (first, last) = (from_zero(one.first), from_zero(one.last));
            let row = rows.entry((one.kind, one.workload.clone())).or_insert_with(|| Row {
                kind: one.kind,
                nodes: if one.kind == AnomalyKind::LostWrite { nodes(document, of, &one.workload) } else { String::new() },
                workload: one.workload,
                total: 0,
                listed: 0,
                trials: 0,
                first,
                last,
            });
            (row.total, row.listed, row.trials) = (row.total + one.total, row.listed + one.listed, row.trials + 1);
            (row.first, row.last) = (row.first.min(first), row.last.max(last));
        }
    }
    rows.into_values().collect()
}

/// What each node had acknowledged of the writes that a workload lost.
fn nodes(document: &Document, of: Of, workload: &str) -> String {
    let mut lost: Vec<(&str, u64)> = Vec::new();
    let results = of.trials(document).flat_map(|trial| &trial.workloads).filter(|one| one.name == workload);
    for one in results {
        let by_node: [&[NodeWrites]; 3] = [
            one.set.as_ref().map_or(&[], |set| &set.by_node),
            one.counter.as_ref().map_or(&[], |counter| &counter.by_node),
            one.register.as_ref().map_or(&[], |register| &register.by_node),
        ];
        for node in by_node.into_iter().flatten().filter(|node| node.lost > 0) {
            match lost.iter_mut().find(|(name, _)| *name == node.node) {
                Some((_, sum)) => *sum += node.lost,
                None => lost.push((&node.node, node.lost)),
            }
        }
    }
    lost.sort_by_key(|(_, lost)| Reverse(*lost));
    lost.iter().map(|(name, lost)| format!("{name} {}", number::count(*lost as f64))).collect::<Vec<_>>().join(", ")
}

/// How many there were in all.
pub fn total(document: &Document, of: Of) -> u64 {
    of.trials(document).map(|trial| trial.anomalies_total.max(trial.anomalies.len() as u64)).sum()
}

/// How many overlaps are only possible.
pub fn possible_total(document: &Document, of: Of) -> u64 {
    of.trials(document).map(|trial| trial.possible_total.max(trial.possible.len() as u64)).sum()
}

/// At most so many of them with their trials, from each kind and workload its share: worst kind first, then the longest overlap, then by time.
pub fn sample(document: &Document, of: Of, most: usize) -> Vec<(&Trial, &Anomaly)> {
    let mut groups: BTreeMap<(AnomalyKind, &str), Vec<(&Trial, &Anomaly)>> = BTreeMap::new();
    for trial in of.trials(document) {
        trial.anomalies.iter().for_each(|one| groups.entry((one.kind, &one.workload)).or_default().push((trial, one)));
    }
    let mut sizes: Vec<usize> = groups.values().map(Vec::len).collect();
    sizes.sort_unstable();
    // What small groups leave of their share goes to the larger ones.
    let (mut room, mut share) = (most, 0);
    for (index, size) in sizes.iter().enumerate() {
        share = room / (sizes.len() - index);
        if *size > share {
            break;
        }
        room -= size;
        share = most;
    }
    let mut sample = Vec::new();
    for group in groups.values_mut() {
        group.sort_by_key(|(trial, one)| (Reverse(overlap(one)), trial.index, one.from, one.key));
        sample.extend(group.iter().take(share.max(1)));
    }
    sample
}

/// At most so many of the overlaps that are only possible, the longest first.
pub fn possible(document: &Document, of: Of, most: usize) -> Vec<(&Trial, &Anomaly)> {
    let mut all: Vec<_> = of.trials(document).flat_map(|trial| trial.possible.iter().map(move |one| (trial, one))).collect();
    all.sort_by_key(|(trial, one)| (Reverse(overlap(one)), trial.index, one.from, one.key));
    all.truncate(most);
    all
}

/// `20 of 495`, or the number where all are shown.
pub fn shown(listed: u64, total: u64) -> String {
    if listed >= total {
        number::count(total as f64)
    } else {
        format!("{} of {}", number::count(listed as f64), number::count(total as f64))
    }
}

/// The files that have all anomalies, with their trials.
pub fn files(document: &Document) -> Vec<(u32, &str)> {
    document
        .trials
        .iter()
        .filter(|trial| !trial.anomalies_file.is_empty())
        .map(|trial| (trial.index, trial.anomalies_file.as_str()))
        .collect()
}

/// What trials that were not judged have shown, and that it counts for nothing: empty where they have shown nothing.
pub fn apart(document: &Document) -> String {
    let (mut kinds, mut trials) = (BTreeMap::<AnomalyKind, u64>::new(), 0);
    for counts in Of::NotJudged.trials(document).map(counts).filter(|counts| !counts.is_empty()) {
        trials += 1;
        counts.iter().for_each(|one| *kinds.entry(one.kind).or_default() += one.total);
    }
    if kinds.is_empty() {
        return String::new();
    }
    let kinds: Vec<String> =
        kinds.iter().map(|(kind, total)| format!("{} {}", number::count(*total as f64), facts::anomaly_name(*kind))).collect();
    format!(
        "In {} not judged, which {} for nothing above: {}",
        number::plural(trials, "trial that was", "trials that were"),
        if trials == 1 { "counts" } else { "count" },
        kinds.join(", ")
    )
}
