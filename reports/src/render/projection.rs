//! What was extrapolated from a run, in words that say so. No report shows such a figure without them.

use super::{facts, number};
use crate::result::{Document, Projection};

/// One sentence a workload with a `scale`: the medians over the conclusive trials, and what they assume.
pub fn sentences(document: &Document) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    let mut all: Vec<Vec<&Projection>> = Vec::new();
    for workload in facts::conclusive(document).flat_map(|trial| &trial.workloads) {
        let Some(projection) = workload.cache.as_ref().and_then(|cache| cache.projection.as_ref()) else { continue };
        let place = names.iter().position(|name| *name == workload.name).unwrap_or_else(|| {
            names.push(&workload.name);
            all.push(Vec::new());
            names.len() - 1
        });
        all[place].push(projection);
    }
    names.iter().zip(all).filter_map(|(name, each)| Some(told(name, &middle(&each)?))).collect()
}

/// `Extrapolated, not measured: ...`
pub fn told(name: &str, projection: &Projection) -> String {
    let times = projection.multiplier.map(|times| format!(", {times:.1} times as much"));
    format!(
        "Extrapolated, not measured: at {} reads and a hit ratio of {}, the database behind {name} would take {} in calm and {} at the peak{}, and {} more in all. This {}.",
        number::rate(projection.offered),
        number::share(projection.hit_ratio),
        number::rate(projection.baseline),
        number::rate(projection.peak),
        times.unwrap_or_default(),
        number::plural(projection.extra.round() as u64, "query", "queries"),
        projection.assumes
    )
}

/// The same with the medians of several.
fn middle(each: &[&Projection]) -> Option<Projection> {
    let median = |value: fn(&Projection) -> f64| facts::spread(&each.iter().map(|one| value(one)).collect::<Vec<_>>()).1;
    let first = (*each.first()?).clone();
    let peak = median(|one| one.peak);
    Some(Projection {
        fell_through: median(|one| one.fell_through),
        peak,
        multiplier: first.multiplier.map(|_| peak / first.baseline),
        extra: median(|one| one.extra),
        ..first
    })
}
