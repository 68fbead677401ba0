//! Every metric in two formats: `metrics.txt` is OpenMetrics, for GitLab's metrics report; `metrics.prom` is the text format of Prometheus, which
//! node_exporter, Pushgateway and `promtool` read. They differ in the types that a family may have, and in their last line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use redquake_experiments::shown;

use super::{facts, projection};
use crate::result::{AssertionResult, Document, MetricSummary, MetricUnit, Sample, Verdict};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus, 0.0.4.
    Prometheus,
}

/// Lines in a format.
pub(super) struct Lines {
    format: Format,
    pub(super) text: String,
}

/// The document's metrics as OpenMetrics 1.0.
///
/// Every metric becomes one gauge family with a sample per statistic (`stat="min|median|max"`, `total` for counts, `p95` and
/// the ends `median_low95`, `median_high95` of the median's 95 % interval where there are enough trials). Times are in seconds. A lower bound carries `bound="at_least"`.
pub fn render(document: &Document) -> String {
    formatted(document, Format::OpenMetrics)
}

/// The same in the text format of Prometheus, 0.0.4.
pub fn prometheus(document: &Document) -> String {
    formatted(document, Format::Prometheus)
}

fn formatted(document: &Document, format: Format) -> String {
    let mut text = Lines::new(format);
    let cell = document.cell.as_ref().map(|cell| format!(",{}", label("cell", cell))).unwrap_or_default();
    let run = format!("{}{cell}", label("experiment", &document.name));
    family(&mut text, "redquake_run", "info", "", "What was run.");
    let info = [
        run.clone(),
        label("version", &document.tool.version),
        label("seed", &document.seed.to_string()),
        label("server", &document.environment.server),
        label("runtime", &document.environment.runtime),
    ];
    line(&mut text, "redquake_run_info", &info.join(","), 1.0);

    family(&mut text, "redquake_verdict", "stateset", "", "Verdict of the run.");
    for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::Error] {
        let labels = format!("{run},{}", label("redquake_verdict", verdict.as_str()));
        line(&mut text, "redquake_verdict", &labels, f64::from(u8::from(verdict == document.verdict)));
    }

    family(&mut text, "redquake_trials", "gauge", "", "Trials executed and trials that count.");
    line(&mut text, "redquake_trials", &format!("{run},kind=\"all\""), document.trials.len() as f64);
    line(&mut text, "redquake_trials", &format!("{run},kind=\"conclusive\""), facts::conclusive(document).count() as f64);

    let projections = projection::sentences(document);
    if !projections.is_empty() {
        family(&mut text, "redquake_projection", "info", "", "What was extrapolated and not measured, and what it assumes.");
    }
    for projection in projections {
        line(&mut text, "redquake_projection_info", &format!("{run},{}", label("text", &projection)), 1.0);
    }

    // Names that differ only in characters a metric name may not have share a family; their label tells them apart.
    let mut families: BTreeMap<String, Vec<(&str, &MetricSummary)>> = BTreeMap::new();
    for (name, metric) in &document.metrics {
        families.entry(family_name(name, metric.unit)).or_default().push((name, metric));
    }
    for (family, metrics) in &families {
        metric_family(&mut text, &run, family, metrics);
    }
    rare_lines(&mut text, document.metrics.iter().map(|(name, metric)| (run.as_str(), name.as_str(), metric)));
    assertion_lines(&mut text, document.assertions.iter().map(|one| (run.as_str(), one)));
    text.end()
}

/// Every assertion: its limit, its result, and whether it could have failed.
pub(super) fn assertion_lines<'a>(text: &mut Lines, assertions: impl Iterator<Item = (&'a str, &'a AssertionResult)> + Clone) {
    if assertions.clone().next().is_some() {
        family(text, "redquake_assertion_holds", "gauge", "", "Whether an assertion holds: 1, or 0 where it fails or is not decided.");
    }
    // Of two that are written alike one line is enough.
    let mut written = BTreeSet::new();
    for (run, one) in assertions {
        let vacuous = if one.vacuous.is_some() { "true" } else { "false" };
        let labels = [
            run.to_owned(),
            label("metric", &one.metric),
            label("expect", &one.expect),
            label("verdict", facts::verdict_word(one)),
            label("vacuous", vacuous),
        ];
        let labels = labels.join(",");
        if written.insert(labels.clone()) {
            line(text, "redquake_assertion_holds", &labels, f64::from(u8::from(one.verdict == Verdict::Pass)));
        }
    }
}

impl Lines {
    pub(super) fn new(format: Format) -> Self {
        Self { format, text: String::new() }
    }

    /// The whole text.
    pub(super) fn end(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        shown::lines(&self.text).into_owned()
    }
}

/// The family of what should never happen, for these labels, names and metrics.
pub(super) fn rare_lines<'m>(text: &mut Lines, metrics: impl Iterator<Item = (&'m str, &'m str, &'m MetricSummary)>) {
    let rare: Vec<_> = metrics.filter_map(|(labels, name, metric)| Some((labels, name, metric, metric.rare.as_ref()?))).collect();
    if !rare.is_empty() {
        let help = "Share of trials in which something happened that should not, and its 95 % bounds.";
        family(text, "redquake_rare_event_ratio", "gauge", "ratio", help);
    }
    for (labels, name, metric, rare) in rare {
        let seen = f64::from(rare.trials) / metric.samples.len().max(1) as f64;
        for (stat, value) in [("seen", seen), ("low95", rare.share.low), ("high95", rare.share.high)] {
            line(text, "redquake_rare_event_ratio", &format!("{labels},{},stat=\"{stat}\"", label("metric", name)), value);
        }
    }
}

/// Name and scale of the unit of a metric's samples.
fn unit_of(unit: MetricUnit) -> (&'static str, f64) {
    match unit {
        MetricUnit::Ns => ("seconds", 1e9),
        MetricUnit::Share => ("ratio", 1.0),
        MetricUnit::Count | MetricUnit::Rate => ("", 1.0),
    }
}

pub(super) fn family_name(name: &str, unit: MetricUnit) -> String {
    let (unit, _) = unit_of(unit);
    let separator = if unit.is_empty() { "" } else { "_" };
    let name = format!("redquake_{}{separator}{unit}", identifier(name));
    // Endings that both formats keep for the parts of other types.
    let kept = ["_count", "_sum", "_total", "_bucket", "_created", "_info"].iter().any(|ending| name.ends_with(ending));
    if kept { format!("{name}_value") } else { name }
}

fn metric_family(text: &mut Lines, run: &str, name: &str, metrics: &[(&str, &MetricSummary)]) {
    if let Some((_, first)) = metrics.first() {
        header(text, name, first);
    }
    for (metric_name, metric) in metrics {
        lines(text, run, name, metric_name, metric);
    }
}

/// The head of a metric's family.
pub(super) fn header(text: &mut Lines, name: &str, metric: &MetricSummary) {
    family(text, name, "gauge", unit_of(metric.unit).0, &metric.meaning);
}

/// The lines of one metric in its family.
pub(super) fn lines(text: &mut Lines, run: &str, name: &str, metric_name: &str, metric: &MetricSummary) {
    let (_, scale) = unit_of(metric.unit);
    let metric_name = label("metric", metric_name);
    for (stat, sample) in [("min", metric.min), ("median", metric.median), ("max", metric.max)] {
        let bound = if let Sample::AtLeast(_) = sample { ",bound=\"at_least\"" } else { "" };
        line(text, name, &format!("{run},{metric_name},stat=\"{stat}\"{bound}"), sample.value() / scale);
    }
    if let Some(p95) = metric.p95 {
        let bound = if let Sample::AtLeast(_) = p95 { ",bound=\"at_least\"" } else { "" };
        line(text, name, &format!("{run},{metric_name},stat=\"p95\"{bound}"), p95.value() / scale);
    }
    if let Some(sure) = metric.median_interval {
        for (stat, value) in [("median_low95", sure.low), ("median_high95", sure.high)] {
            line(text, name, &format!("{run},{metric_name},stat=\"{stat}\""), value / scale);
        }
    }
    if metric.unit == MetricUnit::Count {
        line(text, name, &format!("{run},{metric_name},stat=\"total\""), metric.total);
    }
}

/// The head of a family. An `info` or `stateset` of OpenMetrics is a gauge of Prometheus, an `info` under the name its lines have.
pub(super) fn family(text: &mut Lines, name: &str, kind: &str, unit: &str, help: &str) {
    let plain = text.format == Format::Prometheus;
    let suffix = if plain && kind == "info" { "_info" } else { "" };
    let shown = if plain { "gauge" } else { kind };
    let _ = writeln!(text.text, "# TYPE {name}{suffix} {shown}");
    if !unit.is_empty() && !plain {
        let _ = writeln!(text.text, "# UNIT {name} {unit}");
    }
    let help = if plain { escape_help(help) } else { escape(help) };
    let _ = writeln!(text.text, "# HELP {name}{suffix} {help}");
}

pub(super) fn line(text: &mut Lines, name: &str, labels: &str, value: f64) {
    let _ = writeln!(text.text, "{name}{{{labels}}} {value}");
}

pub(super) fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", escape(&shown::lines(value)))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// In help of Prometheus a quotation mark is itself.
fn escape_help(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// Letters, digits and `_`: all a metric name may consist of.
fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
