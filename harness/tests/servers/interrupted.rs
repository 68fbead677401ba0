//! Signals at random instants: everything is reverted at once, the report is written, the exit code names the signal.

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use redquake_reports::result::{MatrixDocument, Verdict};

use crate::everything::{self, Moment};
use crate::leftovers::{describe, holders, marked, namespaces, ticks};
use crate::support::{self, Bench, Reaped};

/// How many instants; `REDQUAKE_TEST_KILLS` in the environment asks for another number, `ci/test --all` for a hundred.
const INSTANTS: u32 = 6;
/// The same in Docker, where each takes several seconds.
const INSTANTS_IN_DOCKER: u32 = 8;
/// The same instants in every run of the tests.
const SEED: u64 = 12;
/// Marks the processes of one start, by their environment.
const MARK: &str = "REDQUAKE_TEST_MARK";

/// Healthy sets, so that they may serve again.
const MATRIX: &str = "version: 1
name: cells
trials: 3
topology: { kind: sentinel }
duration: 1500ms
workloads:
  - { name: locks, kind: lock, clients: 2, rate: 50/s, keys: 8, ttl: 3s, hold: 20ms }
matrix:
  topology.config.sentinel.down-after-milliseconds: [5000, 6000]
assert:
  - { metric: failover.count, expect: \"count == 0\" }
";
/// Longest wait for its second trials.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn nothing_is_left_after_sigint_at_any_instant_the_report_is_written_and_the_exit_code_is_130() {
    let count = std::env::var("REDQUAKE_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(INSTANTS);
    let phases = Mutex::new(Vec::new());
    support::each(everything::instants(count, SEED), |moment| {
        let phase = interrupt(&support::bench_without_docker(), "process", moment, false);
        phases.lock().expect("the phases").push(phase);
    });
    told(&phases.into_inner().expect("the phases"));
}

#[test]
fn nothing_is_left_after_two_sigints_at_once() {
    support::each(everything::instants(2, SEED), |moment| {
        interrupt(&support::bench_without_docker(), "process", moment, true);
    });
}

#[test]
fn nothing_is_left_of_a_matrix_whose_servers_wait_for_their_next_trial_and_its_report_is_written() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(MATRIX);
    let mark = format!("matrix-{}-{}", std::process::id(), uuid::Uuid::new_v4());
    let mut command = bench.run(&[&file, "--runtime", "process", "--jobs", "2", "--reuse"]);
    let mut tool = Reaped(command.env(MARK, &mark).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"));
    let latest = bench.out.path().join("latest");
    let begun = |number: &str| {
        let cells = std::fs::read_dir(&latest).into_iter().flatten().flatten().filter(|entry| entry.path().join(number).exists());
        cells.count()
    };
    let began = Instant::now();
    while begun("trial-002") == 0 {
        assert!(began.elapsed() < LIMIT && tool.0.try_wait().expect("redquake").is_none(), "no second trial ever began");
        std::thread::sleep(Duration::from_millis(1));
    }
    let mark = format!("{MARK}={mark}");
    let (namespaces, before) = (namespaces(&marked(&mark)), ticks());
    assert!(Command::new("kill").args(["-s", "INT", &tool.0.id().to_string()]).status().expect("kill").success());
    assert_eq!(tool.0.wait().expect("redquake").code(), Some(130));
    let processes: Vec<String> = marked(&mark).into_iter().chain(holders(&namespaces, before)).map(describe).collect();
    assert_eq!(processes, Vec::<String>::new());
    let whole = std::fs::read(bench.results().join("result.json")).expect("result.json");
    let whole: MatrixDocument = serde_json::from_slice(&whole).expect("a matrix");
    assert_eq!((whole.verdict, whole.cells.len()), (Verdict::Inconclusive, 2));
    assert!(bench.results().join("report.html").exists());
}

#[test]
#[ignore = "a minute in Docker: ci/test --all"]
fn nothing_is_left_in_docker_after_one_sigint_or_two_at_any_instant() {
    let Some(bench) = support::bench() else { return };
    let phases = everything::instants(INSTANTS_IN_DOCKER, SEED)
        .into_iter()
        .enumerate()
        .map(|(turn, moment)| interrupt(&bench.again(), "docker", moment, turn % 4 == 3));
    told(&phases.collect::<Vec<_>>());
}

/// When a signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    BeforeFaults,
    FaultsActive,
    AfterFaults,
}

fn told(phases: &[Phase]) {
    let count = |wanted| phases.iter().filter(|phase| **phase == wanted).count();
    let (before, active, after) = (count(Phase::BeforeFaults), count(Phase::FaultsActive), count(Phase::AfterFaults));
    eprintln!("{} signals of seed {SEED}: {before} before the faults, {active} while they were active, {after} after", phases.len());
    assert!(before > 0 && active > 0, "the instants do not cover a run: {phases:?}");
}

fn interrupt(bench: &Bench, runtime: &str, moment: Moment, twice: bool) -> Phase {
    let file = bench.experiment(everything::EXPERIMENT);
    let mark = format!("interrupted-{}-{}", std::process::id(), uuid::Uuid::new_v4());
    let mut command = bench.run(&[&file, "--runtime", runtime]);
    let mut tool = Reaped(command.env(MARK, &mark).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"));
    let pid = tool.0.id();
    moment.wait(bench, &mut tool);
    let mark = format!("{MARK}={mark}");
    let (namespaces, before) = (namespaces(&marked(&mark)), ticks());
    let ledger = everything::ledger(&bench.results());
    let interrupted = || assert!(Command::new("kill").args(["-s", "INT", &pid.to_string()]).status().expect("kill").success());
    interrupted();
    if twice {
        interrupted();
    }
    let status = tool.0.wait().expect("redquake");
    assert_eq!(status.code(), Some(130), "{moment:?}");
    assert_eq!(support::owned_by(pid), Vec::<String>::new(), "left in Docker {moment:?}");
    let processes: Vec<String> = marked(&mark).into_iter().chain(holders(&namespaces, before)).map(describe).collect();
    assert_eq!(processes, Vec::<String>::new(), "left {moment:?}");
    if !twice {
        assert_eq!(bench.document().verdict, Verdict::Inconclusive, "{moment:?}");
        assert!(bench.results().join("report.html").exists());
        taken_back(bench, moment);
    }
    let injected = ledger.iter().filter(|(step, _)| step == "inject").count();
    match (injected, ledger.len() - injected) {
        (0, _) => Phase::BeforeFaults,
        (injected, reverted) if injected > reverted => Phase::FaultsActive,
        _ => Phase::AfterFaults,
    }
}

/// Every fault the ledger announces was reverted.
fn taken_back(bench: &Bench, moment: Moment) {
    let ledger = everything::ledger(&bench.results());
    for (_, fault) in ledger.iter().filter(|(step, _)| step == "inject") {
        assert!(ledger.iter().any(|(step, name)| step == "revert" && name == fault), "{fault} {moment:?}: {ledger:?}");
    }
}
