//! Why attempts of a workload were not plainly ok, over time: one thin lane a reason, the stronger the more attempts ended for it.

use std::fmt::Write;

use super::columns::Columns;
use super::svg::{Anchor, Coarse};
use super::tables::explain;
use super::timeline::{Chart, LEFT, RIGHT};
use crate::history::Why;
use crate::render::number;
use crate::result::WorkloadSeries;

const LANE: f64 = 9.0;
const APART: f64 = 14.0;
/// Few, for each is a path of its own; how many attempts a level stands for is in its title.
const LEVELS: [f64; 4] = [0.35, 0.55, 0.75, 1.0];
/// On a page that is short of room, which has lanes for the commonest errors only: what is normal stands with the outcomes.
const COARSE: [f64; 2] = [0.45, 1.0];
const COARSE_LANES: usize = 6;

/// One lane a reason that occurs in the window, its name and its count before the plot. Errors share one scale; what is normal has its own.
pub fn lanes(chart: &mut Chart, series: &WorkloadSeries, columns: &Columns) {
    let coarse = chart.window.columns <= 100;
    let mut lanes: Vec<(Why, bool, Vec<u64>)> = series
        .classes
        .iter()
        .filter(|class| !(coarse && class.normal))
        .map(|class| (class.why, class.normal, columns.counts(&class.buckets)))
        .filter(|(.., counts)| counts.iter().any(|count| *count > 0))
        .collect();
    if lanes.is_empty() {
        return;
    }
    let levels: &[f64] = if coarse { &COARSE } else { &LEVELS };
    let left = if coarse { lanes.len().saturating_sub(COARSE_LANES) } else { 0 };
    lanes.truncate(lanes.len() - left);
    let width = number::duration(columns.width as f64);
    for (why, normal, counts) in &lanes {
        let most = lanes.iter().filter(|lane| lane.1 == *normal).flat_map(|lane| &lane.2).max().copied().unwrap_or(1);
        let total = number::count(counts.iter().sum::<u64>() as f64);
        let (top, name) = (chart.y, why.as_str());
        let (executed, _) = explain(*why);
        let (class, stroke) = match executed {
            _ if *normal => ("kh", "#a9bacd"),
            "not executed" => ("kf", "#c8452c"),
            "unknown" => ("ki", "#e0a100"),
            _ => ("kg", "#444444"),
        };
        chart.grid.line("bl", "#bbbbbb", [LEFT, top + LANE, RIGHT, top + LANE], "");
        for (number, opacity) in (1..).zip(levels) {
            let of_level = |count: u64| count > 0 && level(count, most, levels.len()) == number;
            let found = || counts.iter().copied().filter(|count| of_level(*count));
            let (Some(low), Some(high)) = (found().min(), found().max()) else { continue };
            let range = if low == high { low.to_string() } else { format!("{low} to {high}") };
            let title = format!("{name} ({executed}): {range} in {width}, {total} in all");
            chart.moving.heat(class, stroke, [LANE, *opacity], &cells(chart, columns, counts, of_level, top), &title);
        }
        chart.fixed.text("kx", Anchor::Start, 10.0, top + LANE, &if *normal { format!("{name} (normal)") } else { name.to_owned() });
        chart.fixed.text("ax", Anchor::End, LEFT - 5.0, top + LANE, &total);
        chart.y += APART;
    }
    if left > 0 {
        chart.fixed.text("dim", Anchor::Start, 10.0, chart.y + LANE, &format!("and {left} rarer reasons"));
        chart.y += APART;
    }
    chart.y += 4.0;
}

/// By the square root, so that one attempt beside hundreds is told from none and hundreds from tens.
fn level(count: u64, most: u64, levels: usize) -> usize {
    let share = (count as f64 / most.max(1) as f64).sqrt();
    ((share * levels as f64).ceil() as usize).clamp(1, levels)
}

/// A line along every run of neighbouring columns that satisfy a condition.
fn cells(chart: &Chart, columns: &Columns, counts: &[u64], has: impl Fn(u64) -> bool, top: f64) -> String {
    let mut d = String::new();
    let mut begin = 0;
    let y = Coarse(top + LANE / 2.0);
    for run in counts.chunk_by(|one, next| has(*one) == has(*next)) {
        let end = begin + run.len();
        if run.first().is_some_and(|count| has(*count)) {
            let [x1, x2] = [begin, end].map(|index| Coarse(chart.at(columns.start(index))));
            let _ = write!(d, "M{x1} {y}H{x2}");
        }
        begin = end;
    }
    d
}

/// The errors as JSON for the read-out: name, then column and count in turn. What is normal stands with the outcomes already.
pub fn data(series: &WorkloadSeries, columns: &Columns) -> String {
    let list = series.classes.iter().filter(|class| !class.normal).filter_map(|class| {
        let counts = columns.counts(&class.buckets);
        let pairs: Vec<String> =
            counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(index, count)| format!("{index},{count}")).collect();
        (!pairs.is_empty()).then(|| format!(r#"["{}",[{}]]"#, class.why.as_str(), pairs.join(",")))
    });
    format!("[{}]", list.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn one_attempt_beside_many_is_faint_and_the_most_is_strong() {
        assert_eq!((level(1, 10_000, 4), level(10_000, 10_000, 4), level(1, 1, 2)), (1, 4, 2));
        assert!(level(30, 100, 4) > level(5, 100, 4));
    }
}
