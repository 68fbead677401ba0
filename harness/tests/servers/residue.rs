//! After whatever end, nothing of a run is left.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::leftovers::{describe, holders, marked, namespaces, ticks};
use crate::support::{self, Bench, Reaped, finish};
use redquake_reports::result::Verdict;

/// Marks the processes of one start, by their environment.
const MARK: &str = "REDQUAKE_TEST_MARK";

#[test]
fn nothing_is_left_in_docker_after_a_failed_assertion_and_the_exit_code_is_1() {
    let Some(bench) = support::bench_in_docker_beside_others() else { return };
    let file = bench.experiment(&support::quick("max < 10ms"));
    let ended = finish(&mut bench.run(&[&file, "--runtime", "docker"]));
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(bench.document().verdict, Verdict::Fail);
    assert_eq!(ended.residue, Vec::<String>::new());
}

#[test]
fn nothing_is_left_after_a_panic_in_any_phase_and_the_exit_code_is_70() {
    support::each(["provision", "settle", "baseline", "recovery"], |phase| panics(&support::bench_without_docker(), phase, "process"));
}

#[test]
#[ignore = "four runs in Docker: ci/test --all"]
fn nothing_is_left_in_docker_after_a_panic_in_any_phase_and_the_exit_code_is_70() {
    for phase in ["provision", "settle", "baseline", "recovery"] {
        let Some(bench) = support::bench() else { return };
        panics(&bench, phase, "docker");
    }
}

fn panics(bench: &Bench, phase: &str, runtime: &str) {
    let file = bench.experiment(&support::quick("max < 3s"));
    let mark = format!("panic-{}-{phase}-{runtime}", std::process::id());
    let mut command = bench.run(&[&file, "--runtime", runtime]);
    let ended = finish(command.env("REDQUAKE_FAILPOINT", format!("panic@{phase}")).env(MARK, &mark));
    assert_eq!(ended.code, Some(70), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("failpoint panic@{phase}")), "{}", ended.stderr);
    assert_eq!(ended.residue, Vec::<String>::new(), "after a panic in {phase}");
    assert_eq!(processes(&mark), Vec::<String>::new(), "after a panic in {phase}");
}

#[test]
fn nothing_is_left_after_sigterm_at_three_instants_the_report_is_written_and_the_exit_code_is_143() {
    support::each(0..3, |instant| {
        interrupted(&support::bench_without_docker(), "TERM", 143, Duration::from_millis(300 + instant * 1600), "process");
    });
}

#[test]
#[ignore = "a minute in Docker: ci/test --all"]
fn nothing_is_left_in_docker_after_sigterm_at_ten_instants_the_report_is_written_and_the_exit_code_is_143() {
    let Some(bench) = support::bench() else { return };
    // The images must be there, or the first instants would all fall into building them.
    let file = bench.experiment(&support::quick("max < 3s"));
    let ended = finish(&mut bench.run(&[&file, "--runtime", "docker"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    // From the first engine calls, over bring-up, baseline and outage, to recovery.
    for instant in 0..10u64 {
        interrupted(&bench.again(), "TERM", 143, Duration::from_millis(instant * 600), "docker");
    }
}

fn interrupted(bench: &Bench, signal: &str, code: i32, after: Duration, runtime: &str) {
    let file = bench.experiment(&support::quick("max < 3s"));
    let mark = format!("signal-{}-{signal}-{}-{runtime}", std::process::id(), after.as_millis());
    let began = Instant::now();
    let mut command = bench.run(&[&file, "--runtime", runtime]);
    let mut tool = Reaped(command.env(MARK, &mark).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"));
    let pid = tool.0.id();
    // From here on there is a run to interrupt; what is interrupted before has begun nothing and reports nothing.
    while !bench.out.path().join("latest/run.json").exists() {
        assert!(began.elapsed() < Duration::from_secs(60) && tool.0.try_wait().expect("redquake").is_none(), "the run never began");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(after);
    let (namespaces, before) = (namespaces(&marked(&format!("{MARK}={mark}"))), ticks());
    let sent = Command::new("kill").args(["-s", signal, &pid.to_string()]).status().expect("kill");
    assert!(sent.success());
    let status = tool.0.wait().expect("redquake");
    assert_eq!(status.code(), Some(code), "SIG{signal} after {after:?}");
    if runtime == "docker" {
        assert_eq!(support::owned_by(pid), Vec::<String>::new(), "left after SIG{signal} after {after:?}");
    }
    assert_eq!(processes(&mark), Vec::<String>::new(), "left after SIG{signal} after {after:?}");
    let holders: Vec<String> = holders(&namespaces, before).into_iter().map(describe).collect();
    assert_eq!(holders, Vec::<String>::new(), "left in the namespaces after SIG{signal} after {after:?}");
    assert_eq!(bench.document().verdict, Verdict::Inconclusive, "SIG{signal} after {after:?}");
    assert!(bench.results().join("report.html").exists());
}

/// Processes of a start that still live.
fn processes(mark: &str) -> Vec<String> {
    marked(&format!("{MARK}={mark}")).into_iter().map(describe).collect()
}
