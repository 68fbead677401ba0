//! `summary.md`: for a step summary or a pull-request comment. At most 60 KB, so that it fits both.

use std::fmt::Write;

use redquake_experiments::shown;

use super::anomalies::{self, Of};
use super::{by_shard, facts, number, phase, projection, words};
use crate::result::{Document, TrialStatus};

/// Largest size of a summary in bytes; GitHub cuts a comment at 64 KB.
pub const MAX_BYTES: usize = 60_000;

/// The document as GitHub-flavoured Markdown.
pub fn render(document: &Document) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "## {} {}: {}\n",
        mark(words::tone(document)),
        words::verdict(document.verdict),
        inline(&clip(&facts::title(document), 300))
    );
    let _ = writeln!(text, "{}\n", inline(&clip(&words::sentence(document), 2_000)));
    for warning in words::warnings(document) {
        let _ = writeln!(text, "⚠️ {}\n", inline(&clip(&warning, 2_000)));
    }
    if let Some(precision) = &document.precision {
        let _ = writeln!(text, "{}\n", inline(&facts::precision_text(precision)));
    }
    reasons(&mut text, document);
    assertions(&mut text, document);
    for projection in projection::sentences(document) {
        let _ = writeln!(text, "\n{}", inline(&clip(&projection, 2_000)));
    }
    let mut tail = String::new();
    let _ = writeln!(tail, "\nRepeat with\n\n{}", fenced("sh", &clip(&document.repro, 4_000)));
    let _ = writeln!(tail, "{}", footer(document));

    for section in [parts(document), shards(document), rare(document), spread(document), phases(document), trials(document)] {
        if text.len() + section.len() + tail.len() < MAX_BYTES {
            text.push_str(&section);
        }
    }
    let room = MAX_BYTES.saturating_sub(text.len() + tail.len());
    text.push_str(&anomalies(document, room));
    let possible = possible(document);
    if text.len() + possible.len() + tail.len() < MAX_BYTES {
        text.push_str(&possible);
    }
    text.push_str(&tail);
    shown::lines(&text).into_owned()
}

fn reasons(text: &mut String, document: &Document) {
    let mut lines: Vec<String> = words::further_reasons(document).iter().map(|reason| inline(&clip(reason, 500))).collect();
    lines.extend(document.residue.iter().map(|left| format!("left behind: {}", code(&clip(left, 300)))));
    const SHOWN: usize = 20;
    for line in lines.iter().take(SHOWN) {
        let _ = writeln!(text, "- {line}");
    }
    if lines.len() > SHOWN {
        let _ = writeln!(text, "- and {} more", lines.len() - SHOWN);
    }
    if !lines.is_empty() {
        text.push('\n');
    }
}

fn assertions(text: &mut String, document: &Document) {
    if document.assertions.is_empty() {
        text.push_str("No assertion was made.\n");
        return;
    }
    text.push_str("| | Assertion | Limit | Actual | Margin | Where |\n|---|---|---|---|---|---|\n");
    const SHOWN: usize = 100;
    for assertion in document.assertions.iter().take(SHOWN) {
        let word = facts::verdict_word(assertion);
        let place = assertion.location.as_ref().map_or_else(String::new, |at| code(&format!("{}:{}", clip(&at.file, 300), at.line)));
        let _ = writeln!(
            text,
            "| {} {word} | {} | {} | {} | {} | {place} |",
            mark(word),
            code(&clip(&assertion.metric, 200)),
            code(&clip(&assertion.expect, 200)),
            inline(&clip(
                &format!("{}{}", facts::actual(document, assertion), if assertion.vacuous.is_some() { ", vacuous" } else { "" }),
                200
            )),
            facts::margin(document, assertion),
        );
    }
    if document.assertions.len() > SHOWN {
        let _ = writeln!(text, "\n{} more assertions are in the report.", document.assertions.len() - SHOWN);
    }
}

fn parts(document: &Document) -> String {
    let parts = facts::parts(document);
    if parts.is_empty() {
        return String::new();
    }
    let mut text = "\n<details><summary>Where the time went</summary>\n\n| Part of the gap | Median | Range |\n|---|--:|---|\n".to_owned();
    let mut rows = |server: bool| {
        for part in parts.iter().filter(|part| facts::is_server_part(&part.name) == server) {
            let _ = writeln!(text, "| {} | {} | {} |", inline(&part.name), part.median(), part.range());
        }
        let sums: &[(&str, &str)] = match server {
            true => &[(facts::WRITE_GAP, "server write gap")],
            false => &[(facts::CLIENT_GAP, "client gap"), (facts::LIBRARY_COST, "library cost")],
        };
        for (name, label) in sums {
            if let Some(metric) = document.metrics.get(*name) {
                let show = |sample| number::sample(metric.unit, sample);
                let _ = writeln!(text, "| **{label}** | **{}** | {} |", show(metric.median), facts::range_text(metric));
            }
        }
    };
    rows(true);
    rows(false);
    if !document.predictions.is_empty() {
        text.push_str("\n| Predicted from the configuration | Range | Formula |\n|---|---|---|\n");
    }
    for (name, prediction) in &document.predictions {
        let range = format!("{} to {}", number::duration(prediction.low as f64), number::duration(prediction.high as f64));
        let _ = writeln!(text, "| {} | {range} | {} |", code(name), inline(&prediction.formula));
    }
    text.push_str("\n</details>\n");
    text
}

/// What should never happen, and how sure that is.
fn rare(document: &Document) -> String {
    let mut text = String::new();
    for (name, metric, rare) in facts::rare(document) {
        if text.is_empty() {
            text.push_str("\n| What should never happen | Count | Per trial | Trials |\n|---|--:|--:|---|\n");
        }
        let (count, per_trial) = (number::count(metric.total), number::count(rare.per_trial));
        let _ = writeln!(text, "| {} | {count} | {per_trial} | {} |", code(name), facts::rare_text(metric, rare));
    }
    text
}

/// What each shard of a Cluster felt.
fn shards(document: &Document) -> String {
    let Some(all) = by_shard::by_shard(document) else { return String::new() };
    let heads: Vec<String> = all.shards.iter().map(|shard| format!(" Shard {shard} |")).collect();
    let mut text = format!(
        "\n<details><summary>What each shard felt</summary>\n\n| Median, or sum of a count | All shards |{}\n|---|--:|{}\n",
        heads.concat(),
        "--:|".repeat(heads.len())
    );
    for row in all.rows.iter().filter(|row| row.happened()) {
        let each: Vec<String> = row.each.iter().map(|metric| format!(" {} |", by_shard::figure(*metric))).collect();
        let _ = writeln!(text, "| {} | {} |{}", code(row.name), by_shard::figure(row.whole), each.concat());
    }
    text.push_str("\n</details>\n");
    text
}

/// Metrics of which there are enough values to say more than their range.
fn spread(document: &Document) -> String {
    let mut rows = String::new();
    for (name, metric) in
        document.metrics.iter().filter(|(name, metric)| !by_shard::is_told_there(name) && metric.rare.is_none() && metric.min != metric.max)
    {
        let Some(sure) = facts::interval_text(metric) else { continue };
        let show = |sample| number::sample(metric.unit, sample);
        let p95 = metric.p95.map_or_else(|| "–".to_owned(), show);
        let (median, range) = (show(metric.median), facts::range_text(metric));
        let _ = writeln!(rows, "| {} | {} | {median} | {sure} | {p95} | {range} |", code(name), metric.samples.len());
    }
    if rows.is_empty() {
        return rows;
    }
    let head = "| Metric | Trials | Median | Median at 95 % | p95 | Range |\n|---|--:|--:|---|--:|---|\n";
    format!("\n<details><summary>Spread over the trials</summary>\n\n{head}{rows}\n</details>\n")
}

/// Figures that depend on the phase of the servers' timers.
fn phases(document: &Document) -> String {
    let told: Vec<String> = phase::told(&document.metrics).iter().map(|line| format!("- {}\n", inline(line))).collect();
    if told.is_empty() {
        return String::new();
    }
    format!("\nThe phase is {}.\n\n{}", phase::MEANING, told.concat())
}

fn trials(document: &Document) -> String {
    let odd: Vec<_> = document.trials.iter().filter(|trial| trial.status != TrialStatus::Conclusive).collect();
    if odd.is_empty() {
        return String::new();
    }
    let mut text = format!("\n<details><summary>{} not judged</summary>\n\n", number::plural(odd.len() as u64, "trial", "trials"));
    for trial in odd {
        let reasons: Vec<_> = trial.reasons.iter().map(String::as_str).collect();
        let again = document.trials.iter().find(|other| other.repeats == Some(trial.index));
        let again = again.map_or_else(String::new, |again| format!(" (repeated as trial {})", again.index));
        let _ = writeln!(text, "- trial {}{again}: {}", trial.index, inline(&clip(&reasons.join("; "), 1_000)));
    }
    text.push_str("\n</details>\n");
    text
}

/// A row for each kind of anomaly with its true total, then some of them.
fn anomalies(document: &Document, room: usize) -> String {
    const SHOWN: usize = 20;
    const KINDS: usize = 50;
    let rows = anomalies::rows(document, Of::Judged);
    let mut text = String::new();
    if !rows.is_empty() {
        text.push_str("\n| Anomaly | Workload | Number | Trials | When | Acknowledged by |\n|---|---|--:|--:|---|---|\n");
    }
    for row in rows.iter().take(KINDS) {
        let (total, nodes) = (number::count(row.total as f64), inline(&clip(&row.nodes, 200)));
        let line =
            [facts::anomaly_name(row.kind).to_owned(), inline(&clip(&row.workload, 200)), total, row.trials.to_string(), row.when(), nodes];
        let _ = writeln!(text, "| {} |", line.join(" | "));
    }
    if rows.len() > KINDS {
        let _ = writeln!(text, "\n{} more kinds are in `report.html`.", rows.len() - KINDS);
    }
    let apart = anomalies::apart(document);
    if !apart.is_empty() {
        let _ = writeln!(text, "\n{}.", inline(&clip(&apart, 1_000)));
    }
    if text.len() > room {
        let total = number::plural(anomalies::total(document, Of::Judged), "anomaly", "anomalies");
        return format!("\n{total} found; see the report.\n");
    }
    let mut list = String::new();
    let mut shown = 0;
    for (trial, anomaly) in anomalies::sample(document, Of::Judged, SHOWN) {
        let row = format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            trial.index,
            facts::anomaly_name(anomaly.kind),
            inline(&clip(&anomaly.workload, 200)),
            anomaly.key,
            number::instant(anomaly.from, trial.zero),
            inline(&clip(&anomaly.text, 600)),
        );
        // 400 bytes are kept for the lines around the list.
        if text.len() + list.len() + row.len() + 400 > room {
            break;
        }
        list.push_str(&row);
        shown += 1;
    }
    if shown > 0 {
        let of = anomalies::shown(shown, anomalies::total(document, Of::Judged));
        let _ = write!(
            text,
            "\n<details><summary>Anomalies: {of}</summary>\n\n| Trial | What | Workload | Key | When | Evidence |\n|--:|---|---|--:|---|---|\n{list}\n"
        );
        if !anomalies::files(document).is_empty() {
            text.push_str("All of them are in `anomalies.ndjson.zst` beside each history, a sample of each kind in `report.html`.\n\n");
        }
        text.push_str("</details>\n");
    }
    text
}

/// Overlaps that are only possible are no anomalies; a few are shown, and their number.
fn possible(document: &Document) -> String {
    let total = anomalies::possible_total(document, Of::Judged);
    if total == 0 {
        return String::new();
    }
    const SHOWN: usize = 20;
    let overlaps = number::plural(total, "overlap that is only possible", "overlaps that are only possible");
    let mut text = format!("\n<details><summary>{overlaps}</summary>\n\nNo anomaly: {}.\n\n", words::ONLY_POSSIBLE);
    for (trial, one) in anomalies::possible(document, Of::Judged, SHOWN) {
        let _ = writeln!(text, "- trial {}: {}", trial.index, inline(&clip(&one.text, 600)));
    }
    if total > SHOWN as u64 {
        let _ = writeln!(text, "\nThese are {}; more are in `report.html`.", anomalies::shown(SHOWN as u64, total));
    }
    text.push_str("\n</details>\n");
    text
}

fn footer(document: &Document) -> String {
    let environment = &document.environment;
    let facts = [
        facts::trials(document),
        format!("seed {}", document.seed),
        inline(&clip(&environment.server, 200)),
        inline(&clip(&environment.runtime, 200)),
        inline(&format!("{} {}", document.tool.name, document.tool.version)),
    ];
    let facts: Vec<_> = facts.iter().filter(|fact| !fact.is_empty()).map(String::as_str).collect();
    format!("<sub>{}</sub>", facts.join(" · "))
}

/// A sign beside the word, so that a long table can be skimmed; the word always stands with it.
pub(super) fn mark(verdict: &str) -> &'static str {
    match verdict {
        "pass" => "✅",
        "fail" => "❌",
        "warn" => "⚠️",
        _ => "❔",
    }
}

/// Text in which nothing is Markdown or HTML any more.
pub(super) fn inline(text: &str) -> String {
    let text = shown::line(text);
    let text = text.trim_start();
    let mut safe = String::with_capacity(text.len());
    // A list or the line under a heading begins like this, where the text begins a line.
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let ordered = (digits.len() < text.len() && digits.starts_with(['.', ')'])).then(|| text.len() - digits.len());
    let ends = |at: usize| text[at + 1..].chars().next().is_none_or(char::is_whitespace);
    for (at, c) in text.char_indices() {
        match c {
            '-' | '+' if at == 0 && (ends(at) || text.starts_with("--")) => safe.extend(['\\', c]),
            '=' if at == 0 => safe.extend(['\\', c]),
            '.' | ')' if ordered == Some(at) && ends(at) => safe.extend(['\\', c]),
            // GitHub makes links of bare addresses.
            ':' if text[at..].starts_with("://") => safe.push_str("\\:"),
            '.' if at >= 3 && text.as_bytes()[at - 3..at].eq_ignore_ascii_case(b"www") => safe.push_str("\\."),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // A zero-width space keeps `@name` from notifying somebody.
            '@' => safe.push_str("@\u{200b}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    safe
}

/// A code span; nothing is nothing. What cannot stand between back-ticks in a table stands in an element.
fn code(text: &str) -> String {
    let text = shown::line(text);
    match text.trim() {
        "" => String::new(),
        text if text.contains(['`', '|', '\\']) => format!("<code>{}</code>", inline(text)),
        text => format!("`{text}`"),
    }
}

/// A fence longer than any run of back-ticks inside.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let text = shown::lines(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}{language}\n{text}\n{fence}\n")
}

/// At most so many characters.
pub(super) fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
