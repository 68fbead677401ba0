//! Which figures of a run depend on the phase of the servers' timers at which its trials began.

use std::collections::BTreeMap;

use super::stats::{LEAST, Sawtooth, sawtooth};
use crate::result::{MetricSummary, MetricUnit, PhaseDependence, Trial};

/// Share of dependences told that may be chance.
const FALSE_SHARE: f64 = 0.05;
/// A dependence is large from this share of the figure on,
const SHARE: f64 = 0.1;
/// where it is no smaller than a few ticks of what is looked at every 20 ms; ns.
const SEEN: f64 = 50e6;
/// So long is large whatever the figure, ns.
const LONG: f64 = 250e6;
/// Events per trial.
const SOME: f64 = 1.0;

/// Tells every metric that depends on the phase, and by how much. Nothing is told without a window.
pub fn tell(metrics: &mut BTreeMap<String, MetricSummary>, trials: &[Trial], window: u64) {
    if window == 0 {
        return;
    }
    let share = |index: u32| {
        let trial = trials.iter().find(|trial| trial.index == index)?;
        Some(trial.phase? as f64 / window as f64)
    };
    let mut found: Vec<(&mut MetricSummary, Sawtooth)> = Vec::new();
    for metric in metrics.values_mut().filter(|metric| matches!(metric.unit, MetricUnit::Ns | MetricUnit::Count)) {
        let pairs: Vec<(f64, f64)> = metric.samples.iter().filter_map(|(index, sample)| Some((share(*index)?, sample.value()))).collect();
        if pairs.len() >= LEAST
            && let Some(sawtooth) = sawtooth(&pairs)
        {
            found.push((metric, sawtooth));
        }
    }
    let limit = limit(found.iter().map(|(_, sawtooth)| sawtooth.p).collect());
    for (metric, Sawtooth { r2, p, low, high }) in found {
        if p <= limit && is_large(metric, high - low) {
            metric.phase = Some(PhaseDependence { window, r2, p, low, high });
        }
    }
}

/// The largest chance that still counts: a run has many figures, and one in twenty would look dependent by chance alone.
///
/// Benjamini and Hochberg, *Journal of the Royal Statistical Society* B 57 (1995).
fn limit(mut chances: Vec<f64>) -> f64 {
    chances.sort_unstable_by(f64::total_cmp);
    let all = chances.len() as f64;
    let kept = chances.iter().zip(1_u32..).filter(|(p, rank)| **p <= FALSE_SHARE * f64::from(*rank) / all).last();
    kept.map_or(0.0, |(p, _)| *p)
}

fn is_large(metric: &MetricSummary, range: f64) -> bool {
    match metric.unit {
        MetricUnit::Ns => range >= LONG || (range >= SEEN && range >= SHARE * metric.median.value().abs()),
        _ => range >= SOME && range >= SHARE * metric.total.abs() / metric.samples.len() as f64,
    }
}
