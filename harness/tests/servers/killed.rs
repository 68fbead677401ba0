//! The tool is killed without a word, and everything it made without Docker goes with it at once.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use redquake_reports::result::{Document, TrialStatus, Verdict};

use crate::leftovers::{all, describe, holders, marked, namespaces, ticks, until};
use crate::support::{self, Bench, Reaped};

/// The kernel needs a moment to end some twenty processes.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How many instants; `REDQUAKE_TEST_KILLS` in the environment asks for another number, `ci/test --all` for a hundred.
const INSTANTS: u32 = 12;
/// The same instants in every run of the tests.
const SEED: u64 = 3;
/// A tool lives about this long: from before its namespaces exist, over bring-up, partition and outage, to its reports.
const LIFE: Duration = Duration::from_millis(3200);
/// Tools alive at once. Nothing is measured here, so the machine may be busy.
const AT_A_TIME: usize = 6;
/// Marks the processes of one start, by their environment.
const MARK: &str = "REDQUAKE_TEST_MARK";

const EXPERIMENT: &str = "version: 1
name: killed
topology: { kind: sentinel, config: { sentinel: { down-after-milliseconds: 1000 } } }
duration: 2500ms
workloads:
  - { name: locks, kind: lock, clients: 4, rate: 100/s, keys: 8, ttl: 1s, hold: 20ms }
faults:
  - { name: lag, at: 200ms, for: 600ms, action: partition, from: { role: primary }, to: { role: replica } }
  - { name: crash, at: 1s, action: kill, target: { role: primary } }
assert:
  - { metric: failover.write_gap, expect: \"max < 3s\" }
";

/// So many instants in the first second of a trial, from its first moment on.
const IN_A_TRIAL: [u64; 8] = [0, 1, 5, 20, 100, 300, 600, 1000];
/// Longest wait for that trial.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn a_run_killed_in_the_first_second_of_its_first_or_a_later_trial_is_told_with_every_trial_that_began() {
    let cases = [1, 2].into_iter().flat_map(|trial| IN_A_TRIAL.map(|wait| (trial, wait)));
    support::each(cases, |(trial, wait)| {
        let when = format!("killed {wait} ms after trial {trial} began");
        let bench = support::bench_without_docker();
        let document = killed_after(&bench, &format!("trial-{trial:03}"), wait);
        assert_eq!(document.trials.len(), trial, "{when}: a trial that began has a row");
        let last = &document.trials[trial - 1];
        assert_ne!(last.status, TrialStatus::Conclusive, "{when}");
        assert!(last.damage.is_some(), "{when}: {:?}", last.reasons);
        assert_eq!(document.not_begun, (trial as u32 + 1..=3).collect::<Vec<_>>(), "{when}");
        assert!(document.reasons.iter().any(|reason| reason.contains("the tool was killed")), "{when}: {:?}", document.reasons);
    });
}

#[test]
fn a_run_killed_before_its_first_trial_can_be_read() {
    let bench = support::bench_without_docker();
    let document = killed_after(&bench, "run.json", 0);
    assert!(document.trials.len() <= 1, "{:?}", document.trials.len());
    assert_eq!(document.verdict, Verdict::Inconclusive);
}

/// What `analyze` makes of a run of three trials that was killed so many milliseconds after something appeared in its folder.
fn killed_after(bench: &Bench, appeared: &str, wait: u64) -> Document {
    let file = bench.experiment(&format!("{EXPERIMENT}trials: 3\n"));
    let mut command = bench.run(&[&file, "--runtime", "process"]);
    let mut tool = Reaped(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"));
    let (latest, began) = (bench.out.path().join("latest"), Instant::now());
    while !latest.join(appeared).exists() {
        assert!(began.elapsed() < LIMIT && tool.0.try_wait().expect("redquake").is_none(), "{appeared} never was there");
        std::thread::sleep(Duration::from_micros(200));
    }
    std::thread::sleep(Duration::from_millis(wait));
    tool.0.kill().expect("killed");
    tool.0.wait().expect("ended");
    let ended = support::finish(support::redquake().arg("analyze").arg(&latest));
    let told = format!("{:?} {}{}", ended.code, ended.stdout, ended.stderr);
    assert!(matches!(ended.code, Some(1 | 3 | 4)), "killed {wait} ms after {appeared}: {told}");
    let document = bench.document();
    assert_ne!(document.verdict, Verdict::Pass);
    document
}

#[test]
fn no_process_namespace_mount_interface_or_file_outlives_a_tool_that_was_killed_at_any_instant() {
    let bench = support::bench_alone();
    let file = bench.experiment(EXPERIMENT);
    // Server software is fetched, if it must be, before the instants are counted.
    let whole = support::finish(&mut bench.run(&[&file, "--runtime", "process"]));
    assert!(matches!(whole.code, Some(0 | 1 | 3)), "{}{}", whole.stdout, whole.stderr);

    let count = std::env::var("REDQUAKE_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(INSTANTS);
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let instants: Vec<Duration> = (0..count).map(|_| LIFE.mul_f64(random.random_range(0.0..1.0))).collect();
    let (next, cut_short, served) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(wait) = instants.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let seen = kill_once(&bench, &file, *wait);
                    cut_short.fetch_add(u32::from(seen.cut_short), Ordering::Relaxed);
                    served.fetch_add(u32::from(seen.inside >= 6), Ordering::Relaxed);
                }
            });
        }
    });
    nothing_of_ours_on_the_machine();
    let (cut_short, served) = (cut_short.into_inner(), served.into_inner());
    eprintln!("{count} instants of seed {SEED}: {cut_short} before the tool had ended, {served} with all servers running");
    assert!(cut_short * 10 >= count * 8, "only {cut_short} of {count} tools were killed before they ended");
    assert!(served * 2 >= count, "servers ran in only {served} of {count} tools that were killed");
}

struct Seen {
    /// The tool was still at work.
    cut_short: bool,
    /// So many processes lived in its namespaces.
    inside: usize,
}

fn kill_once(bench: &Bench, file: &str, wait: Duration) -> Seen {
    let bench = bench.again();
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let mark = format!("{}-{}", std::process::id(), uuid::Uuid::new_v4());
    let mut command = bench.run(&[file, "--runtime", "process"]);
    command.current_dir(elsewhere.path()).env(MARK, &mark).env("TMPDIR", elsewhere.path());
    let mut tool = Reaped(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"));
    std::thread::sleep(wait);
    let mark = format!("{MARK}={mark}");
    // Servers have an environment and namespaces of their own; they are of the tool's family.
    let family: Vec<u32> = marked(&mark).into_iter().chain(descendants(tool.0.id())).collect();
    let (namespaces, before) = (namespaces(&family), ticks());
    let inside = holders(&namespaces, before).len();
    tool.0.kill().expect("killed");
    let killed = Instant::now();
    let status = tool.0.wait().expect("ended");
    let mut left = Vec::new();
    let gone = until(AT_ONCE, || {
        left = marked(&mark).into_iter().chain(holders(&namespaces, before)).map(describe).collect();
        left.is_empty().then_some(())
    });
    assert!(gone.is_some(), "killed after {wait:?}; left {:?} later: {left:?}", killed.elapsed());
    let files: Vec<_> = std::fs::read_dir(elsewhere.path()).expect("the folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(files.is_empty(), "killed after {wait:?}; files outside the results folder: {files:?}");
    Seen { cut_short: status.signal() == Some(9), inside }
}

/// Links, names of namespaces and mounts as the runtime makes them inside, looked for outside.
fn nothing_of_ours_on_the_machine() {
    let link = |name: &str| name.strip_prefix('l').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    let ours = |name: &str| link(name) || name.starts_with("lab") || name.contains("redquake");
    for place in ["/sys/class/net", "/run", "/run/netns"] {
        let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
        let found: Vec<_> = entries.map(|entry| entry.file_name()).filter(|name| ours(&name.to_string_lossy())).collect();
        assert!(found.is_empty(), "{place}: {found:?}");
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    let found: Vec<_> = mounts.lines().filter(|line| line.contains(" - tmpfs redquake ") || line.contains("/run/redquake")).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// A process's children, their children, and so on.
fn descendants(of: u32) -> Vec<u32> {
    let parent = |pid: u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().find_map(|line| line.strip_prefix("PPid:")).and_then(|field| field.trim().parse::<u32>().ok())
    };
    let parents: Vec<(u32, u32)> = all().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![of];
    let mut next = 0;
    while let Some(one) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == one).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}
