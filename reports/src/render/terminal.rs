//! The short table at the end of a run.

use std::fmt::Write;

use redquake_experiments::shown;

use super::anomalies::{self, Of};
use super::{by_shard, facts, number, phase, projection, words};
use crate::result::Document;

/// Most shards of a Cluster that are told of; the report has all.
const MOST_SHARDS: usize = 6;

/// How the table is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Whether ANSI colours are used.
    pub color: bool,
    /// Where the reports lie, shown on the last line.
    pub folder: Option<&'a str>,
}

/// The document as a few lines of plain text.
pub fn render(document: &Document, options: &Options) -> String {
    let mut text = String::new();
    let paint = Paint(options.color);
    let verdict = paint.verdict(words::tone(document), words::verdict(document.verdict));
    let _ = writeln!(text, "{verdict}  {}  {}", plain(&facts::title(document)), trials(document));
    for line in wrap(&plain(&words::sentence(document)), 96) {
        let _ = writeln!(text, "  {line}");
    }
    for warning in words::warnings(document) {
        for (line, mark) in wrap(&plain(&warning), 94).iter().zip(std::iter::once("!").chain(std::iter::repeat(" "))) {
            let _ = writeln!(text, "  {} {line}", paint.verdict("warn", mark));
        }
    }
    for reason in words::further_reasons(document).iter().take(5) {
        // The end of a server's log keeps its lines.
        for (index, line) in reason.lines().filter(|line| !line.trim().is_empty()).take(15).enumerate() {
            let _ = writeln!(text, "  {} {}", if index == 0 { "-" } else { " " }, plain(line));
        }
    }
    if let Some(precision) = &document.precision {
        let _ = writeln!(text, "  {}", plain(&facts::precision_text(precision)));
    }
    repeats(&mut text, document);
    gaps(&mut text, document, paint);
    phases(&mut text, document);
    assertions(&mut text, document, paint);
    anomalies(&mut text, document);
    for projection in projection::sentences(document) {
        text.push('\n');
        for line in wrap(&plain(&projection), 96) {
            let _ = writeln!(text, "  {line}");
        }
    }
    for left in &document.residue {
        let _ = writeln!(text, "\n  {} left behind: {} (run `redquake clean`)", paint.verdict("error", "!"), plain(left));
    }
    text.push('\n');
    if let Some(folder) = options.folder {
        let _ = writeln!(text, "  report  {}/report.html", plain(folder.trim_end_matches('/')));
    }
    let _ = writeln!(text, "  repeat  {}", plain(&document.repro));
    printed(text, options)
}

fn trials(document: &Document) -> String {
    format!("({}, seed {})", facts::trials(document), document.seed)
}

fn repeats(text: &mut String, document: &Document) {
    const SHOWN: usize = 5;
    let again: Vec<_> = document.trials.iter().filter_map(|trial| Some((trial.index, trial.repeats?))).collect();
    for (index, of) in again.iter().take(SHOWN) {
        let why = document.trials.iter().find(|trial| trial.index == *of).and_then(|trial| trial.reasons.first());
        let why = why.map_or_else(String::new, |why| format!(": {}", plain(why.lines().next().unwrap_or_default())));
        for (line, mark) in wrap(&format!("trial {index} repeats trial {of}, which proved nothing{why}"), 94)
            .iter()
            .zip(std::iter::once("-").chain(std::iter::repeat(" ")))
        {
            let _ = writeln!(text, "  {mark} {line}");
        }
    }
    if again.len() > SHOWN {
        let _ = writeln!(text, "  - {} more trials repeat another", again.len() - SHOWN);
    }
}

fn gaps(text: &mut String, document: &Document, paint: Paint) {
    let parts = facts::parts(document);
    let mut rows: Vec<[String; 3]> = Vec::new();
    for (name, label) in [(facts::WRITE_GAP, "write gap"), (facts::CLIENT_GAP, "client gap"), (facts::LIBRARY_COST, "library cost")] {
        let Some(metric) = document.metrics.get(name) else { continue };
        let predicted = document.predictions.get(name).map_or_else(String::new, |prediction| {
            format!(", predicted {} to {}", number::duration(prediction.low as f64), number::duration(prediction.high as f64))
        });
        rows.push([label.to_owned(), number::sample(metric.unit, metric.median), format!("{}{predicted}", facts::spread_text(metric))]);
        let own = parts.iter().filter(|part| match name {
            facts::WRITE_GAP => facts::is_server_part(&part.name),
            facts::LIBRARY_COST => !facts::is_server_part(&part.name),
            _ => false,
        });
        for part in own {
            rows.push([format!("  {}", plain(&part.name)), part.median(), part.range()]);
        }
    }
    let down = by_shard::down(document);
    for one in down.iter().take(MOST_SHARDS) {
        rows.push([
            format!("shard {}", one.shard),
            number::sample(one.write.unit, one.write.median),
            format!("write gap, {}", one.words()),
        ]);
    }
    if down.len() > MOST_SHARDS {
        rows.push([format!("and {} more", down.len() - MOST_SHARDS), String::new(), "shards that were down, in the report".to_owned()]);
    }
    // What did not happen tells something only together with how often it could have.
    let rare: Vec<_> = facts::rare(document).filter(|(name, _, rare)| rare.trials > 0 || name.ends_with(".double_acquired")).collect();
    let workload = |name: &str| name.split_once('.').map(|(workload, _)| workload.to_owned());
    let alone = rare.iter().all(|(name, ..)| workload(name) == rare.first().and_then(|(name, ..)| workload(name)));
    for (name, metric, rare) in rare {
        let label = name.split_once('.').filter(|_| alone).map_or_else(|| name.to_owned(), |(_, metric)| metric.replace('_', "-"));
        rows.push([plain(&label), number::count(metric.total), facts::rare_text(metric, rare)]);
    }
    if rows.is_empty() {
        return;
    }
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (wide(0), wide(1));
    text.push('\n');
    for [label, value, rest] in &rows {
        let rest = if rest.is_empty() { String::new() } else { format!("  {}", paint.dim(rest)) };
        let _ = writeln!(text, "  {label:first$}  {value:>second$}{rest}");
    }
}

/// Figures that depend on the phase, those of gaps first.
fn phases(text: &mut String, document: &Document) {
    const SHOWN: usize = 4;
    let mut told = phase::told(&document.metrics);
    if told.is_empty() {
        return;
    }
    told.sort_by_key(|line| !line.starts_with("failover."));
    text.push('\n');
    for line in told.iter().take(SHOWN).flat_map(|line| wrap(&plain(line), 96)) {
        let _ = writeln!(text, "  {line}");
    }
    if told.len() > SHOWN {
        let more = number::plural((told.len() - SHOWN) as u64, "more figure depends", "more figures depend");
        let _ = writeln!(text, "  {more} on it, in the report");
    }
}

fn assertions(text: &mut String, document: &Document, paint: Paint) {
    if document.assertions.is_empty() {
        return;
    }
    let rows: Vec<[String; 3]> = document
        .assertions
        .iter()
        .map(|assertion| {
            let margin = assertion.margin.map_or_else(String::new, |_| format!(", {}", facts::margin(document, assertion)));
            let vacuous = if assertion.vacuous.is_some() { ", vacuous" } else { "" };
            let actual = format!("{}{margin}{vacuous}", facts::actual(document, assertion));
            [facts::verdict_word(assertion).to_owned(), format!("{} {}", assertion.metric, assertion.expect), plain(&actual)]
        })
        .collect();
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (wide(0), wide(1));
    text.push('\n');
    for [verdict, name, actual] in &rows {
        let _ = writeln!(text, "  {}  {:second$}  {actual}", paint.verdict(verdict, &format!("{verdict:first$}")), plain(name));
    }
}

fn anomalies(text: &mut String, document: &Document) {
    certain(text, document);
    let apart = anomalies::apart(document);
    for (index, line) in wrap(&plain(&apart), 94).iter().filter(|line| !line.is_empty()).enumerate() {
        let _ = writeln!(text, "{}{line}", if index == 0 { "\n  " } else { "  " });
    }
    let possible = anomalies::possible_total(document, Of::Judged);
    if possible > 0 {
        let requests = number::plural(possible, "lock request", "lock requests");
        let _ = writeln!(text, "\n  {requests} got no reply: a double hold is possible, and not proved; not counted above");
    }
}

fn certain(text: &mut String, document: &Document) {
    const KINDS: usize = 8;
    let rows = anomalies::rows(document, Of::Judged);
    if rows.is_empty() {
        return;
    }
    let total = number::plural(anomalies::total(document, Of::Judged), "anomaly", "anomalies");
    let files = anomalies::files(document);
    let all = files.first().map_or_else(String::new, |(_, first)| match files.len() {
        1 => format!("; all in {}", plain(first)),
        more => format!("; all in {} and {}", plain(first), number::plural(more as u64 - 1, "more file", "more files")),
    });
    let _ = writeln!(text, "\n  {total}{all}");
    for row in rows.iter().take(KINDS) {
        let nodes = if row.nodes.is_empty() { String::new() } else { format!(" ({})", row.nodes) };
        let _ = writeln!(text, "    {} in {}, {}{}", row.words(), plain(&row.workload), row.when(), plain(&nodes));
    }
    if rows.len() > KINDS {
        let _ = writeln!(text, "    and {} more kinds, in the report", rows.len() - KINDS);
    }
    if let Some((trial, worst)) = anomalies::sample(document, Of::Judged, 1).first() {
        let line = format!("trial {}, {}: {}", trial.index, number::instant(worst.from, trial.zero), plain(&worst.text));
        for line in wrap(&line, 94) {
            let _ = writeln!(text, "    {line}");
        }
    }
}

/// The whole text once more: what its pieces were put together to must not be a command either. Colours are the tool's own.
pub(in crate::render) fn printed(text: String, options: &Options<'_>) -> String {
    if options.color { shown::painted(&text) } else { shown::lines(&text).into_owned() }
}

/// Foreign text in a line: what a terminal or a CI system would obey never reaches it.
pub(super) fn plain(text: &str) -> String {
    shown::line(text).into_owned()
}

pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[derive(Clone, Copy)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    pub(super) fn verdict(self, verdict: &str, text: &str) -> String {
        let code = match verdict {
            "pass" => "1;32",
            "fail" | "error" => "1;31",
            _ => "1;33",
        };
        self.with(code, text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
