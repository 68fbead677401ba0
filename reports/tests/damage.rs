//! Whatever is done to a stored history, it is noticed: a history that is told as whole is the one that was written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use redquake_reports::analysis::{analyze, assemble, unread};
use redquake_reports::history::{Ending, Event, Reader};
use redquake_reports::render;
use redquake_reports::result::{TrialStatus, Verdict};
use redquake_reports::testing::{FailoverParams, assembly, failover_history, stored};

/// A short history, with what workloads of other kinds write as well.
static EVENTS: LazyLock<Vec<Event>> = LazyLock::new(|| {
    let params = FailoverParams { duration: 800_000_000, kill_at: 300_000_000, rate: 50, ..FailoverParams::default() };
    let mut events = failover_history(&params);
    let end = events.len() - 1;
    let others = [
        r#"{"decision":{"w":9,"c":0,"id":1,"key":1,"at":[1,2],"admit":true,"by":"redis","ran":"ok"}}"#,
        r#"{"final":{"at":5,"w":9,"key":1,"pttl":-2}}"#,
        r#"{"members":{"at":5,"w":9,"key":1,"ids":[1,2]}}"#,
        r#"{"keys":{"at":5,"w":9,"keys":1,"subjects":1,"immortal":0,"bytes":9}}"#,
        r#"{"note":{"at":6,"kind":"remark","text":"a remark"}}"#,
    ];
    events.splice(end..end, others.iter().map(|line| serde_json::from_str::<Event>(line).unwrap()));
    events
});

static LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let text = zstd::decode_all(stored(&EVENTS).as_slice()).unwrap();
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
});

fn packed(lines: &[String]) -> Vec<u8> {
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

fn kind(line: &str) -> &str {
    line[2..].split('"').next().unwrap()
}

/// The events of a history that is told as whole.
fn told_as_whole(bytes: &[u8]) -> Option<Vec<Event>> {
    let mut reader = Reader::open(bytes).ok()?;
    let mut events = vec![Event::Header(Box::new(reader.header().clone()))];
    for event in reader.by_ref() {
        events.push(event.ok()?);
    }
    (reader.ending() == Some(Ending::Complete)).then_some(events)
}

/// What `analyze` makes of it is no conclusive trial, and says what is wrong.
fn noticed(bytes: &[u8]) -> Result<(), TestCaseError> {
    prop_assert!(told_as_whole(bytes).is_none());
    if let Ok(Ok(trial)) = Reader::open(bytes).map(analyze) {
        prop_assert_ne!(trial.status, TrialStatus::Conclusive);
        prop_assert!(trial.damage.is_some_and(|damage| trial.reasons.contains(&damage)));
    }
    Ok(())
}

#[test]
fn a_history_as_it_was_written_is_whole() {
    let events = told_as_whole(&packed(&LINES)).unwrap();
    assert_eq!(events[..events.len() - 1], EVENTS[..EVENTS.len() - 1]);
}

#[test]
fn a_line_of_any_kind_that_is_missing_doubled_or_moved_is_noticed() {
    let kinds: BTreeSet<&str> = LINES.iter().map(|line| kind(line)).collect();
    assert!(kinds.len() >= 12, "{kinds:?}");
    for kind_of in kinds {
        let at = LINES.iter().position(|line| kind(line) == kind_of).unwrap();
        let mut fewer = LINES.clone();
        fewer.remove(at);
        noticed(&packed(&fewer)).unwrap_or_else(|error| panic!("without a line of {kind_of}: {error}"));
        let mut doubled = LINES.clone();
        doubled.insert(at, LINES[at].clone());
        noticed(&packed(&doubled)).unwrap_or_else(|error| panic!("with a line of {kind_of} twice: {error}"));
        if at > 0 && at + 2 < LINES.len() && LINES[at] != LINES[at + 1] {
            let mut moved = LINES.clone();
            moved.swap(at, at + 1);
            noticed(&packed(&moved)).unwrap_or_else(|error| panic!("with a line of {kind_of} moved: {error}"));
        }
    }
}

#[test]
fn what_is_wrong_is_said_in_words() {
    let said = |lines: &[String]| analyze(Reader::open(packed(lines).as_slice()).unwrap()).unwrap().damage.unwrap();
    let count = LINES.len() - 1;
    let decision = LINES.iter().position(|line| kind(line) == "decision").unwrap();
    let mut lines = LINES.clone();
    lines.remove(decision);
    assert_eq!(said(&lines), format!("the history lacks 1 of {count} recorded events"));
    lines = LINES.clone();
    lines.insert(decision, LINES[decision].clone());
    assert_eq!(said(&lines), format!("the history has 1 more than the {count} recorded events"));
    lines = LINES.clone();
    lines[decision] = lines[decision].replace("\"admit\":true", "\"admit\":false");
    assert_eq!(said(&lines), "the history is not as it was written: its checksum does not agree with its lines");
    lines = LINES.clone();
    lines[decision].truncate(20);
    let damaged = said(&lines);
    assert!(damaged.starts_with(&format!("the history is damaged at line {}: ", decision + 1)), "{damaged}");
}

#[test]
fn histories_of_early_versions_are_read_as_before() {
    let mut lines = LINES.clone();
    let end = lines.len() - 1;
    let old: serde_json::Value = serde_json::from_str(&lines[end]).unwrap();
    lines[end] = format!(r#"{{"end":{{"at":{},"ops":{},"probes":{}}}}}"#, old["end"]["at"], old["end"]["ops"], old["end"]["probes"]);
    assert!(told_as_whole(&packed(&lines)).is_some());
    let op = lines.iter().position(|line| kind(line) == "op").unwrap();
    lines.remove(op);
    noticed(&packed(&lines)).unwrap();
}

#[test]
fn a_trial_without_a_history_has_a_row_that_every_report_can_show() {
    let mut run = assembly(&FailoverParams::default(), 3);
    run.plan.experiment.assertions.retain(|assertion| assertion.metric == "failover.write_gap");
    assert_eq!(assemble(run.clone()).verdict, Verdict::Pass);
    let planned = run.plan.trials[1];
    run.trials[1] = unread(&run.plan, &planned, "the history is missing".to_owned());
    let document = assemble(run.clone());
    assert_eq!((document.verdict, document.exit_code), (Verdict::Inconclusive, 3), "two of three would do, but one is lost");
    assert!(document.reasons.iter().any(|reason| reason == "trial 2: the history is missing"), "{:?}", document.reasons);
    assert_eq!((document.trials[1].index, document.trials[1].status), (2, TrialStatus::Error));
    assert!(document.trials[1].metrics.is_empty());
    for text in [
        render::html::render(&document),
        render::junit::render(&document),
        render::summary::render(&document),
        render::terminal::render(&document, &render::terminal::Options { color: false, folder: None }),
    ] {
        assert!(text.contains("the history is missing"), "{text}");
    }

    // Another trial stands in for it.
    run.plan.trials[2].repeats = Some(2);
    run.trials[2].repeats = Some(2);
    assert_eq!(assemble(run).verdict, Verdict::Pass);
}

#[test]
fn what_could_not_be_removed_still_decides_the_exit_code_of_a_run_that_lost_a_history() {
    let mut run = assembly(&FailoverParams::default(), 2);
    run.plan.experiment.assertions.clear();
    run.trials[1].damage = Some("the history is cut off after 7 lines".to_owned());
    run.residue = vec!["network rq-7".to_owned()];
    let document = assemble(run);
    assert_eq!((document.verdict, document.exit_code), (Verdict::Inconclusive, 6));
}

#[test]
fn planned_trials_that_never_began_are_counted() {
    let mut run = assembly(&FailoverParams::default(), 3);
    run.trials.truncate(1);
    run.not_begun = vec![2, 3];
    run.interrupted = Some("SIGINT".to_owned());
    let document = assemble(run);
    assert_eq!(document.not_begun, [2, 3]);
    assert!(document.reasons.iter().any(|reason| reason == "2 of 3 planned trials were never begun"), "{:?}", document.reasons);
}

#[test]
fn a_run_says_which_trial_was_not_repeated_and_why() {
    let mut run = assembly(&FailoverParams::default(), 1);
    run.trials[0].status = TrialStatus::Inconclusive;
    run.trials[0].reasons = vec!["something disturbed it".to_owned()];
    run.not_repeated = Some("trial 1 proved nothing and was not repeated: a trial of 10m is too long".to_owned());
    let document = assemble(run.clone());
    assert_eq!(document.reasons.last(), run.not_repeated.as_ref());
}

proptest! {
    #[test]
    fn a_missing_line_is_noticed(at in 0..LINES.len()) {
        let mut lines = LINES.clone();
        lines.remove(at);
        noticed(&packed(&lines))?;
    }

    #[test]
    fn a_changed_character_is_noticed(at in any::<proptest::sample::Index>(), place in any::<proptest::sample::Index>(), to in 32_u8..127) {
        let mut lines = LINES.clone();
        let line = at.index(lines.len());
        let mut bytes = lines[line].clone().into_bytes();
        let place = place.index(bytes.len());
        prop_assume!(bytes[place].is_ascii() && bytes[place] != to);
        bytes[place] = to;
        lines[line] = String::from_utf8(bytes).unwrap();
        noticed(&packed(&lines))?;
    }

    #[test]
    fn a_flipped_bit_of_the_file_is_noticed_or_changes_nothing(at in any::<proptest::sample::Index>(), bit in 0_u32..8) {
        let whole = stored(&EVENTS);
        let mut bytes = whole.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        match told_as_whole(&bytes) {
            // A bit that the format does not use.
            Some(events) => prop_assert_eq!(&events, &told_as_whole(&whole).unwrap()),
            None => noticed(&bytes)?,
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_noticed(at in any::<proptest::sample::Index>()) {
        let whole = stored(&EVENTS);
        noticed(&whole[..at.index(whole.len())])?;
    }
}
