//! A metric over the conclusive trials of a run.

use redquake_experiments::spec::Aggregate;
use redquake_experiments::spec::metrics::of_shard;

use super::{Bounds, aggregate, median_interval, share, wanted};
use crate::result::{MetricSummary, MetricUnit, RareEvent, Sample};

/// Metrics of a workload that count what should never happen.
const RARE: [&str; 7] = ["double_acquired", "ttl_overrun", "possible", "lost", "stuck", "violations", "lost_updates"];

/// Whether a metric, by its full name, counts what should never happen.
pub fn is_rare(name: &str) -> bool {
    // What is told of one shard is told in the total already.
    of_shard(name).is_none() && name.rsplit_once('.').is_some_and(|(_, metric)| RARE.contains(&metric))
}

/// Everything told about a metric's samples; `None` without any. `name` is the full one.
pub fn summarise(name: &str, unit: MetricUnit, meaning: &str, samples: Vec<(u32, Sample)>) -> Option<MetricSummary> {
    let values: Vec<Sample> = samples.iter().map(|(_, sample)| *sample).collect();
    let of = |how| aggregate(how, &values).map(Bounds::sample);
    Some(MetricSummary {
        unit,
        meaning: meaning.to_owned(),
        n: u32::try_from(values.len()).unwrap_or(u32::MAX),
        min: of(Aggregate::Min)?,
        median: of(Aggregate::Median)?,
        median_interval: median_interval(&values),
        p95: if values.len() >= wanted(95.0) { of(Aggregate::Percentile(95.0)) } else { None },
        max: of(Aggregate::Max)?,
        total: values.iter().map(|sample| sample.value()).sum(),
        rare: if unit == MetricUnit::Count && is_rare(name) { rare(&values) } else { None },
        phase: None,
        samples,
    })
}

fn rare(values: &[Sample]) -> Option<RareEvent> {
    let n = u32::try_from(values.len()).ok()?;
    let trials = u32::try_from(values.iter().filter(|sample| sample.value() > 0.0).count()).ok()?;
    let total: f64 = values.iter().map(|sample| sample.value()).sum();
    Some(RareEvent { trials, per_trial: total / f64::from(n), share: share(trials, n)? })
}
