//! The verdict in plain words: the sentence every report begins with.

use super::harm::{self, Asserted, Done};
use super::outage::{self, Clause};
use super::{facts, felt, number};
use crate::result::{AssertionResult, Document, Verdict};

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

/// What users of the Redis would have felt, without the verdict: what was suffered first, then what the experiment expects, then what went well.
pub fn sentence(document: &Document) -> String {
    let done = harm::done(document);
    let of = |asserted: fn(Asserted) -> bool| {
        let told: Vec<&Done> = done.iter().filter(|one| asserted(one.asserted) && !outage::tells(document, one)).collect();
        harm::phrases(&told)
    };
    let (mut suffered, mut calm) = (Vec::new(), Vec::new());
    let mut expected = Vec::new();
    for clause in outage::clauses(document) {
        match clause {
            Clause::Suffered(words) => suffered.push(words),
            Clause::Expected(words) => expected.push(words),
            Clause::Calm(words) => calm.push(words),
        }
    }
    suffered.extend(of(|asserted| asserted != Asserted::Expected));
    expected.extend(of(|asserted| asserted == Asserted::Expected));
    for (parts, more) in
        [(&mut suffered, "further kinds of harm stand among the key figures"), (&mut expected, "further kinds of harm are expected")]
    {
        if let Some(left) = parts.len().checked_sub(MOST).filter(|left| *left > 1) {
            parts.truncate(MOST);
            parts.push(format!("{left} {more}"));
        }
    }
    calm.extend(felt::calm(document, &done));
    let mut sentences: Vec<String> = Vec::new();
    if suffered.len() + calm.len() <= PARTS && expected.is_empty() {
        suffered.append(&mut calm);
    }
    sentences.extend(suffered.chunks(PARTS).map(join));
    sentences.extend(expected.chunks(PARTS).zip(0..).map(|(parts, place)| match place {
        0 => format!("as this experiment expects, {}", join(parts)),
        _ => format!("it also expects that {}", join(parts)),
    }));
    sentences.extend(calm.chunks(PARTS).map(join));
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
    let decided = matches!(document.verdict, Verdict::Pass | Verdict::Fail);
    if let (false, Some(first)) = (decided, sentences.first_mut()) {
        *first = format!("in what was measured, {first}");
    }
    let told = sentences.iter().map(|sentence| capital(sentence));
    let all: Vec<String> = if decided { told.chain([why]).collect() } else { std::iter::once(why).chain(told).collect() };
    format!("{}.", all.join(". "))
}

/// Most parts of a sentence, and of all sentences of what was suffered.
const PARTS: usize = 3;
const MOST: usize = 6;

/// What stands under the sentence of a run that passes and yet needs a look: harm that nothing asserts, and assertions that could not fail.
pub fn warnings(document: &Document) -> Vec<String> {
    let mut warnings = Vec::new();
    if document.verdict == Verdict::Pass {
        let harm = harm::unasserted(&harm::done(document));
        if !harm.is_empty() {
            warnings.push(format!("Harm that nothing asserts: {}", harm.join(", ")));
        }
    }
    warnings.extend(vacuous(&document.assertions));
    warnings
}

/// The assertions that could not fail, in words.
pub fn vacuous(assertions: &[AssertionResult]) -> Option<String> {
    let empty = assertions.iter().filter_map(|one| Some(format!("`{} {}` ({})", one.metric, one.expect, one.vacuous.as_ref()?)));
    let empty: Vec<String> = empty.collect();
    match empty.as_slice() {
        [] => None,
        [one] => Some(format!("1 assertion is vacuous, it could not have failed: {one}")),
        several => Some(format!("{} assertions are vacuous, they could not have failed: {}", several.len(), several.join(", "))),
    }
}

/// How the verdict is coloured: a pass with a warning is no plain pass.
pub fn tone(document: &Document) -> &'static str {
    match document.verdict {
        Verdict::Pass if !warnings(document).is_empty() => "warn",
        verdict => verdict.as_str(),
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

fn assertions_kept(document: &Document) -> String {
    let missed = document.assertions.iter().filter(|assertion| facts::verdict_word(assertion) == "warn").count();
    // What nobody wrote is told only where it does not hold.
    let kept = document.assertions.iter().filter(|assertion| !assertion.implicit).count().saturating_sub(missed);
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

/// `a`, `a, and b`, `a, b, and c`.
pub(super) fn join(parts: &[String]) -> String {
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
