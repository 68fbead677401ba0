//! What is gained against what it costs: which two metrics, and where each cell lies in their plane.

use super::compared::{GAPS, SPLIT_BRAIN, harms};
use super::differences::{how, middle};
use crate::analysis::stats::{Bounds, aggregate, interval};
use crate::result::{MatrixCell, MetricSummary, Sample, TradeOff, TradeOffPoint};

/// The plane of the cells. Horizontal: the client gap, or the write gap without clients. Vertical: of all harm that was done the metric
/// of which the largest share of its variance lies between the cells; where no harm was done, what clients were refused.
pub(super) fn trade_off(cells: &[MatrixCell]) -> Option<TradeOff> {
    let shared = |name: &str| cells.iter().filter(|cell| cell.metrics.contains_key(name)).count();
    let x = [GAPS[1], GAPS[0]].into_iter().find(|name| shared(name) >= 2)?.to_owned();
    let mut harms = harms(cells);
    // Two holders of one lock come before what may lead to them, and all of that before the rest.
    harms.sort_by_key(|name| (severity(name), name.clone()));
    let refused = || cells.iter().flat_map(|cell| cell.metrics.keys()).filter(|name| name.ends_with(".error_rate")).cloned();
    let (y, y_between) = most_varied(cells, harms).or_else(|| most_varied(cells, refused().collect()))?;
    let unit = cells.iter().find_map(|cell| cell.metrics.get(&y))?.unit;
    let y_of = middle(unit);
    let point = |(cell, index): (&MatrixCell, u32)| {
        let (across, up) = (cell.metrics.get(&x)?, cell.metrics.get(&y)?);
        let of = |trial: &u32| up.samples.iter().find(|(other, _)| other == trial).map(|(_, sample)| *sample);
        let heights: Vec<Sample> = up.samples.iter().map(|(_, sample)| *sample).collect();
        Some(TradeOffPoint {
            cell: index,
            x: across.median,
            x_interval: across.median_interval,
            y: aggregate(how(y_of), &heights).map(Bounds::sample)?,
            y_interval: interval(how(y_of), &heights),
            trials: across.samples.iter().filter_map(|(trial, sample)| Some((*sample, of(trial)?))).collect(),
        })
    };
    let points: Vec<TradeOffPoint> = cells.iter().zip(0..).filter_map(point).collect();
    (points.len() >= 2).then_some(TradeOff { x, y, y_between, y_of, points })
}

/// The metric that differs most between cells for how much it differs within them; the first of those that are alike.
fn most_varied(cells: &[MatrixCell], names: Vec<String>) -> Option<(String, f64)> {
    let mut best: Option<(String, f64)> = None;
    for name in names {
        let metrics: Vec<&MetricSummary> = cells.iter().filter_map(|cell| cell.metrics.get(&name)).collect();
        let share = between(&metrics);
        if metrics.len() >= 2 && share > best.as_ref().map_or(0.0, |(_, share)| *share) {
            best = Some((name, share));
        }
    }
    best
}

/// Share of the variance that lies between the groups (the correlation ratio, Fisher 1925), from 0 to 1.
fn between(metrics: &[&MetricSummary]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let groups: Vec<Vec<f64>> = metrics.iter().map(|metric| metric.samples.iter().map(|(_, sample)| sample.value()).collect()).collect();
    let all: Vec<f64> = groups.iter().flatten().copied().collect();
    let middle = mean(&all);
    let whole: f64 = all.iter().map(|value| (value - middle).powi(2)).sum();
    let apart: f64 = groups.iter().map(|group| group.len() as f64 * (mean(group) - middle).powi(2)).sum();
    if whole > 0.0 { (apart / whole).min(1.0) } else { 0.0 }
}

fn severity(name: &str) -> u8 {
    match name.rsplit('.').next().unwrap_or(name) {
        "double_acquired" => 0,
        "lost" => 1,
        _ if name == SPLIT_BRAIN => 3,
        _ => 2,
    }
}
