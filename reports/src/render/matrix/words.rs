//! What a matrix shows, in a few sentences.

use super::figures::verdict_of;
use crate::render::harm::{self, Kinds};
use crate::render::{number, words};
use crate::result::{MatrixCell, MatrixDocument, Verdict};

/// What became of the cells, and between which values the gap lies.
pub fn sentence(document: &MatrixDocument) -> String {
    let mut parts = vec![format!("{}: {}", number::plural(document.cells.len() as u64, "cell", "cells"), verdicts(document))];
    for (name, words) in [("failover.client_gap", "clients were without service"), ("failover.write_gap", "writes were down")] {
        if let Some(range) = range(document, name) {
            parts.push(format!("{words} for {range}"));
            break;
        }
    }
    parts.extend(harms(document));
    let shown = document.differences.iter().filter(|one| one.shown).count();
    parts.push(match (shown, document.differences.len()) {
        (_, 0) => "there is nothing to compare".to_owned(),
        _ if document.differences.iter().all(|one| one.interval.is_none()) => "the trials are too few to tell differences".to_owned(),
        (0, _) => "no difference from the first cell is shown".to_owned(),
        (shown, all) => format!(
            "{shown} of {} from the first cell {} shown",
            number::plural(all as u64, "difference", "differences"),
            if shown == 1 { "is" } else { "are" }
        ),
    });
    let sentences: Vec<String> = parts.iter().map(|part| format!("{}.", capital(part))).collect();
    sentences.join(" ")
}

/// The wrongs that were done, each with the number of cells it was done in, the worst first.
fn harms(document: &MatrixDocument) -> Option<String> {
    const SHOWN: usize = 4;
    let mut cells: Vec<(String, usize)> = Vec::new();
    for cell in &document.cells {
        for one in harm::done_in(&cell.metrics, &cell.assertions, &Kinds::new()).iter().filter(|one| one.harm.wrong) {
            match cells.iter_mut().find(|(name, _)| *name == one.name) {
                Some((_, number)) => *number += 1,
                None => cells.push((one.name.clone(), 1)),
            }
        }
    }
    let all = document.cells.len();
    let told: Vec<String> = cells.iter().take(SHOWN).map(|(name, number)| format!("`{name}` in {number} of {all} cells")).collect();
    let more = if cells.len() > SHOWN { format!(", and {} more metrics of harm", cells.len() - SHOWN) } else { String::new() };
    (!told.is_empty()).then(|| format!("harm was done: {}{more}", told.join(", ")))
}

/// What needs a look though cells pass: harm that nothing asserts, and assertions that could not fail.
pub fn warnings(document: &MatrixDocument) -> Vec<String> {
    let mut warnings = Vec::new();
    for cell in &document.cells {
        let harm = harm::unasserted(&harm::done_in(&cell.metrics, &cell.assertions, &Kinds::new()));
        if cell.verdict == Verdict::Pass && !harm.is_empty() {
            warnings.push(format!("{}: harm that nothing asserts: {}", cell.label, harm.join(", ")));
        }
        warnings.extend(words::vacuous(&cell.assertions).map(|vacuous| format!("{}: {vacuous}", cell.label)));
    }
    warnings
}

/// How the verdict is coloured: a pass with a warning is no plain pass.
pub fn tone(document: &MatrixDocument) -> &'static str {
    match document.verdict {
        Verdict::Pass if !warnings(document).is_empty() => "warn",
        verdict => verdict.as_str(),
    }
}

fn verdicts(document: &MatrixDocument) -> String {
    let all = document.cells.len();
    let counted = [
        (Verdict::Pass, "pass", "passes"),
        (Verdict::Fail, "fail", "fails"),
        (Verdict::Inconclusive, "prove nothing", "proves nothing"),
        (Verdict::Error, "could not be performed", "could not be performed"),
    ];
    let words: Vec<String> = counted
        .iter()
        .filter_map(|(verdict, many, one)| match document.cells.iter().filter(|cell| cell.verdict == *verdict).count() {
            0 => None,
            count if count == all && count > 1 => Some(format!("all {many}")),
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {many}")),
        })
        .collect();
    words.join(", ")
}

/// `2.25 s (down-after-milliseconds=1000) to 3.27 s (down-after-milliseconds=2000)`: the medians.
fn range(document: &MatrixDocument, name: &str) -> Option<String> {
    let median = |cell: &&MatrixCell| cell.metrics.get(name).map_or(f64::NAN, |metric| metric.median.value());
    let with = || document.cells.iter().filter(|cell| cell.metrics.contains_key(name));
    let least = with().min_by(|a, b| median(a).total_cmp(&median(b)))?;
    let most = with().max_by(|a, b| median(a).total_cmp(&median(b)))?;
    let told = |cell: &MatrixCell| {
        Some(format!("{} ({})", number::sample(cell.metrics.get(name)?.unit, cell.metrics.get(name)?.median), cell.label))
    };
    if least.label == most.label { told(least) } else { Some(format!("{} to {}", told(least)?, told(most)?)) }
}

/// The differences that are shown, one a line: `cell: metric is 980 ms more (...)`.
pub fn shown(document: &MatrixDocument) -> Vec<String> {
    let line = |one: &crate::result::Difference| {
        let cell = document.cells.get(one.cell as usize)?;
        Some(format!("{}: {} {} is {}", cell.label, one.of.as_str(), one.metric, verdict_of(one)))
    };
    document.differences.iter().filter(|one| one.shown).filter_map(line).collect()
}

/// Whether the cells are of different topologies.
pub fn topologies_differ(document: &MatrixDocument) -> bool {
    document.cells.windows(2).any(|pair| pair[0].topology != pair[1].topology)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
