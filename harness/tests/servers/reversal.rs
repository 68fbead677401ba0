//! Faults are announced before they are made, and reverted newest first whatever comes between.

use std::fs::File;
use std::io::BufReader;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use redquake_reports::history::{Event, FaultState, Reader};
use redquake_reports::result::{TrialStatus, Verdict};

use crate::everything::{self, FAULTS};
use crate::support::{self, Bench, Reaped};

/// Longest wait for all faults to be active.
const LIMIT: Duration = Duration::from_secs(60);

/// Each step of each fault, in the order in which they happened.
fn steps(bench: &Bench) -> Vec<(FaultState, &'static str)> {
    let file = File::open(bench.results().join("trial-001/history.ndjson.zst")).expect("a history");
    let reader = Reader::open(BufReader::new(file)).expect("a history");
    let steps = reader.map_while(Result::ok).filter_map(|event| match event {
        Event::Fault(step) => Some((step.at, step.state, FAULTS[usize::from(step.fault)])),
        _ => None,
    });
    let mut steps: Vec<_> = steps.collect();
    steps.sort_by_key(|(at, _, _)| *at);
    steps.into_iter().map(|(_, state, fault)| (state, fault)).collect()
}

fn with(steps: &[(FaultState, &'static str)], wanted: FaultState) -> Vec<&'static str> {
    steps.iter().filter(|(state, _)| *state == wanted).map(|(_, fault)| *fault).collect()
}

/// Interrupts a run as soon as the last of its six overlapping faults has been announced; the exit code.
fn interrupted_with_all_active(bench: &Bench, failpoint: &str) -> Option<i32> {
    let file = bench.experiment(everything::EXPERIMENT);
    let mut command = bench.run(&[&file, "--runtime", "process"]);
    command.env("REDQUAKE_FAILPOINT", failpoint).stdout(Stdio::null()).stderr(Stdio::null());
    let mut tool = Reaped(command.spawn().expect("redquake"));
    let began = Instant::now();
    while everything::ledger(&bench.out.path().join("latest")).len() < FAULTS.len() {
        assert!(began.elapsed() < LIMIT && tool.0.try_wait().expect("redquake").is_none(), "the faults never came");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-s", "INT", &tool.0.id().to_string()]).status().expect("kill").success());
    tool.0.wait().expect("redquake").code()
}

#[test]
fn an_interrupted_run_takes_overlapping_faults_back_newest_first_and_shows_that_each_is_gone() {
    let bench = support::bench_without_docker();
    assert_eq!(interrupted_with_all_active(&bench, ""), Some(130));
    let backwards: Vec<&str> = FAULTS.into_iter().rev().collect();
    let announced = everything::ledger(&bench.results()).into_iter().filter(|(step, _)| step == "revert").map(|(_, fault)| fault);
    assert_eq!(announced.collect::<Vec<_>>(), backwards);
    let steps = steps(&bench);
    assert_eq!(with(&steps, FaultState::Injected), FAULTS);
    assert_eq!(with(&steps, FaultState::Reverted), backwards);
    let mut gone = with(&steps, FaultState::RevertProved);
    gone.sort_unstable();
    let mut all = FAULTS;
    all.sort_unstable();
    assert_eq!(gone, all, "{steps:?}");
}

#[test]
fn a_reversal_that_fails_is_told_and_the_others_are_still_made() {
    let bench = support::bench_without_docker();
    assert_eq!(interrupted_with_all_active(&bench, "refuse@revert:full"), Some(130));
    let steps = steps(&bench);
    assert_eq!(with(&steps, FaultState::RevertUnproved), ["full"]);
    assert_eq!(with(&steps, FaultState::Reverted), ["cut", "asleep", "narrow", "lossy", "late"]);
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_run_in_which_a_reversal_fails_is_inconclusive_and_says_which() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(everything::EXPERIMENT);
    let mut command = bench.run(&[&file, "--runtime", "process"]);
    let ended = support::finish(command.env("REDQUAKE_FAILPOINT", "refuse@revert:cut"));
    assert_eq!(ended.code, Some(3), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    assert_eq!(document.verdict, Verdict::Inconclusive);
    for trial in &document.trials {
        assert_eq!(trial.status, TrialStatus::Inconclusive);
        assert!(trial.reasons.iter().any(|reason| reason.contains("`cut`") || reason.contains("cut")), "{:?}", trial.reasons);
    }
}

#[test]
fn what_is_about_to_be_done_is_on_disk_when_the_tool_dies_before_doing_it() {
    support::each([("inject", FaultState::Injected), ("revert", FaultState::Reverted)], |(step, done)| {
        let bench = support::bench_without_docker();
        let file = bench.experiment(everything::EXPERIMENT);
        let mut command = bench.run(&[&file, "--runtime", "process"]);
        let ended = support::finish(command.env("REDQUAKE_FAILPOINT", format!("abort@{step}:late")));
        assert_ne!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        let ledger = everything::ledger(&bench.results());
        assert_eq!(ledger.last(), Some(&(step.to_owned(), "late".to_owned())), "{ledger:?}");
        let steps = steps(&bench);
        assert!(!steps.contains(&(done, "late")), "{steps:?}");
    });
}

#[test]
fn no_line_of_the_ledger_is_later_than_what_it_announces() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(everything::EXPERIMENT);
    let ended = support::finish(&mut bench.run(&[&file, "--runtime", "process"]));
    assert!(matches!(ended.code, Some(0 | 1 | 3)), "{}{}", ended.stdout, ended.stderr);
    let steps = steps(&bench);
    let announced = |wanted: &str| {
        let lines = everything::ledger(&bench.results()).into_iter().filter(move |(step, _)| step == wanted);
        lines.map(|(_, fault)| fault).collect::<Vec<_>>()
    };
    assert_eq!(announced("inject"), with(&steps, FaultState::Injected));
    assert_eq!(announced("revert"), with(&steps, FaultState::Reverted));
}
