//! The whole page: what the template is filled with.

use askama::Template;

use super::anomaly_rows::{self, Anomalies, AnomalyRow};
use super::fallback::{self, Curve};
use super::phase::{self, ByPhase};
use super::shards::{self, Shards};
use super::svg::Html;
use super::tables::{self, AssertionRow, MetricRow, PartRow, PredictionRow, RareRow, ReasonRow, WorkloadRow};
use super::tiles::{self, Tile};
use super::trials::{self, Budget, TrialView};
use super::{anatomy, strip, svg};
use crate::render::anomalies::{self, Of};
use crate::render::{by_shard, facts, number, words};
use crate::result::{Document, MetricSummary, MetricUnit, NodeInfo};

const STYLE: &str = include_str!("../../../templates/report.css");
const SCRIPT: &str = include_str!("../../../templates/report.js");
const SHAPES: &str = include_str!("../../../templates/shapes.svg");

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
    /// How the verdict is coloured.
    tone: &'static str,
    warnings: Vec<Html>,
    /// Anomalies of trials that count, and of those that do not.
    anomalies: Anomalies,
    unjudged: Anomalies,
    no_anomalies: &'static str,
    /// Whether all anomalies are in files beside the histories.
    filed: bool,
    possible: Vec<AnomalyRow>,
    possible_shown: String,
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
        let mut others: Vec<_> = document.trials.iter().filter(|trial| Some(trial.index) != shown).collect();
        others.sort_by_key(|trial| trial.status != crate::result::TrialStatus::Conclusive);
        let (possible, possible_shown) = anomaly_rows::possible(document, (100.0 * detail).max(20.0) as usize);
        Self {
            document,
            style: STYLE,
            script: SCRIPT,
            shapes: SHAPES,
            verdict: words::verdict(document.verdict),
            sign: tables::sign(words::tone(document)),
            sentence: svg::prose(&words::sentence(document)),
            clustered: document.trials.iter().flat_map(|trial| &trial.timeline.nodes).any(|lane| !lane.down.is_empty()),
            reasons: words::further_reasons(document).into_iter().map(svg::prose).collect(),
            subtitle: subtitle(document),
            tiles: tiles::tiles(document),
            assertions: tables::assertions(document),
            curves: worst.as_ref().map(|(trial, _)| fallback::curves(trial)).unwrap_or_default(),
            first: worst.as_ref().map(|(trial, _)| TrialView::new(trial, &Budget::FULL)),
            why_first: worst.map(|(_, why)| why).unwrap_or_default(),
            others: others.into_iter().map(|trial| TrialView::new(trial, &budget)).collect(),
            anatomy: anatomy::draw(document),
            any_unjudged: anatomy::outages(document).iter().any(|(trial, _)| trial.status != crate::result::TrialStatus::Conclusive),
            parts: tables::parts(document),
            predictions: tables::predictions(document),
            shards: shards::shards(document),
            tone: words::tone(document),
            warnings: words::warnings(document).iter().map(|warning| svg::prose(warning)).collect(),
            anomalies: anomaly_rows::anomalies(document, Of::Judged, (200.0 * detail).max(20.0) as usize),
            unjudged: anomaly_rows::anomalies(document, Of::NotJudged, 20),
            filed: !anomalies::files(document).is_empty(),
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
            possible,
            possible_shown,
            possible_total: number::count(anomalies::possible_total(document, Of::Judged) as f64),
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
    if !document.not_begun.is_empty() {
        list.push(format!("{} more planned and not begun", document.not_begun.len()));
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
