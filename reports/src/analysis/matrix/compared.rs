//! Which metrics the cells are compared in.

use std::collections::BTreeSet;

use crate::analysis::OUTAGE;
use crate::analysis::stats::is_rare;
use crate::result::{MatrixCell, MetricSummary};

/// The gaps, in the order in which they are told.
pub(super) const GAPS: [&str; 3] = ["failover.write_gap", "failover.client_gap", "failover.library_cost"];
/// Time in which two nodes took writes.
pub(super) const SPLIT_BRAIN: &str = "failover.split_brain";

/// The gaps that any cell has, then what is asserted, then harm that was done in any cell.
pub(super) fn compared(cells: &[MatrixCell]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) && cells.iter().any(|cell| cell.metrics.contains_key(name)) {
            names.push(name.to_owned());
        }
    };
    GAPS.iter().for_each(|name| add(name));
    cells.iter().flat_map(|cell| &cell.assertions).for_each(|assertion| add(&assertion.metric));
    harms(cells).iter().for_each(|name| add(name));
    names
}

/// Metrics of harm that is certain and was done in some cell, by name.
pub(super) fn harms(cells: &[MatrixCell]) -> Vec<String> {
    let done = |(name, metric): &(&String, &MetricSummary)| match name.as_str() {
        SPLIT_BRAIN => metric.max.value() >= OUTAGE as f64,
        name => is_rare(name) && !name.ends_with(".possible") && metric.max.value() > 0.0,
    };
    let names: BTreeSet<String> = cells.iter().flat_map(|cell| &cell.metrics).filter(done).map(|(name, _)| name.clone()).collect();
    names.into_iter().collect()
}
