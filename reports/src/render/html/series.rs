//! Operations of a workload over time: stacked outcomes, and latency on a logarithmic scale.

use std::fmt::Write;

use super::columns::{Columns, total};
use super::scale::{self, Decades};
use super::svg::{Anchor, Coarse};
use super::timeline::{Chart, LEFT, RIGHT};
use crate::render::number;
use crate::result::{OpBucket, WorkloadSeries};

const ATTEMPTS: f64 = 84.0;
const LATENCY: f64 = 52.0;

/// Class, fallback colour and the sum up to and including the outcome. Painted from the tallest sum to the smallest, each only
/// where the outcome occurs.
type Layer = (&'static str, &'static str, fn(&OpBucket) -> u32, fn(&OpBucket) -> u64);

const LAYERS: [Layer; 4] = [
    ("oi", "url(#hi)", |b| b.info, total),
    ("of", "url(#hf)", |b| b.fail, |b| u64::from(b.ok) + u64::from(b.held) + u64::from(b.fail)),
    ("oh", "url(#hh)", |b| b.held, |b| u64::from(b.ok) + u64::from(b.held)),
    ("oo", "#2f6fb7", |b| b.ok, |b| u64::from(b.ok)),
];

/// Attempts per second, stacked by outcome.
pub fn attempts(chart: &mut Chart, series: &WorkloadSeries, columns: &Columns) {
    let top = chart.y + 6.0;
    let base = top + ATTEMPTS;
    let most = (columns.busiest() * 1.04).max(1.0);
    let step = scale::step(most / 3.0);
    let height = |attempts: u64| base - columns.per_second(attempts) / most * ATTEMPTS;
    for (class, fill, own, sum) in LAYERS {
        let d = runs(chart, columns, |column| own(column) > 0, |column| (height(sum(column)), base));
        if !d.is_empty() {
            chart.moving.area(class, fill, &d);
        }
    }
    let width = format!("bars of {}", number::duration(columns.width as f64));
    match &series.zone {
        Some(zone) => {
            chart.name(top + 10.0, &series.name, &format!("zone {zone}"));
            chart.fixed.text("dim", Anchor::Start, 2.0, top + 36.0, &width);
        }
        None => chart.name(top + 10.0, &series.name, &width),
    }
    let mut value = 0.0;
    while value <= most * 1.000_001 {
        let y = base - value / most * ATTEMPTS;
        chart.grid.line("gr", "#dddddd", [LEFT, y, RIGHT, y], "");
        chart.fixed.text("ax", Anchor::End, LEFT - 5.0, y + 4.0, &number::rate(value).replace("0.0/s", "0"));
        value += step;
    }
    chart.y = base + 12.0;
}

/// Smallest to largest latency of each column, on a logarithmic scale.
pub fn latency(chart: &mut Chart, columns: &Columns) {
    let Some((least, most)) = columns.latency() else { return };
    let top = chart.y + 2.0;
    let base = top + LATENCY;
    let decades = Decades::new(least as f64, most as f64, base, top);
    let d = runs(
        chart,
        columns,
        |column| total(column) > 0,
        // A flat band would vanish; one pixel stays.
        |column| (decades.at(column.max as f64), decades.at(column.min as f64).max(decades.at(column.max as f64) + 1.0)),
    );
    chart.moving.area("la", "#7a5ea8", &d);
    chart.name(top + 10.0, "", "");
    chart.fixed.text("dim", Anchor::Start, 2.0, top + 10.0, "latency,");
    chart.fixed.text("dim", Anchor::Start, 2.0, top + 23.0, "min to max");
    for tick in decades.ticks() {
        let y = decades.at(tick);
        chart.grid.line("gr", "#dddddd", [LEFT, y, RIGHT, y], "");
        chart.fixed.text("ax", Anchor::End, LEFT - 5.0, y + 4.0, &number::duration(tick).replace(".00", ""));
    }
    chart.y = base + 10.0;
}

/// The outline of every run of neighbouring columns that satisfy a condition, as a path.
fn runs(chart: &Chart, columns: &Columns, has: impl Fn(&OpBucket) -> bool, edges: impl Fn(&OpBucket) -> (f64, f64)) -> String {
    let mut d = String::new();
    let mut index = 0;
    let list = &columns.list;
    while index < list.len() {
        if !has(&list[index]) {
            index += 1;
            continue;
        }
        let end = (index..list.len()).find(|next| !has(&list[*next])).unwrap_or(list.len());
        run(&mut d, index..end, |at| chart.at(columns.start(at)), |at| edges(&list[at]));
        index = end;
    }
    d
}

/// Forward along the upper edge, back along the lower one; equal neighbours share a stroke.
fn run(d: &mut String, range: std::ops::Range<usize>, x: impl Fn(usize) -> f64, edges: impl Fn(usize) -> (f64, f64)) {
    let (first, last) = (range.start, range.end - 1);
    let _ = write!(d, "M{} {}", Coarse(x(first)), Coarse(edges(first).0));
    let mut y = Coarse(edges(first).0).to_string();
    for at in range.clone().skip(1) {
        let next = Coarse(edges(at).0).to_string();
        if next != y {
            let _ = write!(d, "H{}V{next}", Coarse(x(at)));
            y = next;
        }
    }
    let mut y = Coarse(edges(last).1).to_string();
    let _ = write!(d, "H{}V{y}", Coarse(x(range.end)));
    for at in range.clone().rev().skip(1) {
        let next = Coarse(edges(at).1).to_string();
        if next != y {
            let _ = write!(d, "H{}V{next}", Coarse(x(at + 1)));
            y = next;
        }
    }
    let _ = write!(d, "H{}Z", Coarse(x(first)));
}

/// The columns as JSON for the read-out: start and width in ms from the schedule's zero, counts, latencies in µs, and the error
/// classes, which are JSON already.
pub fn data(series: &WorkloadSeries, zero: u64, columns: &Columns, why: &str) -> String {
    let list = |value: fn(&OpBucket) -> u64| {
        let numbers: Vec<String> = columns.list.iter().map(|column| value(column).to_string()).collect();
        numbers.join(",")
    };
    let name = series.zone.as_ref().map_or_else(|| series.name.clone(), |zone| format!("{}, zone {zone}", series.name));
    let name = serde_json::Value::from(name).to_string().replace('<', "\\u003c").replace('>', "\\u003e");
    format!(
        r#"{{"name":{name},"at":{},"w":{},"ok":[{}],"held":[{}],"fail":[{}],"info":[{}],"lo":[{}],"hi":[{}],"why":{why}}}"#,
        (columns.from as f64 - zero as f64) / 1e6,
        columns.width as f64 / 1e6,
        list(|c| c.ok.into()),
        list(|c| c.held.into()),
        list(|c| c.fail.into()),
        list(|c| c.info.into()),
        list(|c| c.min / 1_000),
        list(|c| c.max / 1_000),
    )
}
