//! The trade-off plot: the gap to the right, what it costs upwards, a numbered point a cell and a faint dot a trial.

use super::figures::{on_axis, unit_of};
use crate::render::html::scale::{self, Linear};
use crate::render::html::svg::{self, Anchor, Px, Svg};
use crate::render::number;
use crate::result::{Interval, MatrixDocument, MetricUnit, Middle, Sample, TradeOff};

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 470.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 30.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = HEIGHT - 56.0;
/// Colours that take turns; the number in the point tells cells apart without them.
const COLOURS: [&str; 6] = ["#2f6fb7", "#b8740a", "#1b7f6b", "#7a5ea8", "#b3261e", "#5a646e"];
/// With more cells than this their labels would cover the plot; the table says what the numbers mean.
const LABELLED: usize = 12;

/// The plot.
pub fn draw(document: &MatrixDocument, trade: &TradeOff) -> String {
    let units = [unit_of(document, &trade.x), unit_of(document, &trade.y)];
    let (x, y) = (across(trade), up(trade));
    let mut body = Svg::default();
    axes(&mut body, trade, units, [&x, &y]);
    for (at, point) in trade.points.iter().enumerate() {
        for (trial, (across, up)) in point.trials.iter().enumerate() {
            let title = format!(
                "{}, value {}: {}, {}",
                label(document, point.cell),
                trial + 1,
                number::sample(units[0], *across),
                number::sample(units[1], *up)
            );
            dot(&mut body, at, [x.at(across.value()), y.at(up.value())], matches!(across, Sample::AtLeast(_)), &title);
        }
    }
    for (at, point) in trade.points.iter().enumerate() {
        let place = [x.at(point.x.value()), y.at(point.y.value())];
        whiskers(&mut body, at, place, [point.x_interval.map(|sure| ends(&x, sure)), point.y_interval.map(|sure| ends(&y, sure))]);
    }
    // No label over a point.
    let around = |[x, y]: [f64; 2]| [x - 11.0, y - 11.0, x + 11.0, y + 11.0];
    let mut taken: Vec<[f64; 4]> = trade.points.iter().map(|point| around([x.at(point.x.value()), y.at(point.y.value())])).collect();
    for (at, point) in trade.points.iter().enumerate() {
        let place = [x.at(point.x.value()), y.at(point.y.value())];
        let values = format!("{}, {}", number::sample(units[0], point.x), on_axis(units[1], trade.y_of, point.y));
        let cell = document.cells.get(point.cell as usize);
        // A value that is a mapping is no name for a point; the label has what tells it apart.
        let long = cell.is_some_and(|cell| cell.values.iter().any(|value| value.starts_with(['{', '['])));
        let short = cell.map(|cell| if long { cell.label.clone() } else { cell.values.join(", ") }).unwrap_or_default();
        let words = if trade.points.len() <= LABELLED { svg::clip(&short, 220.0) } else { String::new() };
        marker(&mut body, at, place, point.cell, &format!("{}: {values}", label(document, point.cell)));
        tag(&mut body, place, [&words, &values], &mut taken);
    }
    let title = format!("{} against {}: one point a cell", trade.y, trade.x);
    let told: Vec<String> = trade
        .points
        .iter()
        .map(|point| {
            let of = [number::sample(units[0], point.x), on_axis(units[1], trade.y_of, point.y)];
            format!("{} ({}): {}, {}", point.cell + 1, label(document, point.cell), of[0], of[1])
        })
        .collect();
    let mut out = svg::open("pl2", "trade-off-plot", WIDTH, HEIGHT, "", &title, &told.join("; "));
    out.push_str(&body.0);
    out.push_str("</svg>");
    out
}

fn label(document: &MatrixDocument, cell: u32) -> &str {
    document.cells.get(cell as usize).map_or("", |cell| cell.label.as_str())
}

fn ends(scale: &Linear, sure: Interval) -> [f64; 2] {
    [scale.at(sure.low), scale.at(sure.high)]
}

fn across(trade: &TradeOff) -> Linear {
    let values = trade.points.iter().flat_map(|point| {
        let sure = point.x_interval.iter().flat_map(|sure| [sure.low, sure.high]);
        point.trials.iter().map(|(x, _)| x.value()).chain([point.x.value()]).chain(sure).collect::<Vec<_>>()
    });
    padded(values.collect(), LEFT + 14.0, RIGHT - 14.0, false)
}

fn up(trade: &TradeOff) -> Linear {
    let values = trade.points.iter().flat_map(|point| {
        let sure = point.y_interval.iter().flat_map(|sure| [sure.low, sure.high]);
        point.trials.iter().map(|(_, y)| y.value()).chain([point.y.value()]).chain(sure).collect::<Vec<_>>()
    });
    padded(values.collect(), BOTTOM - 14.0, TOP + 14.0, trade.y_of == Middle::Mean)
}

/// All values with some room; `whole` begins at zero, which is where no harm is.
fn padded(values: Vec<f64>, start: f64, end: f64, whole: bool) -> Linear {
    let (low, high) = (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(f64::MIN, f64::max));
    let low = if whole { low.min(0.0) } else { low };
    let pad = ((high - low) * 0.06).max(high.abs() * 0.02).max(f64::MIN_POSITIVE);
    Linear { from: if whole { low } else { (low - pad).max(0.0) }, to: high + pad, start, end }
}

fn axes(body: &mut Svg, trade: &TradeOff, units: [MetricUnit; 2], [x, y]: [&Linear; 2]) {
    let ((name_x, scale_x), (name_y, scale_y)) = (axis_unit(units[0], x.to), axis_unit(units[1], y.to));
    let (ticks, step) = Linear { from: x.from / scale_x, to: x.to / scale_x, ..*x }.ticks(8);
    for tick in ticks {
        let place = x.at(tick * scale_x);
        body.line("gr", "#dddddd", [place, TOP, place, BOTTOM], "");
        body.text("ax", Anchor::Middle, place, BOTTOM + 16.0, &format!("{tick:.*}{name_x}", scale::digits(step)));
    }
    let (ticks, step) = Linear { from: y.from / scale_y, to: y.to / scale_y, ..*y }.ticks(6);
    for tick in ticks {
        let place = y.at(tick * scale_y);
        body.line("gr", "#dddddd", [LEFT, place, RIGHT, place], "");
        body.text("ax", Anchor::End, LEFT - 8.0, place + 4.0, &format!("{tick:.*}{name_y}", scale::digits(step)));
    }
    body.text("nm", Anchor::End, RIGHT, BOTTOM + 38.0, &format!("{} (median) →", trade.x));
    let of = if trade.y_of == Middle::Mean { "per trial" } else { "median" };
    body.text("nm", Anchor::Start, 8.0, TOP - 8.0, &format!("↑ {} ({of})", trade.y));
}

fn axis_unit(unit: MetricUnit, most: f64) -> (&'static str, f64) {
    match unit {
        MetricUnit::Ns if most >= 1e9 => (" s", 1e9),
        MetricUnit::Ns if most >= 1e6 => (" ms", 1e6),
        MetricUnit::Ns => (" µs", 1e3),
        MetricUnit::Share => (" %", 0.01),
        MetricUnit::Rate => ("/s", 1.0),
        MetricUnit::Count => ("", 1.0),
    }
}

/// One trial; a lower bound is a triangle that points on.
fn dot(body: &mut Svg, at: usize, [x, y]: [f64; 2], open: bool, title: &str) {
    let (turn, colour) = (at % COLOURS.len(), COLOURS[at % COLOURS.len()]);
    let title = svg::escape(title);
    let shape = if open {
        format!(r#"<path d="M{} {}L{} {}L{0} {}Z""#, Px(x - 3.0), Px(y - 4.0), Px(x + 5.0), Px(y), Px(y + 4.0))
    } else {
        format!(r#"<circle cx="{}" cy="{}" r="3.5""#, Px(x), Px(y))
    };
    let close = if open { "path" } else { "circle" };
    body.0.push_str(&format!(r#"{shape} class="c{turn}" fill="{colour}" fill-opacity="0.3"><title>{title}</title></{close}>"#));
}

fn whiskers(body: &mut Svg, at: usize, [x, y]: [f64; 2], [across, up]: [Option<[f64; 2]>; 2]) {
    let (turn, colour) = (at % COLOURS.len(), COLOURS[at % COLOURS.len()]);
    let mut stroke = |x1: f64, y1: f64, x2: f64, y2: f64| {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(Px);
        body.0.push_str(&format!(r#"<path class="w{turn}" stroke="{colour}" stroke-width="2" d="M{x1} {y1}L{x2} {y2}"/>"#));
    };
    if let Some([low, high]) = across {
        stroke(low, y, high, y);
        stroke(low, y - 4.0, low, y + 4.0);
        stroke(high, y - 4.0, high, y + 4.0);
    }
    if let Some([low, high]) = up {
        stroke(x, low, x, high);
        stroke(x - 4.0, low, x + 4.0, low);
        stroke(x - 4.0, high, x + 4.0, high);
    }
}

/// The point of a cell, with its number.
fn marker(body: &mut Svg, at: usize, [x, y]: [f64; 2], cell: u32, title: &str) {
    let (turn, colour, title) = (at % COLOURS.len(), COLOURS[at % COLOURS.len()], svg::escape(title));
    let (cx, cy) = (Px(x), Px(y));
    body.0.push_str(&format!(r#"<circle class="c{turn} pm" fill="{colour}" cx="{cx}" cy="{cy}" r="9"><title>{title}</title></circle>"#));
    body.text("pmx", Anchor::Middle, x, y + 4.0, &cell.saturating_add(1).to_string());
}

/// What a point means, beside it where there is room: to the right, to the left, then further up and down.
fn tag(body: &mut Svg, [x, y]: [f64; 2], [words, values]: [&str; 2], taken: &mut Vec<[f64; 4]>) {
    if words.is_empty() {
        return;
    }
    let wide = svg::width_of(words).max(svg::width_of(values)) * 1.05;
    let places = [0.0, -34.0, 34.0, -68.0, 68.0, -102.0, 102.0].into_iter().flat_map(|shift| [(x + 14.0, shift), (x - 14.0 - wide, shift)]);
    let boxed = |(left, shift): (f64, f64)| [left, y + shift - 16.0, left + wide, y + shift + 18.0];
    let inside = |area: &[f64; 4]| area[0] >= LEFT && area[2] <= RIGHT && area[1] >= TOP && area[3] <= BOTTOM;
    let free =
        |area: &[f64; 4]| taken.iter().all(|other| area[2] < other[0] || area[0] > other[2] || area[3] < other[1] || area[1] > other[3]);
    let places: Vec<[f64; 4]> = places.map(boxed).collect();
    let area =
        places.iter().find(|area| inside(area) && free(area)).or_else(|| places.iter().find(|area| free(area))).unwrap_or(&places[0]);
    taken.push(*area);
    body.text("nm tg", Anchor::Start, area[0], area[1] + 12.0, words);
    body.text("ax tg", Anchor::Start, area[0], area[1] + 27.0, values);
}
