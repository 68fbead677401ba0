//! Every trial's value of a metric as a dot, with the median, the limit and the prediction.

use super::scale::{self, Linear};
use super::svg::{self, Anchor, Svg};
use crate::render::{facts, number};
use crate::result::{Document, MetricSummary, MetricUnit, Sample};

const WIDTH: f64 = 640.0;
const LEFT: f64 = 16.0;
const RIGHT: f64 = WIDTH - 16.0;
const MIDDLE: f64 = 24.0;

/// The strip of one metric.
pub fn draw(document: &Document, index: usize, name: &str, metric: &MetricSummary) -> String {
    let limits: Vec<(String, f64)> = document
        .assertions
        .iter()
        .filter(|assertion| assertion.metric == name)
        .filter_map(|assertion| facts::limit_of(assertion).map(|limit| (assertion.expect.clone(), limit)))
        .collect();
    let prediction = document.predictions.get(name);
    let x = domain(metric, &limits, prediction.map(|p| [p.low as f64, p.high as f64]));
    let mut body = Svg::default();
    let (unit, scale) = axis_unit(metric.unit, x.to);
    let shown = Linear { from: x.from / scale, to: x.to / scale, ..x };
    let (ticks, step) = shown.ticks(8);
    for tick in ticks {
        let place = shown.at(tick);
        body.line("gr", "#dddddd", [place, 8.0, place, 40.0], "");
        let (anchor, place) = match place {
            place if place > RIGHT - 10.0 => (Anchor::End, WIDTH),
            place if place < LEFT + 10.0 => (Anchor::Start, 0.0),
            place => (Anchor::Middle, place),
        };
        body.text("ax", anchor, place, 53.0, &format!("{tick:.*}{unit}", scale::digits(step)));
    }
    if let Some(prediction) = prediction {
        let (low, high) = (x.at(prediction.low as f64), x.at(prediction.high as f64));
        body.rect("pb", "url(#hp)", [low, 8.0, (high - low).max(2.0), 32.0], &format!("predicted: {}", prediction.formula));
    }
    for (expect, limit) in &limits {
        let inside = (x.from..=x.to).contains(limit);
        let place = x.at(*limit);
        if inside {
            body.line("li", "#b3261e", [place, 4.0, place, 40.0], &format!("limit {expect}"));
        }
    }
    dots(&mut body, &x, metric);
    let show = |sample| number::sample(metric.unit, sample);
    let title = format!("{name}: {} trials", metric.samples.len());
    let description = format!("median {}, {} to {}", show(metric.median), show(metric.min), show(metric.max));
    let mut out = svg::open("st", &format!("strip-{index}"), WIDTH, 58.0, "", &title, &description);
    out.push_str(&body.0);
    out.push_str("</svg>");
    out
}

/// The values, the prediction, and a limit unless it is so far away that the values would shrink to a blot.
fn domain(metric: &MetricSummary, limits: &[(String, f64)], prediction: Option<[f64; 2]>) -> Linear {
    let (least, most) = (metric.min.value(), metric.max.value());
    let reach = (most - least).max(most.abs() * 0.25);
    let near = limits.iter().map(|(_, limit)| *limit).filter(|limit| *limit >= least - 2.0 * reach && *limit <= most + 2.0 * reach);
    let marks: Vec<f64> = near.chain(prediction.into_iter().flatten()).chain([least, most]).collect();
    let (low, high) = (marks.iter().copied().fold(f64::MAX, f64::min), marks.iter().copied().fold(f64::MIN, f64::max));
    let pad = ((high - low) * 0.06).max(high.abs() * 0.02).max(f64::MIN_POSITIVE);
    let from = if least >= 0.0 { (low - pad).max(0.0) } else { low - pad };
    Linear { from, to: high + pad, start: LEFT, end: RIGHT }
}

/// The unit of an axis and what its values are divided by.
pub fn axis_unit(unit: MetricUnit, most: f64) -> (&'static str, f64) {
    match unit {
        MetricUnit::Ns if most >= 1e9 => (" s", 1e9),
        MetricUnit::Ns if most >= 1e6 => (" ms", 1e6),
        MetricUnit::Ns => (" µs", 1e3),
        MetricUnit::Share => (" %", 0.01),
        MetricUnit::Rate => ("/s", 1.0),
        MetricUnit::Count => ("", 1.0),
    }
}

/// Dots that would hide each other are stacked; a lower bound is a triangle that points on.
fn dots(body: &mut Svg, x: &Linear, metric: &MetricSummary) {
    let median = x.at(metric.median.value());
    body.line("mr", "#444444", [x.at(metric.min.value()), MIDDLE, x.at(metric.max.value()), MIDDLE], "");
    if let Some(sure) = metric.median_interval {
        let (low, high) = (x.at(sure.low), x.at(sure.high));
        let title =
            format!("95 % interval of the median: {} to {}", number::value(metric.unit, sure.low), number::value(metric.unit, sure.high));
        body.rect("mi", "#cccccc", [low, MIDDLE - 10.0, (high - low).max(1.0), 20.0], &title);
    }
    body.line("md", "#111111", [median, 8.0, median, 40.0], &format!("median {}", number::sample(metric.unit, metric.median)));
    let mut placed: Vec<(f64, f64)> = Vec::new();
    for (trial, sample) in &metric.samples {
        let place = x.at(sample.value());
        let offsets = [0.0, -8.0, 8.0, -4.0, 4.0, -12.0, 12.0];
        let free = |offset: &&f64| placed.iter().all(|(at, y)| (at - place).abs() >= 7.0 || (y - **offset).abs() >= 7.0);
        let offset = *offsets.iter().find(free).unwrap_or(&offsets[placed.len() % offsets.len()]);
        placed.push((place, offset));
        let title = svg::escape(&format!("trial {trial}: {}", number::sample(metric.unit, *sample)));
        let y = MIDDLE + offset;
        match sample {
            Sample::Exact(_) => {
                body.0.push_str(&format!(
                    r##"<circle class="dt" fill="#2f6fb7" cx="{}" cy="{}" r="4"><title>{title}</title></circle>"##,
                    svg::Px(place),
                    svg::Px(y)
                ));
            }
            Sample::AtLeast(_) => {
                let (x1, x2, y1, y2) = (svg::Px(place - 4.0), svg::Px(place + 6.0), svg::Px(y - 5.0), svg::Px(y + 5.0));
                let d = format!("M{x1} {y1}L{x2} {}L{x1} {y2}Z", svg::Px(y));
                body.0.push_str(&format!(r##"<path class="dt" fill="#2f6fb7" d="{d}"><title>{title}</title></path>"##));
            }
        }
    }
}
