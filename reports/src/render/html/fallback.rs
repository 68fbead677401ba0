//! What fell through a cache to the database, as a curve.

use super::svg::{self, Anchor, Px, Svg};
use crate::number;
use crate::render::projection;
use crate::result::{CacheResult, Trial};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 160.0;

/// A point is drawn where the second ends whose queries it counts.
const SECOND: u64 = 1_000_000_000;

/// The curve of one workload.
pub struct Curve {
    /// Name of the workload.
    pub name: String,
    /// The chart.
    pub svg: String,
    /// The projection, in words; empty where none was asked for.
    pub projection: String,
}

/// A curve for each workload of a trial that has a database behind a cache.
pub fn curves(trial: &Trial) -> Vec<Curve> {
    let caches = trial.workloads.iter().filter_map(|workload| Some((workload.name.as_str(), workload.cache.as_ref()?)));
    caches.enumerate().map(|(index, (name, cache))| curve(trial, index, name, cache)).collect()
}

fn curve(trial: &Trial, index: usize, name: &str, cache: &CacheResult) -> Curve {
    let most = cache.curve.iter().map(|point| point[1]).max().unwrap_or_default().max(1) as f64;
    let length = trial.end.saturating_sub(trial.zero).max(1) as f64;
    let x = |at: u64| LEFT + (WIDTH - LEFT - 10.0) * (at.saturating_sub(trial.zero) as f64 / length).min(1.0);
    let y = |count: f64| BOTTOM - (BOTTOM - TOP) * count / most;
    let baseline = cache.baseline.map(|baseline| format!(", {} before the first fault", number::rate(baseline))).unwrap_or_default();
    let told = format!("Queries of the database behind {name}: at most {} in a second{baseline}", number::count(most));
    let id = format!("db{}-{index}", trial.index);
    let mut chart = Svg(svg::open(
        "chart",
        &id,
        WIDTH,
        HEIGHT,
        "",
        &told,
        "One point a tenth of a second: the queries of the second that ends there, so that no rise stands before its cause.",
    ));
    for (share, label) in [(0.0, 0.0), (0.5, most / 2.0), (1.0, most)] {
        let at = y(most * share);
        chart.line("gr", "#dcdfe3", [LEFT, at, WIDTH - 10.0, at], "");
        chart.text("ax", Anchor::End, LEFT - 6.0, at + 4.0, &number::count(label.round()));
    }
    // Only `M`, `V`, `H` and `Z`, as in the other charts: steps from point to point.
    let mut path = format!("M{} {}", Px(LEFT), Px(BOTTOM));
    for [at, count] in &cache.curve {
        path += &format!("H{}V{}", Px(x(at + SECOND)), Px(y(*count as f64)));
    }
    if let Some([last, _]) = cache.curve.last() {
        path += &format!("H{}V{}Z", Px(x(last + SECOND + step(&cache.curve))), Px(BOTTOM));
        chart.area("oo", "#2f6fb7", &path);
    }
    if let Some(baseline) = cache.baseline {
        chart.line("la", "#7a5ea8", [LEFT, y(baseline), WIDTH - 10.0, y(baseline)], &format!("baseline {}", number::rate(baseline)));
    }
    for fault in &trial.faults {
        if let Some(at) = fault.injected_at {
            let what = format!("{} at {}", fault.name, number::instant(at, trial.zero));
            chart.line("fl", "#b3261e", [x(at), TOP - 8.0, x(at), BOTTOM], &what);
            chart.text("ax", Anchor::Start, x(at) + 4.0, TOP - 4.0, &fault.name);
        }
    }
    for tenth in 0..=10_u64 {
        let at = trial.zero + (length as u64 / 10) * tenth;
        chart.text("ax", Anchor::Middle, x(at), BOTTOM + 16.0, &number::instant(at, trial.zero));
    }
    chart.0.push_str("</svg>");
    let projection = cache.projection.as_ref().map(|extrapolated| projection::told(name, extrapolated));
    Curve { name: name.to_owned(), svg: chart.0, projection: projection.unwrap_or_default() }
}

/// The time between two points, as far as there are two.
fn step(curve: &[[u64; 2]]) -> u64 {
    curve.windows(2).last().map_or(0, |pair| pair[1][0].saturating_sub(pair[0][0]))
}
