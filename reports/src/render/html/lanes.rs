//! Lanes of a timeline: what each data node was, what each Sentinel published, and where the anomalies are.

use redquake_experiments::spec::Role;

use super::svg::{self, Anchor};
use super::timeline::{Chart, RIGHT};
use crate::history::NodeRole;
use crate::render::anomalies;
use crate::render::{facts, number};
use crate::result::{AnomalyKind, NodeLane, SentinelMark};

/// Roles told by each data node as bars, and under them a line while the node acknowledged probe writes.
pub fn nodes(chart: &mut Chart) {
    let trial = chart.trial;
    split(chart);
    let shard = |name: &str| trial.nodes.iter().find(|node| node.name == name).and_then(|node| node.shard);
    let mut lanes: Vec<(Option<u32>, &NodeLane)> = trial.timeline.nodes.iter().map(|lane| (shard(&lane.name), lane)).collect();
    // The nodes of a shard stand together, in their order.
    lanes.sort_by_key(|(shard, _)| *shard);
    for (shard, lane) in lanes {
        let y = chart.y;
        shade(chart, &lane.name, y);
        chart.name(y + 11.0, &shard.map_or_else(|| lane.name.clone(), |shard| format!("{}, shard {shard}", lane.name)), "");
        for span in &lane.roles {
            if !chart.shows(span.from, span.to) {
                continue;
            }
            let (class, fill, word) = match span.role {
                NodeRole::Primary => ("rp", "#1b7f6b", "primary"),
                NodeRole::Replica => ("rr", "#cfd8dc", "replica"),
                NodeRole::Unreachable => ("ru", "url(#hu)", "no answer"),
            };
            let (x1, x2) = (chart.at(span.from), chart.at(span.to));
            let times = [span.from, span.to].map(|at| number::instant(at, trial.zero));
            chart.moving.rect(class, fill, [x1, y, x2 - x1, 14.0], &format!("{} {word}, {} to {}", lane.name, times[0], times[1]));
            if x2 - x1 > svg::width_of(word) + 10.0 {
                chart.moving.label(&format!("{class}x"), Anchor::Start, [x1, 5.0], y + 11.0, word, Some(x2));
            }
        }
        for [from, to] in &lane.writable {
            if !chart.shows(*from, *to) {
                continue;
            }
            let (x1, x2) = (chart.at(*from), chart.at(*to));
            let times = [*from, *to].map(|at| number::instant(at, trial.zero));
            let title = format!("{} acknowledges writes, {} to {}", lane.name, times[0], times[1]);
            chart.moving.rect("wr", "#2f6fb7", [x1, y + 15.5, x2 - x1, 3.5], &title);
        }
        for [from, to] in &lane.down {
            if !chart.shows(*from, *to) {
                continue;
            }
            let (x1, x2) = (chart.at(*from), chart.at(*to));
            let times = [*from, *to].map(|at| number::instant(at, trial.zero));
            let title = format!("{} says cluster_state:fail, {} to {}", lane.name, times[0], times[1]);
            chart.moving.rect("cd", "#b3261e", [x1, y + 19.5, x2 - x1, 2.0], &title);
        }
        chart.y += 24.0;
    }
    chart.y += 4.0;
}

/// When several nodes took writes: a bar a span with its length, told with what each of them took.
fn split(chart: &mut Chart) {
    let trial = chart.trial;
    let Some(split) = &trial.split else { return };
    let shown: Vec<[u64; 2]> = split.spans.iter().filter(|[from, to]| chart.shows(*from, *to)).copied().collect();
    if shown.is_empty() {
        return;
    }
    let y = chart.y;
    chart.name(y + 11.0, "two primaries", "");
    for [from, to] in shown {
        let (x1, x2) = (chart.at(from), chart.at(to));
        let times = [from, to].map(|at| number::instant(at, trial.zero));
        let title = format!("several nodes took writes, {} to {}; in all such times {}", times[0], times[1], facts::taken_words(split));
        chart.moving.rect("sb", "#8b1a1a", [x1, y + 1.0, x2 - x1, 12.0], &title);
        let label = number::duration(to.saturating_sub(from) as f64);
        if svg::width_of(&label) + 10.0 < x2 - x1 {
            chart.moving.label("sbx", Anchor::Start, [x1, 5.0], y + 11.0, &label, Some(x2));
        }
    }
    chart.y += 18.0;
}

/// Behind a node's lane, the times in which it took writes while another one did.
fn shade(chart: &mut Chart, name: &str, y: f64) {
    let trial = chart.trial;
    let Some(split) = &trial.split else { return };
    let Some(node) = split.nodes.iter().find(|node| node.name == name) else { return };
    for [from, to] in &split.spans {
        if !chart.shows(*from, *to) {
            continue;
        }
        let (x1, x2) = (chart.at(*from), chart.at(*to));
        let title = format!("while another node took writes as well, {}", facts::taken_by(node));
        chart.moving.rect("ss", "#f0d0cc", [x1, y - 2.0, x2 - x1, 24.0], &title);
    }
}

/// One lane a Sentinel, and one a node of a Cluster that told something: a tick for each message; in a close-up with the messages' names.
pub fn sentinels(chart: &mut Chart) {
    let trial = chart.trial;
    let told = |name: &str| trial.timeline.sentinel.iter().any(|mark| mark.node == name && chart.shows(mark.at, mark.at));
    let lanes = trial.nodes.iter().filter(|node| node.role == Role::Sentinel || told(&node.name));
    let names: Vec<&str> = lanes.map(|node| node.name.as_str()).collect();
    for name in names {
        let marks: Vec<&SentinelMark> =
            trial.timeline.sentinel.iter().filter(|mark| mark.node == name && chart.shows(mark.at, mark.at)).collect();
        if chart.window.close && marks.is_empty() {
            continue;
        }
        let groups = group(chart, &marks);
        let rows = if chart.window.close { 4 } else { 0 };
        let placed = place(&groups, rows);
        let used = placed.iter().filter_map(|place| place.map(|place| place.row + 1)).max().unwrap_or(0);
        let top = chart.y;
        let base = top + used as f64 * 12.0 + if used == 0 { 12.0 } else { 4.0 };
        chart.name(if used > 1 { top + 10.0 } else { base - 1.0 }, name, "");
        chart.grid.line("bl", "#bbbbbb", [super::timeline::LEFT, base, RIGHT, base], "");
        for (group, place) in groups.iter().zip(&placed) {
            let up = place.map_or(8.0, |place| base - top - place.row as f64 * 12.0 - 3.0);
            chart.moving.line("sm", "#444444", [group.x, base - up, group.x, base], &group.title);
            if let Some(Place { row, anchor }) = *place {
                let distance = if anchor == Anchor::Start { 3.0 } else { -3.0 };
                chart.moving.label("sx", anchor, [group.x, distance], top + row as f64 * 12.0 + 10.0, &group.label, None);
            }
        }
        chart.y = base + 8.0;
    }
}

/// Messages of one Sentinel so close to each other that they share a tick.
struct Group {
    x: f64,
    label: String,
    title: String,
}

fn group(chart: &Chart, marks: &[&SentinelMark]) -> Vec<Group> {
    let mut groups: Vec<(f64, Vec<&SentinelMark>)> = Vec::new();
    let apart = match chart.window.marks {
        most if marks.len() <= most => 4.0,
        // A page that is short of room.
        ..=20 => 20.0,
        _ => 12.0,
    };
    for mark in marks {
        let x = chart.at(mark.at);
        match groups.last_mut() {
            Some((last, list)) if x - *last < apart => list.push(mark),
            _ => groups.push((x, vec![mark])),
        }
    }
    let title =
        |mark: &SentinelMark| format!("{} {} {} {}", number::instant(mark.at, chart.trial.zero), mark.node, mark.event, mark.payload);
    groups
        .into_iter()
        .map(|(x, list)| {
            let first = list.iter().min_by_key(|mark| rank(&mark.event)).map_or("", |mark| mark.event.as_str());
            let short = first.trim_start_matches("+failover-state-");
            let short: String = short.chars().take(28).collect();
            let label = if list.len() > 1 { format!("{short} and {} more", list.len() - 1) } else { short };
            // On a page that is short of room the first stands for all of them.
            let told = if chart.window.marks > 20 { 4 } else { 1 };
            let mut titles: Vec<String> = list.iter().take(told).map(|mark| title(mark)).collect();
            if list.len() > told {
                titles.push(format!("and {} more", list.len() - told));
            }
            Group { x, label, title: titles.join("\n") }
        })
        .collect()
}

/// What tells most about a failover comes first.
fn rank(event: &str) -> usize {
    const ORDER: [&str; 9] = [
        "+switch-master",
        "+sdown",
        "+odown",
        "+elected-leader",
        "+promoted-slave",
        "+selected-slave",
        "+try-failover",
        "+failover-end",
        "+vote-for-leader",
    ];
    match event {
        // Why a failover did not happen stands over everything.
        event if event.starts_with("-failover-abort") || event == "+tilt" => 0,
        event => ORDER.iter().position(|name| *name == event).map_or(ORDER.len() + 1, |at| at + 1),
    }
}

/// Where the name of a tick stands.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    anchor: Anchor,
}

/// A row for each name. A tick stands on the base line and reaches up to its name, so a name may only stand where every row below
/// it is free as well. At the end of the axis it stands before its tick. What finds no place is told by its title and the table.
fn place(groups: &[Group], rows: usize) -> Vec<Option<Place>> {
    let mut ends = vec![0.0f64; rows];
    groups
        .iter()
        .map(|group| {
            let row = (0..rows).find(|row| ends[*row..].iter().all(|end| *end <= group.x))?;
            let width = svg::width_of(&group.label) + 8.0;
            if group.x + width <= RIGHT {
                ends[row] = group.x + width;
                return Some(Place { row, anchor: Anchor::Start });
            }
            let free = ends.iter().all(|end| *end <= group.x - width);
            ends[0] = ends[0].max(group.x + 2.0);
            free.then_some(Place { row: 0, anchor: Anchor::End })
        })
        .collect()
}

/// A mark for each anomaly: a bar while it lasted, with the letter of its kind.
pub fn anomalies(chart: &mut Chart) {
    let trial = chart.trial;
    let all = anomalies::counts(trial);
    let kinds = [
        (AnomalyKind::DoubleAcquired, "ad", "#8b1a1a"),
        (AnomalyKind::ChargedTwice, "ad", "#8b1a1a"),
        (AnomalyKind::OverAdmitted, "ad", "#8b1a1a"),
        (AnomalyKind::LostUpdate, "ad", "#8b1a1a"),
        (AnomalyKind::NotLinearizable, "ad", "#8b1a1a"),
        (AnomalyKind::ImmortalKey, "as", "#5b3a8e"),
        (AnomalyKind::StuckLock, "as", "#5b3a8e"),
        (AnomalyKind::LostWrite, "aw", "#a3341f"),
        (AnomalyKind::UnexpectedWrite, "aw", "#a3341f"),
        (AnomalyKind::StaleRead, "at", "#9a6b00"),
        (AnomalyKind::LostLock, "al", "#c8452c"),
        (AnomalyKind::TokenRegression, "at", "#9a6b00"),
        (AnomalyKind::TtlOverrun, "at", "#9a6b00"),
        (AnomalyKind::PossibleDouble, "ap", "#777777"),
    ];
    for (kind, class, fill) in kinds {
        let of_kind = all.iter().filter(|one| one.kind == kind);
        let spans = of_kind.flat_map(|one| one.spans.iter().map(|[from, to, times]| (*from, *to, *times, one.workload.as_str())));
        let mut found: Vec<_> = spans.filter(|(from, to, ..)| chart.shows(*from, *to)).collect();
        if found.is_empty() {
            continue;
        }
        found.sort_unstable();
        let y = chart.y;
        chart.name(y + 10.0, facts::anomaly_name(kind), "");
        let places: Vec<[f64; 2]> = found.iter().map(|(from, to, ..)| [*from, *to].map(|at| chart.at(at))).collect();
        let rows = stack(&places);
        let height = 12.0 / rows.iter().max().map_or(1.0, |most| *most as f64 + 1.0);
        let mut last = f64::MIN;
        for (((from, to, times, workload), [x1, x2]), row) in found.iter().zip(places).zip(rows) {
            // Of many marks those that would hide each other are drawn once; the table counts them all.
            if found.len() > chart.window.marks && x2 - last < 3.0 {
                continue;
            }
            last = x2;
            let (what, begin) = (facts::anomaly_name(kind), number::instant(*from, trial.zero));
            let title = match times {
                1 => format!("{begin} {what} of {workload}"),
                several => {
                    format!("{} {what} of {workload}, {begin} to {}", number::count(*several as f64), number::instant(*to, trial.zero))
                }
            };
            chart.moving.mark(class, fill, [x1, y + row as f64 * height, x2 - x1, height], &title);
        }
        let times: u64 = found.iter().map(|(_, _, times, _)| times).sum();
        chart.fixed.text("ax", Anchor::End, super::timeline::LEFT - 5.0, y + 10.0, &number::count(times as f64));
        chart.y += 18.0;
    }
}

/// A row for each of some spans so that they do not lie over each other, as long as four rows are enough.
fn stack(spans: &[[f64; 2]]) -> Vec<usize> {
    let mut ends: Vec<f64> = Vec::new();
    spans
        .iter()
        .map(|[from, to]| {
            let end = to.max(from + 2.0);
            let free = ends.iter().position(|taken| taken <= from);
            match free {
                Some(row) => ends[row] = end,
                None if ends.len() < 4 => ends.push(end),
                None => {}
            }
            free.unwrap_or(ends.len() - 1)
        })
        .collect()
}
