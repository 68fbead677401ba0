//! Tools that are killed at random instants leave servers in Docker; `clean` or the next run removes all of it, and nothing else.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::everything::{self, Moment};
use crate::host::Host;
use crate::leftovers::until;
use crate::support::{self, Bench, Reaped};

/// How many instants; `REDQUAKE_TEST_KILLS` in the environment asks for another number, `ci/test --all` for a hundred.
const INSTANTS: u32 = 6;
/// The same instants in every run of the tests.
const SEED: u64 = 9;
/// Tools alive at once. Nothing is measured here, so the machine may be busy.
const AT_A_TIME: usize = 4;

#[test]
#[ignore = "a minute in Docker: ci/test --all"]
fn nothing_of_a_tool_killed_at_any_instant_is_left_in_docker_once_clean_or_the_next_run_has_looked() {
    let Some(bench) = support::bench() else { return };
    let file = bench.experiment(everything::EXPERIMENT);
    let host = Host::now();
    // Server software is fetched, if it must be, before the instants are counted.
    let whole = support::finish(&mut bench.run(&[&file, "--runtime", "docker"]));
    assert!(matches!(whole.code, Some(0 | 1 | 3)), "{}{}", whole.stdout, whole.stderr);
    assert_eq!(whole.residue, Vec::<String>::new());

    let count = std::env::var("REDQUAKE_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(INSTANTS);
    let instants = everything::instants(count, SEED);
    let (next, cut_short, left, injected) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let Some(moment) = instants.get(turn as usize) else { return };
                    let killed = kill_once(&bench, &file, *moment);
                    cut_short.fetch_add(u32::from(killed.cut_short), Ordering::Relaxed);
                    left.fetch_add(u32::from(killed.objects > 0), Ordering::Relaxed);
                    injected.fetch_add(u32::from(killed.injected), Ordering::Relaxed);
                    if turn % 2 == 0 {
                        cleaned();
                    } else {
                        next_run(&bench, &file);
                    }
                    killed.nothing_left(*moment);
                }
            });
        }
    });
    let (cut_short, left, injected) = (cut_short.into_inner(), left.into_inner(), injected.into_inner());
    eprintln!(
        "{count} instants of seed {SEED}: {cut_short} before the tool had ended, {left} with objects in Docker, {injected} with faults"
    );
    assert!(cut_short * 10 >= count * 8, "only {cut_short} of {count} tools were killed before they ended");
    assert!(left * 10 >= count * 8, "only {left} of {count} tools that were killed left anything");
    assert!(injected * 5 >= count, "faults were active in only {injected} of {count} tools that were killed");
    assert_eq!(host.differences(&Host::now()), Vec::<String>::new(), "the machine itself has changed");
}

/// What was there when a tool was killed.
struct Killed {
    pid: u32,
    /// The tool was still at work.
    cut_short: bool,
    /// Objects in Docker right after.
    objects: usize,
    /// A fault had been announced and not been reverted.
    injected: bool,
    /// Bridges of its networks on the machine, and the links that led into its containers.
    links: BTreeSet<String>,
}

fn kill_once(bench: &Bench, file: &str, moment: Moment) -> Killed {
    let bench = bench.again();
    let mut tool = start(&bench, file);
    moment.wait(&bench, &mut tool);
    let pid = tool.0.id();
    let links = links_of(pid);
    let ledger = everything::ledger(&bench.out.path().join("latest"));
    let injections = ledger.iter().filter(|(step, _)| step == "inject").count();
    tool.0.kill().expect("killed");
    let status = tool.0.wait().expect("ended");
    let objects = support::owned_by(pid).len();
    Killed { pid, cut_short: status.signal() == Some(9), objects, injected: ledger.len() - injections < injections, links }
}

fn start(bench: &Bench, file: &str) -> Reaped {
    let mut command = bench.run(&[file, "--runtime", "docker"]);
    Reaped(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"))
}

fn links_of(pid: u32) -> BTreeSet<String> {
    let format = "{{.ID}} {{.Label \"redquake.owner\"}}";
    let output = Command::new("docker").args(["network", "ls", "--filter", "label=redquake.owner", "--format", format]).output();
    let text = String::from_utf8_lossy(&output.expect("docker").stdout).into_owned();
    let ours = text.lines().filter(|line| line.contains(&format!(":{pid}:"))).filter_map(|line| line.split(' ').next());
    let mut links = BTreeSet::new();
    for network in ours {
        let bridge = format!("br-{network}");
        let members = std::fs::read_dir(format!("/sys/class/net/{bridge}/brif")).into_iter().flatten().flatten();
        links.extend(members.map(|member| member.file_name().to_string_lossy().into_owned()));
        links.insert(bridge);
    }
    links
}

fn cleaned() {
    let ended = support::finish(support::redquake().arg("clean"));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("which lives: removed"), "{}", ended.stdout);
}

/// A run that has begun has looked for what others left. It is interrupted, and leaves nothing either.
fn next_run(bench: &Bench, file: &str) {
    let bench = bench.again();
    let mut tool = start(&bench, file);
    Moment::BEGUN.wait(&bench, &mut tool);
    let pid = tool.0.id();
    let sent = Command::new("kill").args(["-s", "INT", &pid.to_string()]).status().expect("kill");
    assert!(sent.success());
    assert_eq!(tool.0.wait().expect("ended").code(), Some(130));
    assert_eq!(support::owned_by(pid), Vec::<String>::new());
}

impl Killed {
    fn nothing_left(&self, moment: Moment) {
        assert_eq!(support::owned_by(self.pid), Vec::<String>::new(), "{moment:?}");
        // The kernel takes a moment to remove the links of a namespace that is gone.
        let exists = |link: &&String| std::path::Path::new("/sys/class/net").join(link).exists();
        let mut links = Vec::new();
        let gone = until(Duration::from_secs(5), || {
            links = self.links.iter().filter(exists).collect();
            links.is_empty().then_some(())
        });
        assert!(gone.is_some(), "{moment:?}: links {links:?}");
        for rules in ["nft list ruleset", "iptables-save", "tc qdisc show"] {
            let mut words = rules.split(' ');
            let Ok(output) = Command::new(words.next().unwrap_or_default()).args(words).output() else { continue };
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let found: Vec<&String> = self.links.iter().filter(|link| text.contains(link.as_str())).collect();
            assert!(found.is_empty(), "{moment:?}: `{rules}` still knows {found:?}");
        }
    }
}
