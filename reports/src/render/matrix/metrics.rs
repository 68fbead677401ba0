//! `metrics.txt` and `metrics.prom` of a matrix: every family once, every line with the label `cell`.

use std::collections::BTreeMap;

use crate::render::metrics::{Format, Lines, assertion_lines, family, family_name, header, label, line, lines, rare_lines};
use crate::result::{MatrixDocument, MetricSummary, Verdict};

/// The cells' metrics as OpenMetrics 1.0.
pub fn render(document: &MatrixDocument) -> String {
    formatted(document, Format::OpenMetrics)
}

/// The same in the text format of Prometheus, 0.0.4.
pub fn prometheus(document: &MatrixDocument) -> String {
    formatted(document, Format::Prometheus)
}

fn formatted(document: &MatrixDocument, format: Format) -> String {
    let mut text = Lines::new(format);
    let experiment = label("experiment", &document.name);
    let of: Vec<String> = document.cells.iter().map(|cell| format!("{experiment},{}", label("cell", &cell.label))).collect();
    family(&mut text, "redquake_run", "info", "", "What was run.");
    for (cell, labels) in document.cells.iter().zip(&of) {
        let info = [
            labels.clone(),
            label("version", &document.tool.version),
            label("seed", &document.seed.to_string()),
            label("server", &cell.server),
            label("runtime", &document.runtime),
        ];
        line(&mut text, "redquake_run_info", &info.join(","), 1.0);
    }
    family(&mut text, "redquake_verdict", "stateset", "", "Verdict of the cell.");
    for (cell, labels) in document.cells.iter().zip(&of) {
        for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::Error] {
            let labels = format!("{labels},{}", label("redquake_verdict", verdict.as_str()));
            line(&mut text, "redquake_verdict", &labels, f64::from(u8::from(verdict == cell.verdict)));
        }
    }
    family(&mut text, "redquake_trials", "gauge", "", "Trials executed and trials that count.");
    for (cell, labels) in document.cells.iter().zip(&of) {
        line(&mut text, "redquake_trials", &format!("{labels},kind=\"all\""), f64::from(cell.trials));
        line(&mut text, "redquake_trials", &format!("{labels},kind=\"conclusive\""), f64::from(cell.conclusive));
    }
    let mut families: BTreeMap<String, Vec<(&str, &str, &MetricSummary)>> = BTreeMap::new();
    for (cell, labels) in document.cells.iter().zip(&of) {
        for (name, metric) in &cell.metrics {
            families.entry(family_name(name, metric.unit)).or_default().push((labels, name, metric));
        }
    }
    for (name, members) in &families {
        if let Some((.., first)) = members.first() {
            header(&mut text, name, first);
        }
        members.iter().for_each(|(labels, metric_name, metric)| lines(&mut text, labels, name, metric_name, metric));
    }
    let told = document
        .cells
        .iter()
        .zip(&of)
        .flat_map(|(cell, labels)| cell.metrics.iter().map(move |(name, metric)| (labels.as_str(), name.as_str(), metric)));
    rare_lines(&mut text, told);
    let judged = document.cells.iter().zip(&of).flat_map(|(cell, labels)| cell.assertions.iter().map(move |one| (labels.as_str(), one)));
    assertion_lines(&mut text, judged);
    text.end()
}
