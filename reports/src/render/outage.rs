//! Who was without service and for how long, in the words of the first sentence.

use super::aftermath;
use super::by_shard;
use super::crashes;
use super::harm::{self, Done};
use super::{facts, number};
use crate::analysis::OUTAGE;
use crate::result::{Document, MetricSummary, Sample, Trial};

/// A part of the first sentence.
pub enum Clause {
    /// Somebody had no service.
    Suffered(String),
    /// The same, and the experiment expects it.
    Expected(String),
    /// Nobody had none.
    Calm(String),
}

/// Whether a clause tells of some harm already, and by name.
pub fn tells(document: &Document, done: &Done) -> bool {
    match (done.harm.kind, done.harm.metric) {
        ("failover", "crashes") => crashes::clause(document).is_some(),
        ("failover", "aftershocks") => !aftermath::words(document).is_empty(),
        _ => false,
    }
}

/// Everything about service, the servers' outages first.
pub fn clauses(document: &Document) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = crashes::clause(document).map(Clause::Suffered).into_iter().collect();
    match document.metrics.get(facts::WRITE_GAP).filter(|gap| !gap.samples.is_empty()) {
        Some(gap) if gap.max.value() >= OUTAGE as f64 => {
            let words = by_shard::headline(document, gap).unwrap_or_else(|| down(gap, "writes were"));
            clauses.push(suffered(document, facts::WRITE_GAP, words));
        }
        Some(gap) => clauses.push(Clause::Calm(pause(document, gap))),
        None if facts::conclusive(document).next().is_some() => clauses.push(Clause::Calm("writes were never down".to_owned())),
        None => {}
    }
    if let Some(on) = document.metrics.get(facts::STILL_ACKNOWLEDGED).filter(|on| on.max.value() >= OUTAGE as f64) {
        let most = if on.samples.len() > 1 { "up to " } else { "" };
        let long = number::sample(on.unit, on.max);
        let words = format!("before that the primary had gone on acknowledging them for {most}{long} after the fault");
        clauses.push(suffered(document, facts::WRITE_GAP, words));
    }
    clauses.extend(aftermath::words(document).into_iter().map(Clause::Suffered));
    clauses.extend(cut_off(document).map(|words| suffered(document, facts::CLIENT_GAP, words)));
    clauses
}

fn suffered(document: &Document, metric: &str, words: String) -> Clause {
    let expected = |one: &&crate::result::AssertionResult| {
        one.metric == metric && one.verdict == crate::result::Verdict::Pass && harm::needs_more_than(one, OUTAGE as f64)
    };
    if document.assertions.iter().any(|one| expected(&one)) { Clause::Expected(words) } else { Clause::Suffered(words) }
}

/// Clients that were without service while the servers took writes, by whose they were.
fn cut_off(document: &Document) -> Option<String> {
    let worst = |trial: &Trial| {
        let long = |sample: Sample| sample.value() >= OUTAGE as f64;
        let apart = trial.failovers.iter().filter(|one| one.write_gap.as_ref().is_none_or(|gap| !long(gap.length)));
        let gaps = apart.filter_map(|one| Some((one.client_gap.as_ref()?.length, one.client_gap_of.clone()?)));
        gaps.filter(|(length, _)| long(*length)).max_by(|one, other| one.0.value().total_cmp(&other.0.value()))
    };
    let all: Vec<(Sample, String)> = facts::conclusive(document).filter_map(worst).collect();
    let shortest = all.iter().min_by(|one, other| one.0.value().total_cmp(&other.0.value()))?.0;
    let longest = all.iter().max_by(|one, other| one.0.value().total_cmp(&other.0.value()))?.0;
    let show = |sample| number::sample(crate::result::MetricUnit::Ns, sample);
    let long = if show(shortest) == show(longest) { show(longest) } else { format!("{} to {}", show(shortest), show(longest)) };
    let mut whose: Vec<String> = all.iter().map(|(_, whose)| named(whose)).collect();
    whose.sort();
    whose.dedup();
    let trials = facts::conclusive(document).count();
    let some = if all.len() < trials { format!(" in {} of {trials} trials", all.len()) } else { String::new() };
    Some(format!("clients of {} were without service for {long}{some} while the servers took writes", whose.join(" or ")))
}

/// `pay in zone b` with the name marked: `` `pay` in zone b ``.
fn named(whose: &str) -> String {
    match whose.split_once(" in zone ") {
        Some((workload, zone)) => format!("`{workload}` in zone {zone}"),
        None => format!("`{whose}`"),
    }
}

/// Every interval between two writes is a gap; users feel those that are outages. What the tool itself was late is no gap of the servers.
fn pause(document: &Document, gap: &MetricSummary) -> String {
    if gap.max.value() == 0.0 {
        return "writes were never down".to_owned();
    }
    let longest = gap.samples.iter().find(|(_, sample)| *sample == gap.max).map(|(trial, _)| *trial);
    let trial = document.trials.iter().find(|trial| Some(trial.index) == longest);
    let late = trial.and_then(|trial| trial.late_in_pause).filter(|late| *late as f64 * 2.0 >= gap.max.value());
    let long = number::duration(gap.max.value());
    match late {
        Some(late) => format!(
            "writes were never down (longest pause of the probes {long}, in which the tool itself was {} late)",
            number::duration(late as f64)
        ),
        None => format!("writes were never down: the longest time without one was {long}"),
    }
}

/// `writes were down for 1.39 s (median of 5 trials, 1.34 s to 1.44 s)`, of a subject with its verb.
pub fn down(gap: &MetricSummary, subject: &str) -> String {
    let n = gap.samples.len();
    let open = gap.samples.iter().filter(|(_, sample)| facts::is_open(*sample)).count();
    if open == n {
        let shortest = number::duration(gap.min.value());
        return match n {
            1 => format!("{subject} down for at least {shortest} and still down when the trial ended"),
            _ => format!("{subject} down for at least {shortest} and still down when each of the {n} trials ended"),
        };
    }
    let tail = match open {
        0 => String::new(),
        1 => "; in 1 trial they were still down at the end".to_owned(),
        open => format!("; in {open} trials they were still down at the end"),
    };
    let bound = |sample| number::sample(gap.unit, sample);
    match n {
        1 => format!("{subject} down for {}{tail}", bound(gap.median)),
        n if bound(gap.min) == bound(gap.max) => format!("{subject} down for {} (the same in all {n} trials)", bound(gap.median)),
        _ => format!("{subject} down for {} (median of {n} trials, {} to {}{tail})", bound(gap.median), bound(gap.min), bound(gap.max)),
    }
}
