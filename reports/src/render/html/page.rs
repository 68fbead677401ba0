//! The whole page: what the template is filled with.

use askama::Template;

use super::fallback::{self, Curve};
use super::phase::{self, ByPhase};
use super::shards::{self, Shards};
use super::svg::Html;
use super::tables::{self, AnomalyRow, AssertionRow, MetricRow, PartRow, PredictionRow, RareRow, ReasonRow, WorkloadRow};
use super::trials::{self, Budget, TrialView};
use super::{anatomy, strip, svg};
use crate::render::{by_shard, facts, felt, number, words};
use crate::result::{Document, MetricSummary, MetricUnit, NodeInfo};

const STYLE: &str = include_str!("../../../templates/report.css");
const SCRIPT: &str = include_str!("../../../templates/report.js");
const SHAPES: &str = include_str!("../../../templates/shapes.svg");

/// One key figure.
pub struct Tile {
    label: &'static str,
    value: String,
    note: String,
    /// `good`, `bad` or empty.
    tone: &'static str,
}

/// A metric with its strip of dots.
pub struct Strip {
    name: String,
    svg: String,
    median: String,
    interval: String,
    p95: String,
    range: String,
    limit: String,
}

/// What `report.html` is filled with.
#[derive(Template)]
#[template(path = "report.html")]
pub struct Page<'a> {
    document: &'a Document,
    style: &'static str,
    script: &'static str,
    shapes: &'static str,
    verdict: &'static str,
    sign: &'static str,
    sentence: Html,
    /// Whether any node ever said `cluster_state:fail`.
    clustered: bool,
    reasons: Vec<Html>,
    subtitle: Vec<String>,
    tiles: Vec<Tile>,
    assertions: Vec<AssertionRow>,
    first: Option<TrialView>,
    why_first: String,
    curves: Vec<Curve>,
    others: Vec<TrialView>,
    anatomy: Option<String>,
    any_unjudged: bool,
    parts: Vec<PartRow>,
    predictions: Vec<PredictionRow>,
    shards: Option<Shards>,
    anomalies: Vec<AnomalyRow>,
    no_anomalies: &'static str,
    anomalies_left: u64,
    anomalies_total: String,
    possible: Vec<AnomalyRow>,
    possible_left: u64,
    possible_total: String,
    only_possible: &'static str,
    rare: Vec<RareRow>,
    /// Whether any metric has an interval of its median, and whether any has a p95: else the columns are left out.
    intervals: bool,
    percentiles: bool,
    strips: Vec<Strip>,
    by_phase: Vec<ByPhase>,
    phase_meaning: &'static str,
    workloads: Vec<WorkloadRow>,
    error_classes: Vec<ReasonRow>,
    metrics: Vec<MetricRow>,
    environment: Vec<(&'static str, String)>,
    nodes: &'a [NodeInfo],
    experiment: String,
}

impl<'a> Page<'a> {
    /// Formats a document; `detail` goes from 1 down to 0 as the page gets too large.
    pub fn new(document: &'a Document, detail: f64) -> Self {
        let budget = Budget::shared(document, detail);
        let worst = trials::worst(document);
        let shown = worst.as_ref().map(|(trial, _)| trial.index);
        let others = document.trials.iter().filter(|trial| Some(trial.index) != shown);
        let (anomalies, anomalies_left) = tables::anomalies(document, (400.0 * detail).max(20.0) as usize);
        let (possible, possible_left) = tables::possible(document, (100.0 * detail).max(20.0) as usize);
        Self {
            document,
            style: STYLE,
            script: SCRIPT,
            shapes: SHAPES,
            verdict: words::verdict(document.verdict),
            sign: tables::sign(document.verdict.as_str()),
            sentence: svg::prose(&words::sentence(document)),
            clustered: document.trials.iter().flat_map(|trial| &trial.timeline.nodes).any(|lane| !lane.down.is_empty()),
            reasons: words::further_reasons(document).into_iter().map(svg::prose).collect(),
            subtitle: subtitle(document),
            tiles: tiles(document),
            assertions: tables::assertions(document),
            curves: worst.as_ref().map(|(trial, _)| fallback::curves(trial)).unwrap_or_default(),
            first: worst.as_ref().map(|(trial, _)| TrialView::new(trial, &Budget::FULL)),
            why_first: worst.map(|(_, why)| why).unwrap_or_default(),
            others: others.map(|trial| TrialView::new(trial, &budget)).collect(),
            anatomy: anatomy::draw(document),
            any_unjudged: anatomy::outages(document).iter().any(|(trial, _)| trial.status != crate::result::TrialStatus::Conclusive),
            parts: tables::parts(document),
            predictions: tables::predictions(document),
            shards: shards::shards(document),
            anomalies,
            no_anomalies: match facts::locks(document) {
                Some(_) => "None was found: no lock had two holders, none was lost, none was stuck.",
                None if facts::conclusive(document).any(|trial| {
                    trial.workloads.iter().any(|one| {
                        let written = one.set.is_some() || one.counter.is_some() || one.register.is_some();
                        written || one.limiter.is_some() || one.payments.is_some()
                    })
                }) =>
                {
                    "None was found."
                }
                None if facts::conclusive(document).next().is_some() => "None was found. No workload ran that could show one.",
                None => "No trial counts, so nothing can be said.",
            },
            anomalies_left,
            anomalies_total: number::count(facts::anomalies_total(document) as f64),
            possible,
            possible_left,
            possible_total: number::count(facts::possible_total(document) as f64),
            only_possible: words::ONLY_POSSIBLE,
            rare: tables::rare(document),
            intervals: document.metrics.values().any(|metric| metric.median_interval.is_some()),
            percentiles: document.metrics.values().any(|metric| metric.p95.is_some()),
            strips: strips(document),
            by_phase: phase::dependent(document),
            phase_meaning: crate::render::phase::MEANING,
            workloads: tables::workloads(document),
            error_classes: tables::reasons(document),
            metrics: tables::metrics(document),
            environment: environment(document),
            nodes: document.trials.first().map_or(&[], |trial| &trial.nodes),
            experiment: serde_json::to_string_pretty(&document.experiment).unwrap_or_default(),
        }
    }
}

fn subtitle(document: &Document) -> Vec<String> {
    let all = document.trials.len();
    let judged = facts::conclusive(document).count();
    let mut list = vec![number::plural(all as u64, "trial", "trials")];
    if judged < all {
        list.push(format!("{judged} of them conclusive"));
    }
    match facts::repeated(document) {
        0 => {}
        1 => list.push("1 proved nothing and was repeated".to_owned()),
        repeated => list.push(format!("{repeated} proved nothing and were repeated")),
    }
    list.extend(document.precision.as_ref().map(facts::precision_text));
    list.push(document.environment.server.clone());
    list.push(document.environment.runtime.clone());
    list.push(format!("seed {}", document.seed));
    list.push(when(document));
    list.retain(|text| !text.is_empty());
    list
}

/// `2026-03-02 09:15 UTC, took 2 min 08 s`.
fn when(document: &Document) -> String {
    let start = document.started_at.parse::<jiff::Timestamp>();
    let end = document.ended_at.parse::<jiff::Timestamp>();
    let (Ok(start), Ok(end)) = (start, end) else { return document.started_at.clone() };
    let took = number::duration(end.duration_since(start).as_nanos() as f64);
    format!("{} UTC, took {took}", start.strftime("%Y-%m-%d %H:%M"))
}

fn tiles(document: &Document) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let gaps = [
        ("server write gap", facts::WRITE_GAP, "no data node acknowledged a write"),
        ("client gap", facts::CLIENT_GAP, "no client had a write acknowledged"),
        ("library cost", facts::LIBRARY_COST, "client gap minus server gap"),
        ("server read gap", facts::READ_GAP, "the primary answered no read"),
    ];
    for (label, name, meaning) in gaps {
        let Some(metric) = document.metrics.get(name) else { continue };
        let note = format!("{}; {meaning}", facts::spread_text(metric));
        tiles.push(Tile { label, value: number::sample(metric.unit, metric.median), note, tone: tone(document, name) });
    }
    if let Some(split) = document.metrics.get(facts::SPLIT_BRAIN).filter(|split| split.max.value() > 0.0) {
        let lost = document.metrics.get(facts::SPLIT_BRAIN_WRITES).map_or(0.0, |writes| writes.total);
        let note = format!("{}; the wrong one took {} writes of clients", facts::spread_text(split), number::count(lost));
        tiles.push(Tile { label: "two primaries", value: number::sample(split.unit, split.median), note, tone: "bad" });
    }
    if let Some(resets) = document.metrics.get(facts::DATA_RESETS).filter(|resets| resets.total > 0.0) {
        let note = "a primary came back without what it had; replicas copied that".to_owned();
        tiles.push(Tile { label: "data wiped", value: number::count(resets.total), note, tone: "bad" });
    }
    if let Some(sets) = facts::sets(document) {
        let note = format!("of {} acknowledged", number::count(sets.acknowledged as f64));
        tiles.push(Tile { label: "writes lost", value: number::count(sets.lost as f64), note, tone: harm(sets.lost) });
    }
    tiles.extend(felt_tiles(document));
    if let Some(locks) = facts::locks(document) {
        let of = format!("of {} acquired", number::count(locks.acquired as f64));
        let held = match locks.double_acquired {
            0 => of.clone(),
            _ => format!("{of}; both held for {} in all", number::duration(locks.double_held_time as f64)),
        };
        let count = |value: u64| number::count(value as f64);
        tiles.push(Tile { label: "locks held twice", value: count(locks.double_acquired), note: held, tone: harm(locks.double_acquired) });
        tiles.push(Tile {
            label: "locks lost",
            value: count(locks.lost),
            note: "gone before their lease ended".to_owned(),
            tone: harm(locks.lost),
        });
        tiles.push(Tile {
            label: "locks stuck",
            value: count(locks.stuck),
            note: "not acquirable after everything was healed".to_owned(),
            tone: harm(locks.stuck),
        });
        if locks.updates > 0 {
            let note = format!("of {} guarded updates overwrote one unseen", count(locks.updates));
            tiles.push(Tile { label: "updates lost", value: count(locks.lost_updates), note, tone: harm(locks.lost_updates) });
        }
        if locks.fenced_out > 0 || locks.token_regressions > 0 {
            let note = format!(
                "{} of them alone; {} tokens went back or were repeated",
                count(locks.fenced_alone),
                count(locks.token_regressions)
            );
            tiles.push(Tile { label: "holders fenced out", value: count(locks.fenced_out), note, tone: "" });
        }
        if locks.ttl_overrun > 0 {
            let note = "a holder stayed beyond its lease while another had the lock".to_owned();
            tiles.push(Tile { label: "TTL overruns", value: count(locks.ttl_overrun), note, tone: "" });
        }
    }
    tiles
}

/// What users of counters, limiters, payments and caches felt.
fn felt_tiles(document: &Document) -> Vec<Tile> {
    let count = |value: u64| number::count(value as f64);
    let mut tiles = Vec::new();
    if let Some([acknowledged, lost]) = facts::counters(document) {
        let note = format!("of {} acknowledged", count(acknowledged));
        tiles.push(Tile { label: "increments lost", value: count(lost), note, tone: harm(lost) });
    }
    if let Some(limits) = felt::limits(document) {
        let note = format!("of {} admitted; {} of them by Redis itself", count(limits.admitted), count(limits.over_redis));
        tiles.push(Tile { label: "requests beyond limits", value: count(limits.over), note, tone: harm(limits.over) });
    }
    if let Some(payments) = felt::payments(document) {
        let note = format!("payments beyond the first of their job; {} jobs paid", count(payments.paid));
        tiles.push(Tile { label: "charged twice", value: count(payments.twice), note, tone: harm(payments.twice) });
    }
    if let Some(load) = felt::fallback(document) {
        let note = format!("{} at the peak behind {}, {} before", number::rate(load.peak), load.workload, number::rate(load.baseline));
        let tone = tone(document, &format!("{}.db_peak_multiplier", load.workload));
        tiles.push(Tile { label: "database load", value: format!("× {:.1}", load.times()), note, tone });
    }
    tiles
}

/// What should never happen is good where it did not.
fn harm(count: u64) -> &'static str {
    if count == 0 { "good" } else { "bad" }
}

/// Whether the assertions on a metric hold.
fn tone(document: &Document, metric: &str) -> &'static str {
    let words: Vec<_> = document.assertions.iter().filter(|one| one.metric == metric).map(facts::verdict_word).collect();
    match words.as_slice() {
        [] => "",
        words if words.contains(&"fail") => "bad",
        words if words.contains(&"warn") => "warn",
        words if words.iter().all(|word| *word == "pass") => "good",
        _ => "",
    }
}

/// Every time metric with two values or more that are not all zero; the gaps first, then their parts, then the others.
fn strips(document: &Document) -> Vec<Strip> {
    let place = |name: &str| {
        let gaps = [facts::WRITE_GAP, facts::CLIENT_GAP, facts::LIBRARY_COST, facts::READ_GAP];
        let part = || name.strip_prefix("failover.").and_then(|part| facts::PARTS.iter().position(|one| *one == part));
        gaps.iter().position(|gap| *gap == name).or_else(|| part().map(|at| at + gaps.len())).unwrap_or(usize::MAX)
    };
    let told = |name: &str| !by_shard::is_told_there(name);
    let varied = |metric: &MetricSummary| metric.unit == MetricUnit::Ns && metric.samples.len() > 1 && metric.max.value() != 0.0;
    let mut times: Vec<_> = document.metrics.iter().filter(|(name, metric)| varied(metric) && told(name)).collect();
    times.sort_by_key(|(name, _)| place(name));
    times
        .into_iter()
        .enumerate()
        .map(|(index, (name, metric))| {
            let show = |sample| number::sample(metric.unit, sample);
            let limits: Vec<_> = document.assertions.iter().filter(|one| one.metric == *name).map(|one| one.expect.as_str()).collect();
            Strip {
                name: name.clone(),
                svg: strip::draw(document, index, name, metric),
                median: show(metric.median),
                interval: facts::interval_text(metric).unwrap_or_default(),
                p95: metric.p95.map_or_else(String::new, show),
                range: facts::range_text(metric),
                limit: limits.join(", "),
            }
        })
        .collect()
}

fn environment(document: &Document) -> Vec<(&'static str, String)> {
    let environment = &document.environment;
    let mut list = vec![
        ("server", environment.server.clone()),
        ("where it came from", environment.server_source.clone()),
        ("runtime", environment.runtime.clone()),
        ("kernel", format!("{} {}", environment.kernel, environment.arch).trim().to_owned()),
    ];
    if environment.cpus > 0 {
        list.push(("machine", format!("{} processors, {} memory", environment.cpus, number::bytes(environment.memory))));
    }
    list.extend([
        ("tool", format!("{} {}", document.tool.name, document.tool.version)),
        ("experiment file", document.source.path.clone()),
        ("its SHA-256", document.source.sha256.clone()),
        ("seed", document.seed.to_string()),
        ("began", document.started_at.clone()),
        ("ended", document.ended_at.clone()),
        ("exit code", document.exit_code.to_string()),
    ]);
    list.retain(|(_, value)| !value.is_empty());
    list
}
