//! The timeline of a trial: operations, latency, faults, gaps, nodes, Sentinels and anomalies over one time axis.

use std::fmt::Write;

use redquake_experiments::spec::Reversal;

use super::classes;
use super::columns::Columns;
use super::lanes;
use super::scale::{self, Linear};
use super::series;
use super::svg::{self, Anchor, Svg};
use crate::render::{facts, number};
use crate::result::{Failover, FaultOutcome, Gap, Sample, Trial};

/// Width of a chart.
pub const WIDTH: f64 = 1160.0;
/// Where the plot begins; names of the lanes stand before it.
pub const LEFT: f64 = 136.0;
/// Where the plot ends.
pub const RIGHT: f64 = WIDTH - 14.0;

/// A part of a trial's time as a chart.
pub struct Window<'a> {
    /// Identity of the chart on the page.
    pub id: &'a str,
    /// From and to, ns since the trial began.
    pub time: [u64; 2],
    /// Most columns a workload is drawn with.
    pub columns: usize,
    /// Most anomalies of one kind and most messages of one Sentinel that are drawn apart.
    pub marks: usize,
    /// Whether there is room to name every message and every part of the gap.
    pub close: bool,
}

/// A chart under construction: rows are added from top to bottom.
pub struct Chart<'a> {
    /// The trial.
    pub trial: &'a Trial,
    /// The time scale.
    pub x: Linear,
    /// The window.
    pub window: &'a Window<'a>,
    /// Where the next row begins.
    pub y: f64,
    /// What lies behind the rows over the whole height.
    bands: Vec<Band>,
    /// Shapes that follow the time axis.
    pub moving: Svg,
    /// Names and value axes, which stay.
    pub fixed: Svg,
    /// Lines of value axes, behind everything.
    pub grid: Svg,
}

struct Band {
    class: &'static str,
    fill: &'static str,
    from: u64,
    to: Option<u64>,
    top: f64,
    title: String,
}

impl Chart<'_> {
    /// The place of an instant.
    pub fn at(&self, at: u64) -> f64 {
        self.x.at(at as f64)
    }

    /// Whether any of the interval is inside the window.
    pub fn shows(&self, from: u64, to: u64) -> bool {
        let [start, end] = self.window.time;
        from <= end && to >= start
    }

    /// The name of the lane that begins here, before the plot.
    pub fn name(&mut self, baseline: f64, name: &str, note: &str) {
        let clipped = svg::clip(name, if note.is_empty() { LEFT - 12.0 } else { LEFT - 40.0 });
        self.fixed.text("nm", Anchor::Start, 2.0, baseline, &clipped);
        if !note.is_empty() {
            self.fixed.text("dim", Anchor::Start, 2.0, baseline + 13.0, note);
        }
    }

    fn instant(&self, at: u64) -> String {
        number::instant(at, self.trial.zero)
    }
}

/// The chart with the data for its read-out.
pub fn draw(trial: &Trial, window: &Window) -> String {
    let [from, to] = window.time;
    let x = Linear { from: from as f64, to: to.max(from + 1) as f64, start: LEFT, end: RIGHT };
    let mut chart =
        Chart { trial, x, window, y: 4.0, bands: Vec::new(), moving: Svg::default(), fixed: Svg::default(), grid: Svg::default() };
    faults(&mut chart);
    gaps(&mut chart);
    let mut data = Vec::new();
    for workload in &trial.timeline.workloads {
        let columns = Columns::new(workload, trial.timeline.bucket, window.time, window.columns);
        series::attempts(&mut chart, workload, &columns);
        classes::lanes(&mut chart, workload, &columns);
        series::latency(&mut chart, &columns);
        data.push(series::data(workload, trial.zero, &columns, &classes::data(workload, &columns)));
    }
    lanes::nodes(&mut chart);
    lanes::sentinels(&mut chart);
    lanes::anomalies(&mut chart);
    finish(chart, &data)
}

/// One flag a fault at the top, and a line or a band over everything below.
fn faults(chart: &mut Chart) {
    let mut rows: Vec<f64> = Vec::new();
    let trial = chart.trial;
    let flags: Vec<(&FaultOutcome, u64)> =
        trial.faults.iter().filter_map(|fault| fault.injected_at.map(|at| (fault, at))).filter(|(_, at)| chart.shows(*at, *at)).collect();
    let top = chart.y;
    for (fault, at) in flags {
        let x = chart.at(at);
        let label = format!("{}: {} {}", fault.name, fault.action, fault.targets.join(", "));
        let label = if label.chars().count() > 60 { label.chars().take(59).chain(['…']).collect() } else { label };
        let width = svg::width_of(&label) + 10.0;
        let left = x + width > RIGHT;
        let start = if left { x - width } else { x };
        let row = rows.iter().position(|end| *end <= start).unwrap_or(rows.len());
        if row == rows.len() {
            rows.push(0.0);
        }
        rows[row] = start + width;
        let y = top + row as f64 * 15.0;
        let title = format!("{} {} ({}), {}", chart.instant(at), label, facts::fault_state(fault), fault.proof);
        match fault.reverted_at {
            Some(end) => {
                chart.bands.push(Band { class: "fb", fill: "url(#hb)", from: at, to: Some(end), top: y, title: title.clone() });
                let word = if fault.action == "reshard" { "over" } else { "healed" };
                let healed = format!("{} {} {word}", chart.instant(end), fault.name);
                chart.bands.push(Band { class: "fl", fill: "#b3261e", from: end, to: None, top: y, title: healed });
            }
            // What nothing takes back is an instant; what was to be reverted and was not is still at work.
            None if Reversal::of(&fault.action) != Reversal::Never => {
                chart.bands.push(Band { class: "fb", fill: "url(#hb)", from: at, to: Some(trial.end), top: y, title: title.clone() });
            }
            None => {}
        }
        chart.bands.push(Band { class: "fl", fill: "#b3261e", from: at, to: None, top: y, title });
        let (anchor, distance) = if left { (Anchor::End, -4.0) } else { (Anchor::Start, 4.0) };
        chart.moving.label("fx", anchor, [x, distance], y + 10.0, &label, None);
    }
    if !rows.is_empty() {
        chart.name(top + 10.0, "faults", "");
        chart.y = top + rows.len() as f64 * 15.0 + 4.0;
    }
}

/// Brackets over the times without acknowledged writes, each with its length, and the parts of the server gap where there is room.
fn gaps(chart: &mut Chart) {
    let trial = chart.trial;
    type Pick = fn(&Failover) -> Option<&Gap>;
    let kinds: [(&str, Pick); 2] = [("server", |f| f.write_gap.as_ref()), ("clients", |f| f.client_gap.as_ref())];
    // Several shards may be out at once: each has rows of its own.
    for (shard, (whose, pick)) in shards(trial).into_iter().flat_map(|shard| kinds.map(|kind| (shard, kind))) {
        let of_shard = trial.failovers.iter().filter(|one| one.shard == shard);
        let found: Vec<(&Gap, &Failover)> = of_shard
            .filter_map(|one| Some((pick(one)?, one)))
            .filter(|(gap, _)| chart.shows(gap.from, gap.to.unwrap_or(trial.end)))
            .collect();
        if found.is_empty() {
            continue;
        }
        let y = chart.y;
        chart.name(y + 10.0, &format!("{}, {whose}", shard.map_or("write gap".to_owned(), |shard| format!("shard {shard}"))), "");
        for (gap, failover) in found {
            let to = gap.to.unwrap_or(trial.end);
            let (x1, x2) = (chart.at(gap.from), chart.at(to));
            let label = gap_label(gap);
            let of = shard.map(|shard| format!(" of shard {shard}")).unwrap_or_default();
            let who = failover.client_gap_of.as_deref().filter(|_| whose == "clients").unwrap_or(whose);
            let title = format!("write gap{of} ({who}) {label}: {} to {}", chart.instant(gap.from), chart.instant(to));
            if whose == "server" {
                chart.bands.push(Band { class: "gb", fill: "#f3f0e6", from: gap.from, to: Some(to), top: y, title: title.clone() });
            }
            let (x1, x2, y1, y2) = (svg::Px(x1), svg::Px(x2), svg::Px(y + 1.0), svg::Px(y + 11.0));
            let middle = svg::Px(y + 6.0);
            let ends = if gap.to.is_some() { format!("M{x2} {y1}V{y2}") } else { String::new() };
            chart.moving.outline("br", "#333333", &format!("M{x1} {y1}V{y2}M{x1} {middle}H{x2}{ends}"), &title);
            let width = svg::width_of(&label) * 1.1 + 8.0;
            // Behind the bracket where there is room, else on it, else before it.
            let (class, anchor, at) = match () {
                () if x2.0 + width <= RIGHT => ("bx", Anchor::Start, [x2.0, 5.0]),
                () if x2.0 - x1.0 > width => ("bx bh", Anchor::Middle, [f64::midpoint(x1.0, x2.0), 0.0]),
                () => ("bx", Anchor::End, [x1.0, -5.0]),
            };
            chart.moving.label(class, anchor, at, y + 10.0, &label, None);
        }
        chart.y += 16.0;
    }
    for shard in shards(trial) {
        if chart.window.close && trial.failovers.iter().any(|failover| failover.shard == shard && !failover.parts.is_empty()) {
            parts(chart, shard);
        }
    }
}

/// The shards that were out, in order; `None` stands for servers without any.
fn shards(trial: &Trial) -> Vec<Option<u32>> {
    let mut shards: Vec<Option<u32>> = trial.failovers.iter().map(|failover| failover.shard).collect();
    shards.sort_unstable();
    shards.dedup();
    shards
}

/// `1.39 s`, or `≥ 14.0 s, still down at the end`.
pub fn gap_label(gap: &Gap) -> String {
    match gap.length {
        Sample::Exact(length) => number::duration(length),
        Sample::AtLeast(length) => format!("≥ {}, still down at the end", number::duration(length)),
    }
}

fn parts(chart: &mut Chart, shard: Option<u32>) {
    let trial = chart.trial;
    let y = chart.y + 2.0;
    let all = trial.failovers.iter().filter(|failover| failover.shard == shard).flat_map(|failover| {
        let last = failover.parts.len().saturating_sub(1);
        failover.parts.iter().enumerate().map(move |(index, part)| (part, index == last && facts::unended(failover)))
    });
    for (part, cut) in all {
        if !chart.shows(part.from, part.to) {
            continue;
        }
        let (x1, x2) = (chart.at(part.from), chart.at(part.to));
        let length = number::duration(part.to.saturating_sub(part.from) as f64);
        let length = if cut { format!("≥ {length}") } else { length };
        let title = format!("{} {length}: until {} {}", part.name, chart.instant(part.to), part.ended_by);
        let (class, fill, letter) = super::anatomy::part_style(&part.name);
        chart.moving.rect(class, fill, [x1, y, x2 - x1, 16.0], &title);
        let long = format!("{} {length}", part.name);
        let room = x2 - x1 - 6.0;
        let label = [long.as_str(), part.name.as_str(), letter].into_iter().find(|text| svg::width_of(text) <= room);
        if let Some(label) = label {
            chart.moving.text(&format!("{class}x"), Anchor::Middle, f64::midpoint(x1, x2), y + 12.0, label);
        }
    }
    chart.name(y + 12.0, &shard.map_or("parts of the gap".to_owned(), |shard| format!("shard {shard}, parts")), "");
    chart.y += 24.0;
}

/// Bands behind, rows, the time axis, and the frame around them.
fn finish(chart: Chart, data: &[String]) -> String {
    let Chart { trial, x, window, y, bands, moving, fixed, grid, .. } = chart;
    let bottom = y + 2.0;
    let height = bottom + 22.0;
    let mut behind = Svg::default();
    let mut lines = Svg::default();
    for band in &bands {
        let start = x.at(band.from as f64);
        match band.to {
            Some(to) => behind.rect(band.class, band.fill, [start, band.top, x.at(to as f64) - start, bottom - band.top], &band.title),
            None => lines.line(band.class, band.fill, [start, band.top, start, bottom], &band.title),
        }
    }
    let mut axis = Svg::default();
    let zero = trial.zero as f64;
    let seconds = Linear { from: (x.from - zero) / 1e9, to: (x.to - zero) / 1e9, start: x.start, end: x.end };
    let (ticks, step) = seconds.ticks(13);
    let digits = scale::digits(step);
    for tick in ticks {
        let place = seconds.at(tick);
        axis.line("gr", "#dddddd", [place, 4.0, place, bottom], "");
        let sign = if tick < -step * 0.01 { '-' } else { '+' };
        let (anchor, place) = if place > RIGHT - 16.0 { (Anchor::End, RIGHT) } else { (Anchor::Middle, place) };
        axis.text("ax", anchor, place, bottom + 14.0, &format!("T{sign}{:.digits$} s", tick.abs()));
    }
    // Milliseconds with two decimals.
    let relative = |at: f64| ((at - zero) / 1e4).round() / 1e2;
    let extra = format!(
        r#" data-from="{}" data-to="{}" data-left="{LEFT}" data-right="{RIGHT}" data-bottom="{}""#,
        relative(x.from),
        relative(x.to),
        svg::Px(bottom)
    );
    let what = if window.close { "close-up" } else { "whole trial" };
    let title = format!(
        "Trial {}, {what}: {} to {}",
        trial.index,
        number::instant(window.time[0], trial.zero),
        number::instant(window.time[1], trial.zero)
    );
    let mut out = svg::open("tl", window.id, WIDTH, height, &extra, &title, &describe(trial));
    let clip = format!("{}-c", window.id);
    let _ = write!(
        out,
        r#"<clipPath id="{clip}"><rect x="{LEFT}" y="0" width="{}" height="{}"/></clipPath>{}<g class="axis">{}</g>"#,
        RIGHT - LEFT,
        svg::Px(height),
        grid.0,
        axis.0
    );
    let _ = write!(out, r##"<g clip-path="url(#{clip})"><g class="z">{}{}{}</g></g>{}</svg>"##, behind.0, moving.0, lines.0, fixed.0);
    let _ = write!(out, r#"<script type="application/json" class="tl-data">[{}]</script>"#, data.join(","));
    out
}

/// The trial in words, for who cannot see the chart.
fn describe(trial: &Trial) -> String {
    let at = |at: u64| number::instant(at, trial.zero);
    let mut words = Vec::new();
    for fault in &trial.faults {
        if let Some(injected) = fault.injected_at {
            words.push(format!("{} ({} {}) at {}", fault.name, fault.action, fault.targets.join(", "), at(injected)));
        }
    }
    for failover in &trial.failovers {
        let of = failover.shard.map(|shard| format!(" on shard {shard}")).unwrap_or_default();
        for (gap, whose) in [(&failover.write_gap, "server"), (&failover.client_gap, "clients")] {
            if let Some(gap) = gap {
                words.push(format!("writes down{of} ({whose}) {} from {}", gap_label(gap), at(gap.from)));
            }
        }
        if let (Some(old), Some(new)) = (&failover.old_primary, &failover.new_primary) {
            words.push(format!("primary{} moved from {old} to {new}", of.replace(" on", " of")));
        }
    }
    for workload in &trial.workloads {
        words.push(format!("{}: {} ok, {} failed, {} unknown", workload.name, workload.ok, workload.fail, workload.info));
    }
    words.push(format!("{} anomalies", trial.anomalies_total));
    format!("{}. The tables on this page carry the same data.", words.join("; "))
}
