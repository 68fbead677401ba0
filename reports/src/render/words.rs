//! The verdict in plain words: the sentence every report begins with.

use super::{aftermath, facts, felt, number};
use crate::analysis::OUTAGE;
use crate::result::{Document, MetricSummary, Sample, Verdict};

/// Why an overlap that is only possible is no anomaly.
pub const ONLY_POSSIBLE: &str = "an acquire had no reply, so its client never took itself for the holder; had the server granted it, the lock \
     would have been held while another client was granted it as well";

/// `PASS`, `FAIL`, `INCONCLUSIVE` or `ERROR`.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Error => "ERROR",
    }
}

/// What users of the Redis would have felt, without the verdict: one sentence or two.
pub fn sentence(document: &Document) -> String {
    let mut parts = Vec::new();
    match document.metrics.get(facts::WRITE_GAP) {
        Some(gap) if !gap.samples.is_empty() => parts.push(gap_words(gap)),
        _ => {
            if facts::conclusive(document).next().is_some() {
                parts.push("writes were never down".to_owned());
            }
        }
    }
    if let Some(on) = document.metrics.get(facts::STILL_ACKNOWLEDGED).filter(|on| on.max.value() >= OUTAGE as f64) {
        let most = if on.samples.len() > 1 { "up to " } else { "" };
        parts.push(format!(
            "before that the primary had gone on acknowledging them for {most}{} after the fault",
            number::sample(on.unit, on.max)
        ));
    }
    parts.extend(aftermath::words(document));
    if let Some(split) = document.metrics.get(facts::SPLIT_BRAIN).filter(|split| split.max.value() >= OUTAGE as f64) {
        let most = if split.samples.len() > 1 { "up to " } else { "" };
        parts.push(format!("two nodes took writes at the same time for {most}{}", number::sample(split.unit, split.max)));
    }
    if let Some(resets) = document.metrics.get(facts::DATA_RESETS).filter(|resets| resets.total > 0.0) {
        let often = if resets.total > 1.0 { format!(" ({} times)", number::count(resets.total)) } else { String::new() };
        parts.push(format!("a primary came back with less than it had{often} and its replicas copied that"));
    }
    if let Some(sets) = facts::sets(document) {
        let acknowledged = number::count(sets.acknowledged as f64);
        parts.push(match sets.lost {
            0 if sets.never_read > 0 => {
                format!("whether acknowledged writes were lost is not known of {}", number::count(sets.never_read as f64))
            }
            0 => "no acknowledged write was lost".to_owned(),
            lost => format!("{} of {acknowledged} acknowledged writes were lost", number::count(lost as f64)),
        });
    }
    if let Some([acknowledged, lost]) = facts::counters(document) {
        parts.push(match lost {
            0 => "no acknowledged increment was lost".to_owned(),
            lost => format!("{} of {} acknowledged increments were lost", number::count(lost as f64), number::count(acknowledged as f64)),
        });
    }
    if let Some([used, broken, unknown]) = facts::registers(document) {
        parts.push(match (broken, unknown) {
            (0, 0) => "every register answered as one would".to_owned(),
            (0, unknown) => {
                format!("{} of {} could not be judged", number::count(unknown as f64), number::plural(used, "register", "registers"))
            }
            (broken, _) => {
                format!(
                    "{} of {} answered as no single one would",
                    number::count(broken as f64),
                    number::plural(used, "register", "registers")
                )
            }
        });
    }
    parts.extend(felt::words(document));
    if let Some(locks) = facts::locks(document) {
        parts.push(match locks.double_acquired {
            0 => "no lock was held twice".to_owned(),
            1 => "once a lock had two holders at the same time".to_owned(),
            n => format!("{} times a lock had two holders at once", number::count(n as f64)),
        });
        if locks.lost > 0 {
            parts.push(format!("{} vanished under their holders", number::plural(locks.lost, "lock", "locks")));
        }
        if locks.updates > 0 {
            let updates = number::count(locks.updates as f64);
            parts.push(match locks.lost_updates {
                0 => format!("none of {updates} guarded updates was overwritten unseen"),
                lost => format!("{} of {updates} guarded updates overwrote one unseen", number::count(lost as f64)),
            });
        }
        if locks.fenced_out > 0 {
            parts.push(format!("{} were refused because of their fencing token", number::plural(locks.fenced_out, "holder", "holders")));
        }
        if locks.stuck > 0 {
            parts.push(format!("{} could not be taken again", number::plural(locks.stuck, "lock", "locks")));
        }
    }
    let measured = join(&parts);
    let why = match document.verdict {
        Verdict::Pass => assertions_kept(document),
        Verdict::Fail => assertions_missed(document),
        Verdict::Inconclusive => {
            format!("Nothing is proved either way: {}", first_reason(document, "no trial counts"))
        }
        Verdict::Error => {
            format!("The run could not be judged: {}", first_reason(document, "something outside the experiment went wrong"))
        }
    };
    match (document.verdict, measured.is_empty()) {
        (_, true) => format!("{why}."),
        (Verdict::Pass | Verdict::Fail, false) => format!("{}. {why}.", capital(&measured)),
        (_, false) => format!("{why}. In what was measured, {measured}."),
    }
}

/// Reasons that the table of assertions does not tell already, nor the list of what was left behind.
fn own_reasons(document: &Document) -> Vec<&str> {
    let told = |reason: &str| {
        let assertion = document.assertions.iter().any(|one| reason.starts_with(&format!("`{} {}`", one.metric, one.expect)));
        assertion || (!document.residue.is_empty() && reason.ends_with(&document.residue.join(", ")))
    };
    document.reasons.iter().map(String::as_str).filter(|reason| !told(reason)).collect()
}

/// Reasons that neither the sentence nor the table of assertions tells already.
pub fn further_reasons(document: &Document) -> Vec<&str> {
    let mut reasons = own_reasons(document);
    if matches!(document.verdict, Verdict::Inconclusive | Verdict::Error) && !reasons.is_empty() {
        reasons.remove(0);
    }
    reasons
}

/// The first of the reasons that stand for themselves, else the first of all.
fn first_reason<'a>(document: &'a Document, otherwise: &'a str) -> &'a str {
    let own = own_reasons(document).first().copied();
    own.or(document.reasons.first().map(String::as_str)).unwrap_or(otherwise).trim_end_matches('.')
}

fn gap_words(gap: &MetricSummary) -> String {
    let n = gap.samples.len();
    let open = gap.samples.iter().filter(|(_, sample)| facts::is_open(*sample)).count();
    let length = |sample: Sample| number::duration(sample.value());
    if gap.max.value() == 0.0 {
        return "writes were never down".to_owned();
    }
    // Every interval between two writes is a gap; users feel those that are outages.
    if open == 0 && gap.max.value() < OUTAGE as f64 {
        return format!("writes were never down: the longest time without one was {}", length(gap.max));
    }
    if open == n {
        let shortest = length(gap.min);
        return match n {
            1 => format!("writes were down for at least {shortest} and still down when the trial ended"),
            _ => format!("writes were down for at least {shortest} and still down when each of the {n} trials ended"),
        };
    }
    let tail = match open {
        0 => String::new(),
        1 => "; in 1 trial they were still down at the end".to_owned(),
        open => format!("; in {open} trials they were still down at the end"),
    };
    let bound = |sample| number::sample(gap.unit, sample);
    match n {
        1 => format!("writes were down for {}{tail}", bound(gap.median)),
        n if bound(gap.min) == bound(gap.max) => format!("writes were down for {} (the same in all {n} trials)", bound(gap.median)),
        _ => format!("writes were down for {} (median of {n} trials, {} to {}{tail})", bound(gap.median), bound(gap.min), bound(gap.max)),
    }
}

fn assertions_kept(document: &Document) -> String {
    let missed = document.assertions.iter().filter(|assertion| facts::verdict_word(assertion) == "warn").count();
    let kept = document.assertions.len() - missed;
    match (kept, missed) {
        (0, 0) => "Nothing was asserted".to_owned(),
        (1, 0) => "The assertion holds".to_owned(),
        (kept, 0) => format!("All {kept} assertions hold"),
        (kept, missed) => format!(
            "{}, {}",
            number::plural(kept as u64, "assertion holds", "assertions hold"),
            number::plural(missed as u64, "warning", "warnings")
        ),
    }
}

fn assertions_missed(document: &Document) -> String {
    let missed: Vec<_> = document.assertions.iter().filter(|assertion| facts::verdict_word(assertion) == "fail").collect();
    match (missed.as_slice(), document.assertions.len()) {
        ([], _) => capital(first_reason(document, "the run failed")),
        ([one], 1) => format!("The assertion {} {} does not hold", one.metric, one.expect),
        ([one], total) => format!("1 of {total} assertions does not hold: {} {}", one.metric, one.expect),
        (several, total) => {
            let names: Vec<_> = several.iter().map(|assertion| assertion.metric.as_str()).collect();
            format!("{} of {total} assertions do not hold: {}", several.len(), names.join(", "))
        }
    }
}

fn join(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first}, and {second}"),
        [head @ .., last] => format!("{}, and {last}", head.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
