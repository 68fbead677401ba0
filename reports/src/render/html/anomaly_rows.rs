//! The page's lists of anomalies.

use crate::render::anomalies::{self, Of};
use crate::render::{facts, number};
use crate::result::{Anomaly, AnomalyKind, Document, Trial};

/// One anomaly.
pub struct AnomalyRow {
    pub kind: &'static str,
    pub severe: bool,
    pub trial: u32,
    /// Milliseconds from the schedule's zero, for the page's script.
    pub at: f64,
    pub when: String,
    pub lasted: String,
    pub workload: String,
    pub key: u32,
    pub text: String,
}

impl AnomalyRow {
    fn new(trial: &Trial, one: &Anomaly) -> Self {
        Self {
            kind: facts::anomaly_name(one.kind),
            severe: severe(one.kind),
            trial: trial.index,
            at: (one.from as f64 - trial.zero as f64) / 1e6,
            when: number::instant(one.from, trial.zero),
            lasted: one.to.map_or_else(String::new, |to| number::duration(to.saturating_sub(one.from) as f64)),
            workload: one.workload.clone(),
            key: one.key,
            text: one.text.clone(),
        }
    }
}

/// Kinds that stand out.
fn severe(kind: AnomalyKind) -> bool {
    use AnomalyKind as K;
    matches!(
        kind,
        K::DoubleAcquired
            | K::LostWrite
            | K::LostUpdate
            | K::StuckLock
            | K::LostLock
            | K::OverAdmitted
            | K::ImmortalKey
            | K::ChargedTwice
            | K::NotLinearizable
    )
}

/// All anomalies of one kind and workload.
pub struct KindRow {
    pub kind: &'static str,
    pub severe: bool,
    pub workload: String,
    pub total: String,
    pub trials: u64,
    pub when: String,
    pub nodes: String,
}

/// A list of anomalies: how many of each kind, and some of them.
pub struct Anomalies {
    pub kinds: Vec<KindRow>,
    pub total: String,
    /// `20 of 495`.
    pub shown: String,
    pub rows: Vec<AnomalyRow>,
}

/// The anomalies of some trials, with at most so many rows.
pub fn anomalies(document: &Document, of: Of, most: usize) -> Anomalies {
    let kind = |row: anomalies::Row| KindRow {
        kind: facts::anomaly_name(row.kind),
        severe: severe(row.kind),
        total: number::count(row.total as f64),
        trials: row.trials,
        when: row.when(),
        nodes: row.nodes,
        workload: row.workload,
    };
    let rows: Vec<AnomalyRow> = anomalies::sample(document, of, most).iter().map(|(trial, one)| AnomalyRow::new(trial, one)).collect();
    let total = anomalies::total(document, of);
    Anomalies {
        kinds: anomalies::rows(document, of).into_iter().map(kind).collect(),
        total: number::count(total as f64),
        shown: anomalies::shown(rows.len() as u64, total),
        rows,
    }
}

/// Overlaps that are only possible, of trials that count: at most so many, and `20 of 495`.
pub fn possible(document: &Document, most: usize) -> (Vec<AnomalyRow>, String) {
    let rows: Vec<AnomalyRow> =
        anomalies::possible(document, Of::Judged, most).iter().map(|(trial, one)| AnomalyRow::new(trial, one)).collect();
    let shown = anomalies::shown(rows.len() as u64, anomalies::possible_total(document, Of::Judged));
    (rows, shown)
}
