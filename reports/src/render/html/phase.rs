//! Values of a metric that depends on the phase of the servers' timers, by that phase.

use super::scale::{self, Linear};
use super::strip::axis_unit;
use super::svg::{self, Anchor, Svg};
use crate::render::{number, phase};
use crate::result::{Document, MetricSummary, PhaseDependence};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 16.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = HEIGHT - 28.0;

/// A metric by phase, drawn.
pub struct ByPhase {
    pub name: String,
    pub svg: String,
    pub range: String,
    pub r2: String,
    pub p: String,
}

/// Every metric that depends on the phase, by name.
pub fn dependent(document: &Document) -> Vec<ByPhase> {
    let dependent = document.metrics.iter().filter_map(|(name, metric)| Some((name, metric, metric.phase.as_ref()?)));
    let drawn = dependent.enumerate().map(|(index, (name, metric, told))| ByPhase {
        name: name.clone(),
        svg: draw(document, index, name, metric, told),
        range: phase::range(metric, told),
        r2: number::share((told.r2 * 100.0).round() / 100.0),
        // Rounded up: no chance is told smaller than it is.
        p: number::share((told.p * 1e4).ceil() / 1e4),
    });
    drawn.collect()
}

fn draw(document: &Document, index: usize, name: &str, metric: &MetricSummary, told: &PhaseDependence) -> String {
    let (least, most) = (metric.min.value(), metric.max.value());
    let (unit, scale) = axis_unit(metric.unit, most);
    let pad = (most - least) * 0.08;
    let y = Linear { from: (least - pad) / scale, to: (most + pad) / scale, start: BOTTOM, end: TOP };
    let x = Linear { from: 0.0, to: told.window as f64 / 1e9, start: LEFT, end: RIGHT };
    let mut body = Svg::default();
    let (ticks, step) = y.ticks(4);
    for tick in ticks {
        let place = y.at(tick);
        body.line("gr", "#dddddd", [LEFT, place, RIGHT, place], "");
        body.text("ax", Anchor::End, LEFT - 6.0, place + 4.0, &format!("{tick:.*}{unit}", scale::digits(step)));
    }
    let (ticks, step) = x.ticks(5);
    for tick in ticks {
        let place = x.at(tick);
        body.line("gr", "#dddddd", [place, TOP, place, BOTTOM], "");
        let anchor = if place > RIGHT - 10.0 { Anchor::End } else { Anchor::Middle };
        body.text("ax", anchor, place, HEIGHT - 12.0, &format!("{tick:.*} s", scale::digits(step)));
    }
    for (trial, sample) in &metric.samples {
        let Some(at) = document.trials.iter().find(|one| one.index == *trial).and_then(|one| one.phase) else { continue };
        let shown = number::sample(metric.unit, *sample);
        let title = svg::escape(&format!("trial {trial}, phase {}: {shown}", number::duration(at as f64)));
        body.0.push_str(&format!(
            r##"<circle class="dt" fill="#2f6fb7" cx="{}" cy="{}" r="4"><title>{title}</title></circle>"##,
            svg::Px(x.at(at as f64 / 1e9)),
            svg::Px(y.at(sample.value() / scale)),
        ));
    }
    let title = format!("{name} by phase: {} trials", metric.samples.len());
    let mut out = svg::open("st", &format!("phase-{index}"), WIDTH, HEIGHT, "", &title, &phase::range(metric, told));
    out.push_str(&body.0);
    out.push_str("</svg>");
    out
}
