//! Runs: trials put together, judged, and turned into an exit code.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use redquake_experiments::plan::TrialPlan;
use redquake_experiments::spec::{Assertion, Severity};
use redquake_reports::analysis::{Assembly, assemble};
use redquake_reports::result::{Document, Sample, TrialStatus, Verdict};
use redquake_reports::testing::{FailoverParams, assembly};

fn asserting(expectations: &[(&str, &str, Severity)], trials: u32) -> Assembly {
    let mut assembly = assembly(&FailoverParams::default(), trials);
    assembly.plan.experiment.assertions = expectations
        .iter()
        .map(|(metric, expect, severity)| Assertion { metric: (*metric).to_owned(), expect: expect.parse().unwrap(), severity: *severity })
        .collect();
    assembly
}

fn told(document: &Document) -> (Verdict, u8) {
    (document.verdict, document.exit_code)
}

const KEPT: (&str, &str, Severity) = ("failover.write_gap", "max < 5s", Severity::Error);
const BROKEN: (&str, &str, Severity) = ("failover.write_gap", "max < 1s", Severity::Error);

/// Makes some trials inconclusive.
fn spoil(assembly: &mut Assembly, trials: usize, status: TrialStatus) {
    for trial in &mut assembly.trials[..trials] {
        trial.status = status;
        trial.reasons = vec!["something disturbed it".to_owned()];
    }
}

#[test]
fn a_run_whose_assertions_hold_passes() {
    let document = assemble(asserting(&[KEPT], 3));
    assert_eq!(told(&document), (Verdict::Pass, 0));
    assert!(document.reasons.is_empty());
    let summary = &document.metrics["failover.write_gap"];
    assert_eq!(summary.samples.len(), 3);
    let [Sample::Exact(min), Sample::Exact(median), Sample::Exact(max)] = [summary.min, summary.median, summary.max] else { panic!() };
    assert!(min < median && median < max && max < 1.5e9);
    assert_eq!(document.assertions[0].location.as_ref().unwrap().line, 21);
    assert!(document.predictions["failover.write_gap"].low > 1_000_000_000);
}

#[test]
fn a_broken_assertion_fails_the_run_and_a_warning_does_not() {
    assert_eq!(told(&assemble(asserting(&[KEPT, BROKEN], 2))), (Verdict::Fail, 1));
    let warned = assemble(asserting(&[KEPT, (BROKEN.0, BROKEN.1, Severity::Warn)], 2));
    assert_eq!(told(&warned), (Verdict::Pass, 0));
    assert_eq!(warned.assertions[1].verdict, Verdict::Fail);
}

#[test]
fn with_fewer_than_half_of_the_trials_conclusive_nothing_passes() {
    let mut half = asserting(&[KEPT], 4);
    spoil(&mut half, 2, TrialStatus::Inconclusive);
    assert_eq!(told(&assemble(half)), (Verdict::Pass, 0));
    let mut fewer = asserting(&[KEPT], 5);
    spoil(&mut fewer, 3, TrialStatus::Inconclusive);
    let document = assemble(fewer);
    assert_eq!(told(&document), (Verdict::Inconclusive, 3));
    assert_eq!(document.reasons[0], "`failover.write_gap max < 5s`: only 2 of 5 planned trials have a value to judge; at least half must");
    assert_eq!(document.reasons[1], "2 of 5 planned trials conclusive");
    assert_eq!(document.reasons[2], "trial 1: something disturbed it");
    let mut none = asserting(&[], 2);
    spoil(&mut none, 2, TrialStatus::Inconclusive);
    assert_eq!(told(&assemble(none)), (Verdict::Inconclusive, 3), "even without assertions");
}

#[test]
fn a_limit_broken_for_good_fails_even_if_most_trials_are_inconclusive() {
    let mut few = asserting(&[BROKEN], 5);
    spoil(&mut few, 4, TrialStatus::Inconclusive);
    assert_eq!(told(&assemble(few)), (Verdict::Fail, 1));
}

#[test]
fn a_repeated_trial_is_replaced_by_its_repeat() {
    let mut run = asserting(&[KEPT], 3);
    spoil(&mut run, 1, TrialStatus::Inconclusive);
    run.plan.trials[2].repeats = Some(1);
    let document = assemble(run);
    assert_eq!(told(&document), (Verdict::Pass, 0));
    assert!(document.assertions[0].actual_text.contains("of 2 trials"), "{}", document.assertions[0].actual_text);
}

#[test]
fn a_run_that_does_not_pass_counts_the_trials_that_were_repeated() {
    let mut run = asserting(&[BROKEN], 4);
    spoil(&mut run, 2, TrialStatus::Inconclusive);
    for (index, of) in [(2, 1), (3, 2)] {
        run.plan.trials[index].repeats = Some(of);
        run.trials[index].repeats = Some(of);
    }
    let document = assemble(run);
    assert_eq!(document.reasons.last().unwrap(), "2 of 4 trials proved nothing and were repeated");
}

#[test]
fn a_failed_environment_is_an_error_unless_enough_trials_were_had() {
    let mut all = asserting(&[KEPT], 2);
    spoil(&mut all, 2, TrialStatus::Error);
    assert_eq!(told(&assemble(all)), (Verdict::Error, 4));
    let mut one = asserting(&[KEPT], 3);
    spoil(&mut one, 1, TrialStatus::Error);
    assert_eq!(told(&assemble(one)), (Verdict::Pass, 0));
}

#[test]
fn an_interrupted_run_is_never_a_pass_and_tells_the_signal() {
    for (signal, code) in [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)] {
        let document = assemble(Assembly { interrupted: Some(signal.to_owned()), ..asserting(&[KEPT], 2) });
        assert_eq!(told(&document), (Verdict::Inconclusive, code));
        assert_eq!(document.reasons[0], format!("the run was interrupted by {signal}"));
    }
}

#[test]
fn residue_comes_before_every_other_exit_code() {
    for expectations in [[KEPT], [BROKEN]] {
        let document = assemble(Assembly { residue: vec!["network rq-7".to_owned()], ..asserting(&expectations, 1) });
        assert_eq!(document.exit_code, 6);
        assert_eq!(document.reasons.last().unwrap(), "1 object could not be removed: network rq-7");
    }
}

#[test]
fn a_run_without_any_history_has_no_value_and_proves_nothing() {
    let document = assemble(Assembly { trials: Vec::new(), ..asserting(&[KEPT], 1) });
    assert_eq!(told(&document), (Verdict::Inconclusive, 3));
    assert_eq!(document.assertions[0].actual, None);
    assert!(document.metrics.is_empty());
}

#[test]
fn trials_that_never_ran_count_as_planned() {
    let mut run = asserting(&[KEPT], 2);
    run.plan.trials.extend((3..=5).map(|index| TrialPlan { index, seed: 0, phase: 0, repeats: None }));
    assert_eq!(told(&assemble(run)), (Verdict::Inconclusive, 3));
}
