//! Which metrics the cells are compared in.

use std::collections::BTreeSet;

use crate::analysis::OUTAGE;
use crate::analysis::stats::is_rare;
use crate::result::{MatrixCell, MetricSummary};

/// The gaps, in the order in which they are told.
pub(super) const GAPS: [&str; 3] = ["failover.write_gap", "failover.client_gap", "failover.library_cost"];
/// What shards felt that no fault took hold of; only in a Cluster.
const BLAST_RADIUS: &str = "failover.blast_radius";
/// Time in which two nodes took writes.
pub(super) const SPLIT_BRAIN: &str = "failover.split_brain";

/// The gaps that any cell has, then what other shards felt, then what is asserted, then harm that was done in any cell.
pub(super) fn compared(cells: &[MatrixCell]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) && cells.iter().any(|cell| cell.metrics.contains_key(name)) {
            names.push(name.to_owned());
        }
    };
    GAPS.iter().for_each(|name| add(name));
    // What the other shards felt, where there are others: beside a single primary it is the answer to why there are shards.
    let felt = cells.iter().filter_map(|cell| cell.metrics.get(BLAST_RADIUS)).any(|metric| metric.max.value() >= OUTAGE as f64);
    if felt {
        add(BLAST_RADIUS);
    }
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
