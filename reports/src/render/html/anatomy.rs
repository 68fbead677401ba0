//! Where the time of an outage went: its parts as one bar a trial, beside what the configuration predicts.

use super::scale::{self, Linear};
use super::svg::{self, Anchor, Svg};
use super::timeline::{WIDTH, gap_label};
use crate::render::{facts, number};
use crate::result::{Document, Failover, Gap, Prediction, Sample, Trial, TrialStatus};

const LEFT: f64 = 136.0;
const RIGHT: f64 = WIDTH - 150.0;
const ROW: f64 = 24.0;
/// Most outages that are drawn; the table has the numbers of all.
const MOST: usize = 60;

/// Class, fallback colour and number of a part.
pub fn part_style(name: &str) -> (&'static str, &'static str, &'static str) {
    match name {
        "detection" => ("p1", "#31476b", "1"),
        "agreement" => ("p2", "#a9bfe0", "2"),
        "election" => ("p3", "#a06407", "3"),
        "promotion" => ("p4", "#f2d9a6", "4"),
        "announcement" => ("p5", "#1b7f6b", "5"),
        "rediscovery" => ("p6", "#b7e0d6", "6"),
        // A replica of a Cluster waits before it asks for votes.
        "delay" => ("p7", "#999999", "W"),
        // Until somebody told a replica of a Cluster to take over.
        "order" => ("p8", "#e8a39b", "O"),
        // Attempts that failed before one succeeded: not there in a good run.
        "retry" => ("p8", "#e8a39b", "R"),
        // A shard that lost nothing waits for another one.
        "coverage" | "majority" => ("p7", "#999999", "C"),
        _ => ("p7", "#999999", "?"),
    }
}

/// Outages in the order of the trials, with what they belong to.
pub fn outages(document: &Document) -> Vec<(&Trial, &Failover)> {
    document
        .trials
        .iter()
        .flat_map(|trial| trial.failovers.iter().filter(|one| facts::is_outage(one)).map(move |failover| (trial, failover)))
        .collect()
}

/// The chart; `None` when there was no outage.
pub fn draw(document: &Document) -> Option<String> {
    let outages: Vec<_> = outages(document).into_iter().filter(|(_, failover)| extent(failover) > 0.0).take(MOST).collect();
    if outages.is_empty() {
        return None;
    }
    let predicted = [(facts::WRITE_GAP, "write gap"), (facts::CLIENT_GAP, "client gap")]
        .map(|(name, label)| document.predictions.get(name).map(|prediction| (label, prediction)));
    let predicted: Vec<(&str, &Prediction)> = predicted.into_iter().flatten().collect();
    let longest = outages.iter().map(|(_, failover)| extent(failover)).fold(0.0, f64::max);
    // A prediction far beyond what was measured would press the bars together; its label and the table tell it all the same.
    let reach = predicted.iter().map(|(_, prediction)| prediction.high as f64).filter(|high| *high < longest * 1.5);
    let longest = reach.fold(longest, f64::max);
    let x = Linear { from: 0.0, to: longest / 1e9, start: LEFT, end: RIGHT };
    let top = 6.0 + predicted.len() as f64 * 16.0;
    let bottom = top + outages.len() as f64 * ROW + 2.0;
    let mut body = Svg::default();
    let (ticks, step) = x.ticks(10);
    for tick in ticks {
        let place = x.at(tick);
        body.line("gr", "#dddddd", [place, top - 4.0, place, bottom], "");
        body.text("ax", Anchor::Middle, place, bottom + 14.0, &format!("{tick:.*} s", scale::digits(step)));
    }
    for (row, (trial, failover)) in outages.iter().enumerate() {
        bar(&mut body, &x, top + row as f64 * ROW, trial, failover);
    }
    for (row, (label, prediction)) in predicted.iter().enumerate() {
        predict(&mut body, &x, [2.0 + row as f64 * 16.0, bottom], label, prediction);
    }
    let height = bottom + 22.0;
    let description = format!("{}. The tables below carry the same data.", words(document));
    let mut out = svg::open(
        "an",
        "anatomy-chart",
        WIDTH,
        height,
        "",
        "Parts of each outage, one bar a trial, from the last acknowledged write",
        &description,
    );
    out.push_str(&body.0);
    out.push_str("</svg>");
    Some(out)
}

/// A bracket over the range that the configuration predicts, with its bounds drawn through the bars.
fn predict(body: &mut Svg, x: &Linear, [y, bottom]: [f64; 2], label: &str, prediction: &Prediction) {
    let (low, high) = (x.at(prediction.low as f64 / 1e9), x.at(prediction.high as f64 / 1e9));
    let range = format!("{} to {}", number::duration(prediction.low as f64), number::duration(prediction.high as f64));
    body.rect("pb", "url(#hp)", [low, y + 2.0, (high - low).max(2.0), 9.0], &format!("{label} predicted {range}: {}", prediction.formula));
    for place in [low, high] {
        body.line("pl", "#6a4a9c", [place, y + 11.0, place, bottom], "");
    }
    body.text("pt", Anchor::Start, 2.0, y + 10.0, &format!("predicted {label}"));
    body.text("pt", Anchor::Start, high + 6.0, y + 10.0, &range);
}

fn words(document: &Document) -> String {
    let parts = facts::parts(document);
    let parts: Vec<String> = parts.iter().map(|part| format!("{} {}", part.name, part.median())).collect();
    format!("Medians: {}", parts.join(", "))
}

fn bar(body: &mut Svg, x: &Linear, y: f64, trial: &Trial, failover: &Failover) {
    let Some(from) = begin(failover) else { return };
    let place = |at: u64| x.at(at.saturating_sub(from) as f64 / 1e9);
    let judged = trial.status == TrialStatus::Conclusive;
    body.text(
        "nm",
        Anchor::Start,
        2.0,
        y + 14.0,
        &format!("trial {}{}{}{}", trial.index, facts::shard_tail(failover), facts::again(failover), if judged { "" } else { " *" }),
    );
    let end = |gap: &Option<Gap>| gap.as_ref().map(|gap| gap.to.unwrap_or(trial.end));
    let server = end(&failover.write_gap);
    let client = end(&failover.client_gap);
    if let (Some(server), Some(client)) = (server, client)
        && client > server
        && !failover.parts.iter().any(|part| part.to > server)
    {
        let cost = number::duration((client - server) as f64);
        let (x1, x2) = (place(server), place(client));
        let title = format!("library cost {cost}: the servers accept writes, the clients have not found them");
        body.rect("lc", "#ffffff", [x1, y + 3.0, x2 - x1, 12.0], &title);
        let label = format!("library cost {cost}");
        if x2 - x1 > svg::width_of(&label) + 8.0 {
            body.text("lx", Anchor::Middle, f64::midpoint(x1, x2), y + 12.5, &label);
        }
    }
    if let Some(server) = server {
        body.rect("lu", "#eeeeee", [place(from), y, place(server) - place(from), 18.0], "write gap not attributed to a part");
    }
    for (index, part) in failover.parts.iter().enumerate() {
        let (class, fill, letter) = part_style(&part.name);
        let (x1, x2) = (place(part.from), place(part.to));
        let length = number::duration(part.to.saturating_sub(part.from) as f64);
        let cut = index + 1 == failover.parts.len() && facts::unended(failover);
        let length = if cut { format!("≥ {length}") } else { length };
        body.rect(class, fill, [x1, y, x2 - x1, 18.0], &format!("{letter} {} {length}: until {}", part.name, part.ended_by));
        let (long, short) = (format!("{letter} {} {length}", part.name), format!("{letter} {}", part.name));
        let label = [long.as_str(), short.as_str(), letter].into_iter().find(|text| svg::width_of(text) + 6.0 <= x2 - x1);
        if let Some(label) = label {
            body.text(&format!("{class}x"), Anchor::Middle, f64::midpoint(x1, x2), y + 13.0, label);
        }
    }
    let label = failover.write_gap.as_ref().or(failover.client_gap.as_ref()).map(gap_label).unwrap_or_default();
    let client = failover.client_gap.as_ref().filter(|_| failover.write_gap.is_some()).map(|gap| match gap.length {
        Sample::Exact(length) => format!(", clients {}", number::duration(length)),
        Sample::AtLeast(length) => format!(", clients ≥ {}", number::duration(length)),
    });
    let label = if label.contains("still") { label.split(',').next().unwrap_or_default().to_owned() } else { label };
    body.text("bx", Anchor::Start, RIGHT + 8.0, y + 13.0, &format!("{label}{}", client.unwrap_or_default()));
}

fn begin(failover: &Failover) -> Option<u64> {
    let gaps = [&failover.write_gap, &failover.client_gap].into_iter().flatten().map(|gap| gap.from);
    gaps.min().or(failover.fault_at)
}

/// Length of the bar, ns.
fn extent(failover: &Failover) -> f64 {
    let Some(from) = begin(failover) else { return 0.0 };
    let parts = failover.parts.iter().map(|part| part.to.saturating_sub(from) as f64);
    let gaps = [&failover.write_gap, &failover.client_gap].into_iter().flatten();
    gaps.map(|gap| (gap.from - from) as f64 + gap.length.value()).chain(parts).fold(0.0, f64::max)
}
