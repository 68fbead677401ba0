//! Figures that depend on the phase of the servers' timers, in words.

use std::collections::BTreeMap;

use super::number;
use crate::result::{MetricSummary, MetricUnit, PhaseDependence};

/// What the phase is, for whoever meets the word in a report.
pub const MEANING: &str = "the time from when the servers were ready to the start of the schedule, modulo the jitter";

/// One sentence for each metric that depends on the phase.
pub fn told(metrics: &BTreeMap<String, MetricSummary>) -> Vec<String> {
    let dependent = metrics.iter().filter_map(|(name, metric)| Some((name, metric, metric.phase.as_ref()?)));
    let told = dependent.map(|(name, metric, phase)| {
        let n = number::plural(metric.samples.len() as u64, "trial", "trials");
        let explained = number::share((phase.r2 * 100.0).round() / 100.0);
        format!(
            "{name} depends on the phase of the servers' timers: {}; it explains {explained} of the variance of the ranks of {n}",
            range(metric, phase)
        )
    });
    told.collect()
}

/// `3.85 s to 4.61 s over 1 s`.
pub fn range(metric: &MetricSummary, phase: &PhaseDependence) -> String {
    let show =
        |value: f64| number::value(metric.unit, if metric.unit == MetricUnit::Count { (value * 10.0).round() / 10.0 } else { value });
    let each = if metric.unit == MetricUnit::Count { " per trial" } else { "" };
    format!("{} to {}{each} over {}", show(phase.low), show(phase.high), number::duration(phase.window as f64))
}
