//! How a run ends when its terminal goes, when nobody reads what it prints, and what of its databases stays: nothing.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redquake_reports::result::Verdict;

use crate::everything;
use crate::support::{self, Bench, Reaped};

/// A run with an embedded database, long enough to be interrupted at any time.
const WITH_SQLITE: &str = "version: 1
name: embedded
topology: { kind: sentinel, config: { sentinel: { down-after-milliseconds: 1000 } } }
duration: 6s
workloads:
  - { name: cache, kind: cache-aside, clients: 8, rate: 300/s, keys: 2000, database: { kind: sqlite, pool: 4, service_time: 5ms } }
faults:
  - { name: asleep, at: 500ms, for: 4s, action: pause, target: { node: sentinel-1 } }
assert:
  - { metric: failover.count, expect: \"count < 9\" }
";
/// Longest time from a signal to the end, whatever the run is doing; a loaded machine takes its time.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
/// Longest wait for a run's first fault.
const LIMIT: Duration = Duration::from_secs(90);

fn send(tool: &Child, signal: &str) {
    assert!(Command::new("kill").args(["-s", signal, &tool.id().to_string()]).status().expect("kill").success());
}

fn start(command: &mut Command) -> Reaped {
    Reaped(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"))
}

/// Waits until the run's first fault is about to be injected.
fn at_its_first_fault(bench: &Bench, tool: &mut Reaped) {
    let (latest, began) = (bench.out.path().join("latest"), Instant::now());
    while everything::ledger(&latest).is_empty() {
        assert!(began.elapsed() < LIMIT && tool.0.try_wait().expect("redquake").is_none(), "no fault ever began");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The code of a run that is to end now.
fn ends(tool: &mut Reaped) -> Option<i32> {
    let asked = Instant::now();
    loop {
        if let Some(status) = tool.0.try_wait().expect("redquake") {
            return status.code();
        }
        assert!(asked.elapsed() < ENDS_WITHIN, "it goes on {ENDS_WITHIN:?} after the signal");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn databases(bench: &Bench) -> Vec<String> {
    let all = Command::new("find").arg(bench.out.path()).args(["-name", "*sqlite*"]).output().expect("find").stdout;
    String::from_utf8_lossy(&all).lines().map(str::to_owned).collect()
}

fn hung_up(bench: &Bench, runtime: &str) {
    let file = bench.experiment(WITH_SQLITE);
    let mut tool = start(&mut bench.run(&[&file, "--runtime", runtime]));
    let pid = tool.0.id();
    at_its_first_fault(bench, &mut tool);
    assert_eq!(databases(bench), Vec::<String>::new(), "while it runs");
    send(&tool.0, "HUP");
    // A terminal that goes hangs up its jobs, and the shell in it does too.
    send(&tool.0, "HUP");
    assert_eq!(ends(&mut tool), Some(129));
    let document = bench.document();
    assert_eq!((document.verdict, document.exit_code), (Verdict::Inconclusive, 129));
    assert_eq!(document.reasons[0], "the run was interrupted by SIGHUP");
    assert!(bench.results().join("report.html").exists());
    assert_eq!(support::owned_by(pid), Vec::<String>::new());
    assert_eq!(databases(bench), Vec::<String>::new());
}

#[test]
fn a_hang_up_ends_a_run_as_sigterm_does_and_its_report_is_written() {
    hung_up(&support::bench_without_docker(), "process");
}

#[test]
#[ignore = "half a minute in Docker: ci/test --all"]
fn a_hang_up_leaves_nothing_in_docker() {
    let Some(bench) = support::bench() else { return };
    hung_up(&bench, "docker");
}

#[test]
fn a_hang_up_that_was_ignored_at_the_start_and_a_broken_pipe_end_nothing() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(WITH_SQLITE);
    let run = bench.run(&[&file, "--runtime", "process"]);
    // What `nohup` does.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(run.get_program()).args(run.get_args()).stdin(Stdio::null());
    let mut tool = start(&mut command);
    at_its_first_fault(&bench, &mut tool);
    send(&tool.0, "HUP");
    send(&tool.0, "PIPE");
    // Signals are taken in the order in which they come, so that one that ended it would be the first.
    std::thread::sleep(Duration::from_millis(300));
    send(&tool.0, "INT");
    assert_eq!(ends(&mut tool), Some(130));
    assert_eq!(bench.document().reasons[0], "the run was interrupted by SIGINT");
    assert_eq!(databases(&bench), Vec::<String>::new());
}

#[test]
fn an_interrupted_run_leaves_no_database_whenever_the_signal_comes() {
    support::each([0, 400, 900, 1500], |wait| {
        let bench = support::bench_without_docker();
        let file = bench.experiment(WITH_SQLITE);
        let mut tool = start(&mut bench.run(&[&file, "--runtime", "process"]));
        let (first, began) = (bench.out.path().join("latest/trial-001"), Instant::now());
        while !first.exists() {
            assert!(began.elapsed() < LIMIT && tool.0.try_wait().expect("redquake").is_none(), "no trial ever began");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(wait));
        send(&tool.0, "INT");
        assert_eq!(ends(&mut tool), Some(130), "after {wait} ms");
        assert_eq!(databases(&bench), Vec::<String>::new(), "after {wait} ms");
    });
}

#[test]
fn a_run_whose_output_nobody_reads_ends_as_it_would() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(&support::quick("max < 60s"));
    let unread = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        Stdio::from(writer)
    };
    let mut command = bench.run(&[&file, "--runtime", "process", "--repeats", "none"]);
    let status = command.stdin(Stdio::null()).stdout(unread()).stderr(unread()).status().expect("redquake");
    let document = bench.document();
    assert_eq!(status.code(), Some(i32::from(document.exit_code)), "{:?}", document.reasons);
    assert!(matches!(status.code(), Some(0 | 3)), "{:?}", document.reasons);
    assert!(bench.results().join("report.html").exists());
}

#[test]
fn a_run_whose_standard_streams_are_closed_ends_as_it_would_and_one_on_a_full_disk_says_so() {
    support::each([("<&- >&- 2>&-", 0), (">/dev/full", 4), ("2>/dev/full", 0)], |(streams, code)| {
        let bench = support::bench_without_docker();
        let file = bench.experiment(&support::quick("max < 60s"));
        let run = bench.run(&[&file, "--runtime", "process", "--repeats", "none"]);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec \"$@\" {streams}"), "sh"]).arg(run.get_program()).args(run.get_args());
        let output = command.output().expect("sh");
        let exit = bench.document().exit_code;
        let wanted = if code == 0 { i32::from(exit) } else { code };
        assert_eq!(output.status.code(), Some(wanted), "{streams}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{streams}");
    });
}
