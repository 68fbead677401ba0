//! Something outside the lab kills, freezes, removes or cuts off a part of it at a random instant: it is noticed, named, and judged as
//! nothing else. A server that ends by itself is the opposite: its end is a result.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::history::Reader;
use redquake_reports::result::{Trial, TrialStatus, Verdict};

use crate::leftovers::{all, command};
use crate::support::{self, Bench, Reaped};

/// How many tries; `REDQUAKE_TEST_KILLS` in the environment asks for another number, `ci/test --all` for a hundred.
const TRIES: u32 = 6;
/// The same in Docker, where each takes several seconds.
const TRIES_IN_DOCKER: u32 = 10;
/// The same tries in every run of the tests.
const SEED: u64 = 21;
/// How often a try is made that comes too late.
const AGAIN: u32 = 4;
/// Tries at once: nothing is measured here.
const AT_A_TIME: usize = 3;
/// Longest wait for a run, or for its measured time to begin.
const LIMIT: Duration = Duration::from_secs(120);
/// The measured time, less what it takes to do something in it.
const MEASURED: Duration = Duration::from_millis(2500);

/// Nodes of the set, dead or alive.
const NODES: usize = 6;

/// Half of the tries meet a trial in which a fault kills the primary as well.
const EXPERIMENT: &str = "version: 1
name: outside
topology: { kind: sentinel, config: { sentinel: { down-after-milliseconds: 1000 } } }
duration: 3s
workloads:
  - { name: locks, kind: lock, clients: 2, rate: 50/s, keys: 8, ttl: 1s, hold: 20ms, zone: a }
";
const CRASH: &str = "faults:\n  - { name: crash, at: 1s, action: kill, target: { node: redis-1 } }\n";

/// What is done, and to what: the words by which it must be named.
struct Deed {
    told: String,
    wanted: Vec<String>,
    /// When it was certainly done; its effect may last longer.
    done: SystemTime,
}

impl Deed {
    fn now(told: String, wanted: Vec<String>) -> Self {
        Self { told, wanted, done: SystemTime::now() }
    }
}

#[test]
fn whatever_something_outside_does_to_servers_and_links_is_named() {
    random_tries("process", tries(TRIES), meddle_with_processes);
}

#[test]
#[ignore = "minutes in Docker: ci/test --all"]
fn whatever_something_outside_does_to_containers_and_networks_is_named() {
    let Some(_bench) = support::bench() else { return };
    random_tries("docker", tries(TRIES_IN_DOCKER), meddle_with_containers);
}

fn tries(otherwise: u32) -> u32 {
    std::env::var("REDQUAKE_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn random_tries(runtime: &str, count: u32, meddle: fn(u32, &mut ChaCha8Rng) -> Deed) {
    let bench = (runtime == "process").then(support::bench_without_docker);
    let (next, table) = (AtomicU32::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(count as usize) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    // On a busy machine what is done may come after the end of the trial: that was no try.
                    let line = (0..AGAIN).find_map(|again| one_try(runtime, number, again, meddle).transpose());
                    let line = line.unwrap_or_else(|| Err("every try came too late".to_owned()));
                    eprintln!("{runtime} {number}: {line:?}");
                    table.lock().expect("the table").push((number, line));
                }
            });
        }
    });
    drop(bench);
    let table = table.into_inner().expect("the table");
    let wrong: Vec<_> = table.iter().filter(|(_, line)| line.is_err()).collect();
    assert!(wrong.is_empty() && table.len() == count as usize, "{} of {count} tries of seed {SEED}: {wrong:#?}", wrong.len());
}

/// What was done and how it was told; an error is what was not told so. Nothing if it was done too late.
fn one_try(runtime: &str, number: u32, again: u32, meddle: fn(u32, &mut ChaCha8Rng) -> Deed) -> Result<Option<String>, String> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED * 1000 + u64::from(number * AGAIN + again));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("experiment.yaml");
    let faults = if random.random_bool(0.5) { CRASH } else { "" };
    fs::write(&file, format!("{EXPERIMENT}{faults}")).expect("the experiment");
    let mut run = support::redquake();
    run.arg("run").arg("--out").arg(folder.path()).arg(&file).args(["--runtime", runtime]);
    let mut tool = Reaped(run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"));
    let pid = tool.0.id();
    measuring(folder.path(), &mut tool)?;
    sleep(MEASURED.mul_f64(random.random_range(0.0..1.0)));
    let deed = meddle(pid, &mut random);
    let told = deed.told.clone();
    // Its repeat would tell nothing new.
    let repeat = folder.path().join("latest/trial-002");
    ended(&mut tool, || repeat.exists()).map_err(|why| format!("{told}: {why}"))?;
    let document = support::document(&folder.path().join("latest"));
    let trial = document.trials.first().ok_or_else(|| format!("{told}: there is no trial"))?;
    let named = trial
        .reasons
        .iter()
        .find(|reason| reason.contains("something outside the lab") && deed.wanted.iter().all(|words| reason.contains(words.as_str())));
    match (trial.status, named) {
        (TrialStatus::Inconclusive, Some(reason)) if trial.crashes.is_empty() => Ok(Some(format!("{told} -> {reason}"))),
        _ if deed.done >= end_of(&folder.path().join("latest"), trial) => Ok(None),
        (status, _) => Err(format!("{told}: {status:?}, crashes {:?}, reasons {:#?}", trial.crashes, trial.reasons)),
    }
}

/// When the measured time of a trial ended, by the wall clock.
fn end_of(folder: &Path, trial: &Trial) -> SystemTime {
    let file = fs::File::open(folder.join(&trial.history)).expect("a history");
    let began: jiff::Timestamp = Reader::open(file).expect("a history").header().began.parse().expect("a time");
    SystemTime::from(began) + Duration::from_nanos(trial.end)
}

/// Waits until the measured time of the first trial has begun.
fn measuring(folder: &Path, tool: &mut Reaped) -> Result<(), String> {
    let (ledger, began) = (folder.join("latest/trial-001/ledger.ndjson"), Instant::now());
    while !ledger.exists() {
        if began.elapsed() > LIMIT || tool.0.try_wait().expect("redquake").is_some() {
            return Err("its measured time never began".to_owned());
        }
        sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Waits for the end of a run, which is told to end once there is enough of it.
fn ended(tool: &mut Reaped, enough: impl Fn() -> bool) -> Result<Option<i32>, String> {
    let (began, mut told) = (Instant::now(), false);
    loop {
        if let Some(status) = tool.0.try_wait().expect("redquake") {
            return Ok(status.code());
        }
        if !told && enough() {
            told = true;
            send("INT", tool.0.id());
        }
        if began.elapsed() > LIMIT {
            return Err("the run did not end".to_owned());
        }
        sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, pid: u32) -> bool {
    Command::new("kill").args(["-s", signal, &pid.to_string()]).stderr(Stdio::null()).status().expect("kill").success()
}

/// When it was frozen.
fn freeze(pid: u32, random: &mut ChaCha8Rng) -> SystemTime {
    send("STOP", pid);
    let done = SystemTime::now();
    sleep(Duration::from_millis(random.random_range(100..2000)));
    send("CONT", pid);
    done
}

/// Processes of which one is an ancestor.
fn descendants(ancestor: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = all().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![ancestor];
    let mut place = 0;
    while let Some(pid) = found.get(place).copied() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
        place += 1;
    }
    found.split_off(1)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// The servers of a run by the names of their nodes, told by the folders they work in.
fn servers(tool: u32) -> Vec<(String, u32)> {
    let server = |pid: u32| {
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        let name = folder.file_name()?.to_string_lossy().into_owned();
        (folder.starts_with("/run/redquake") && command(pid).contains("redis-server")).then_some((name, pid))
    };
    let mut found: Vec<(String, u32)> = descendants(tool).into_iter().filter_map(server).collect();
    found.sort();
    found
}

fn pick<T: Clone>(random: &mut ChaCha8Rng, of: &[T]) -> T {
    of[random.random_range(0..of.len())].clone()
}

fn meddle_with_processes(tool: u32, random: &mut ChaCha8Rng) -> Deed {
    let servers = servers(tool);
    let (node, pid) = pick(random, &servers);
    let deed = |what: &str, wanted: &[&str]| {
        Deed::now(format!("{what} {node}"), wanted.iter().map(|words| (*words).to_owned()).chain([node.clone()]).collect())
    };
    match random.random_range(0..8) {
        0 | 1 => {
            send("KILL", pid);
            deed("SIGKILL", &["killed", "SIGKILL"])
        }
        2 | 3 => {
            let done = freeze(pid, random);
            Deed { done, ..deed("SIGSTOP", &["froze", "SIGSTOP"]) }
        }
        4 => {
            send("TERM", pid);
            deed("SIGTERM", &["to end", "exit code 0"])
        }
        5 => {
            send("SEGV", pid);
            deed("SIGSEGV", &["killed", "SIGSEGV"])
        }
        6 => {
            inside(pid, &["ip", "link", "set", "eth0", "down"]);
            deed("link down", &["took down the link of"])
        }
        _ => {
            // Servers are children of the tool inside, which lives where the bridge is.
            let tool = parent(pid).expect("the tool inside");
            let links = inside(tool, &["ip", "-o", "link"]);
            let places = [(links_of(&links, NODES), "the clients"), (links_of(&links, NODES + 1), "zone `a`")];
            let (link, whose) = pick(random, &places);
            inside(tool, &["ip", "link", "del", &link]);
            Deed::now(format!("link of {whose} deleted"), vec![format!("removed the link of {whose}")])
        }
    }
}

/// The link with a number among those of a lab: nodes come first, then clients, then zones.
fn links_of(listing: &str, number: usize) -> String {
    let names = listing.lines().filter_map(|line| line.split(": ").nth(1)?.split('@').next());
    let found = names.into_iter().find(|name| name.starts_with('l') && name.ends_with(&format!("n{number}")));
    found.unwrap_or_else(|| panic!("no link {number} in {listing}")).to_owned()
}

/// Runs a command in the network namespace of a process.
fn inside(pid: u32, words: &[&str]) -> String {
    let output = Command::new("nsenter").arg(format!("--net=/proc/{pid}/ns/net")).args(words).output().expect("nsenter");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn docker(words: &[&str]) -> String {
    let output = Command::new("docker").args(words).output().expect("docker");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn meddle_with_containers(tool: u32, random: &mut ChaCha8Rng) -> Deed {
    let format = "{{.Names}}|{{.Label \"redquake.owner\"}}|{{.Label \"redquake.node\"}}";
    let listing = docker(&["ps", "--filter", "label=redquake.owner", "--format", format]);
    let ours = listing.lines().filter(|line| line.contains(&format!(":{tool}:")));
    let mut containers: Vec<(String, String)> =
        ours.filter_map(|line| Some((line.split('|').next()?.to_owned(), line.split('|').nth(2)?.to_owned()))).collect();
    containers.sort();
    let (name, node) = pick(random, &containers);
    let place = match node.as_str() {
        "clients" => "the place of the clients".to_owned(),
        "zone a" => "zone `a`".to_owned(),
        node => node.to_owned(),
    };
    let whose = if node == "clients" { "the clients".to_owned() } else { place.clone() };
    let server = node.starts_with("redis") || node.starts_with("sentinel");
    let pid: u32 = docker(&["inspect", "--format", "{{.State.Pid}}", &name]).parse().unwrap_or_default();
    let deed = |what: &str, wanted: &[&str], whom: &str| {
        Deed::now(format!("{what} {node}"), wanted.iter().map(|words| (*words).to_owned()).chain([whom.to_owned()]).collect())
    };
    match random.random_range(0..8) {
        0 => {
            docker(&["kill", &name]);
            deed("docker kill", if server { &["killed", "SIGKILL"] } else { &["ended"] }, &place)
        }
        1 => {
            docker(&["pause", &name]);
            let done = SystemTime::now();
            sleep(Duration::from_millis(random.random_range(100..2000)));
            docker(&["unpause", &name]);
            Deed { done, ..deed("docker pause", &["froze", "docker pause"], &place) }
        }
        2 => {
            docker(&["stop", "--time", "1", &name]);
            deed("docker stop", if server { &["to end"] } else { &["ended"] }, &place)
        }
        3 => {
            docker(&["rm", "--force", &name]);
            // Whether its end or its removal is seen first is a matter of milliseconds.
            deed("docker rm", &[], &place)
        }
        4 | 5 => {
            let networks = docker(&["inspect", "--format", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}", &name]);
            docker(&["network", "disconnect", "--force", &networks, &name]);
            deed("docker network disconnect", &["removed the link of"], &whose)
        }
        6 if server => {
            docker(&["kill", "--signal", "SEGV", &name]);
            // The first process of a container survives it and writes a crash report, or meets a second one while it writes.
            deed("docker kill --signal SEGV", &[], &place)
        }
        6 => {
            send("KILL", pid);
            deed("SIGKILL", &["ended"], &place)
        }
        _ => {
            let done = freeze(pid, random);
            Deed { done, ..deed("SIGSTOP", &["froze", "SIGSTOP"], &place) }
        }
    }
}

/// An append-only file that must be written before anybody is answered: a full disk ends the server.
const FULL: &str = "version: 1
name: full
topology:
  kind: sentinel
  config: { redis: { appendonly: \"yes\", appendfsync: always }, sentinel: { down-after-milliseconds: 1000 } }
duration: 5s
workloads:
  - { name: locks, kind: lock, clients: 2, rate: 50/s, keys: 8, ttl: 1s, hold: 20ms }
faults:
  - { name: full, at: 500ms, for: 2s, action: disk-full, target: { role: primary } }
";

#[test]
fn a_server_that_ends_by_itself_fails_the_run_with_its_exit_code_and_its_last_words() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(FULL);
    let ended = support::finish(&mut bench.run(&[&file, "--runtime", "process", "--seed", "3"]));
    let document = bench.document();
    let trial = crashed(&document.trials, &ended.stdout);
    let crash = &trial.crashes[0];
    assert_eq!((crash.node.as_str(), crash.exit_code, crash.signal.as_deref()), ("redis-1", Some(1), None), "{crash:?}");
    assert!(crash.log.iter().any(|line| line.contains("AOF write error")), "{crash:?}");
    assert_eq!((document.verdict, ended.code), (Verdict::Fail, Some(1)), "{}", ended.stdout);
    assert!(ended.stdout.contains("crashed by itself (exit code 1)"), "{}", ended.stdout);
}

/// The trial that counts, whether or not a busy machine spoilt the one before it.
fn crashed<'t>(trials: &'t [Trial], said: &str) -> &'t Trial {
    let counts = |trial: &&Trial| trial.status == TrialStatus::Conclusive && trial.crashes.len() == 1;
    trials.iter().find(counts).unwrap_or_else(|| panic!("{said}"))
}

#[test]
fn an_inner_process_that_is_killed_is_named_with_exit_code_4_and_what_was_recorded_stays_readable() {
    for (depth, name) in [(1, "unshare"), (2, "the first process in the namespaces"), (3, "the inner process that performs the run")] {
        let bench = support::bench_without_docker();
        let file = bench.experiment(EXPERIMENT);
        let mut command = bench.run(&[&file, "--runtime", "process"]);
        let mut tool = Reaped(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("redquake"));
        measuring(bench.out.path(), &mut tool).expect("a trial");
        let victim = (0..depth).fold(tool.0.id(), |pid, _| child(pid));
        assert!(send("KILL", victim));
        let status = tool.0.wait().expect("redquake");
        let mut said = String::new();
        std::io::Read::read_to_string(&mut tool.0.stderr.take().expect("stderr"), &mut said).expect("what it said");
        assert_eq!(status.code(), Some(4), "{name}: {said}");
        assert!(said.contains(name) && said.contains("SIGKILL"), "{said}");
        readable(&bench);
    }
}

fn child(pid: u32) -> u32 {
    let ours = |each: &u32| parent(*each) == Some(pid) && command(*each).contains("redquake");
    all().find(ours).expect("a child of the tool")
}

fn readable(bench: &Bench) {
    let folder = bench.results();
    let analysed = support::finish(support::redquake().arg("analyze").arg(&folder));
    assert_eq!(analysed.code, Some(3), "{}{}", analysed.stdout, analysed.stderr);
    let trials = support::document(&folder).trials;
    assert_eq!(trials[0].status, TrialStatus::Inconclusive);
}
