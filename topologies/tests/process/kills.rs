//! SIGKILL of any of the processes at any instant leaves nothing.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use crate::Test;
use crate::leftovers::{all, command, describe, holders, marked, namespaces, ticks, until};
use crate::user::User;

pub const TESTS: &[Test] = &[
    ("killing_the_supervisor_at_any_instant_leaves_nothing", |user| instants(user, Victim::Supervisor)),
    ("killing_unshare_at_any_instant_leaves_nothing", |user| instants(user, Victim::Unshare)),
    ("killing_init_at_any_instant_leaves_nothing", |user| instants(user, Victim::Init)),
    ("killing_the_tool_inside_at_any_instant_leaves_nothing", |user| instants(user, Victim::Tool)),
];

/// Marks the processes of one start, by their environment.
const MARK: &str = "REDQUAKE_TEST_MARK";

#[derive(Debug, Clone, Copy)]
enum Victim {
    Supervisor,
    Unshare,
    Init,
    Tool,
}

impl Victim {
    /// Steps down from the supervisor.
    fn depth(self) -> usize {
        match self {
            Self::Supervisor => 0,
            Self::Unshare => 1,
            Self::Init => 2,
            Self::Tool => 3,
        }
    }
}

/// Twelve instants between the start and well after the servers run; more with `REDQUAKE_TEST_KILLS`.
fn instants(user: &User, victim: Victim) -> Result<(), Failed> {
    let count = std::env::var("REDQUAKE_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let mut slowest = Duration::ZERO;
    for index in 0..count {
        // Golden-ratio steps: evenly spread, whatever their number, and the same in every run.
        let fraction = (f64::from(index) * 0.618_033_988_749_895).fract();
        slowest = slowest.max(kill_once(user, victim, Duration::from_secs_f64(0.3 * fraction))?);
    }
    eprintln!("{victim:?} killed {count} times: all gone within {slowest:?}");
    Ok(())
}

/// Ends with the test, also with one that fails.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How long it took until nothing was left.
fn kill_once(user: &User, victim: Victim, wait: Duration) -> Result<Duration, Failed> {
    let mark = format!("{MARK}={}-{}", std::process::id(), uuid::Uuid::new_v4());
    let folder = user.folder();
    let mut tool = user.tool(&["hold"]);
    tool.env(MARK, mark.split_once('=').unwrap().1);
    for variable in ["HOME", "TMPDIR", "XDG_CACHE_HOME"] {
        tool.env(variable, folder.path());
    }
    let mut started = Started(tool.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?);
    let supervisor = &mut started.0;
    std::thread::sleep(wait);
    let target = until(Duration::from_secs(10), || descendant(supervisor, victim.depth()));
    let target = target.ok_or_else(|| format!("no {victim:?} appeared"))?;
    let namespaces = namespaces(&marked(&mark));
    let before = ticks();
    let killed = Instant::now();
    kill_process(target, Signal::KILL)?;
    let status = supervisor.wait()?;
    let mut said = String::new();
    if let Some(mut stderr) = supervisor.stderr.take() {
        stderr.read_to_string(&mut said)?;
    }
    match victim {
        Victim::Supervisor => assert_eq!(status.signal(), Some(9)),
        Victim::Init | Victim::Unshare | Victim::Tool => {
            assert_eq!(status.code(), Some(4), "{victim:?} killed after {wait:?}: {said}");
            // Killed before anything inside was seen, the first process inside cannot be told from one that never was.
            let named = said.contains("killed") && said.contains("SIGKILL");
            assert!(named || (matches!(victim, Victim::Init) && said.contains("namespaces")), "{victim:?} killed after {wait:?}: {said}");
        }
    }
    let mut left: Vec<String> = Vec::new();
    let gone = until(Duration::from_secs(2), || {
        left = marked(&mark).into_iter().chain(holders(&namespaces, before)).map(describe).collect();
        left.is_empty().then(|| killed.elapsed())
    });
    let taken = gone.ok_or_else(|| format!("{victim:?} killed after {wait:?}; left after 2 s: {left:?}"))?;
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 0, "files left behind");
    Ok(taken)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn descendant(supervisor: &Child, depth: usize) -> Option<Pid> {
    let mut pid = supervisor.id();
    for _ in 0..depth {
        // Not the `unshare` that only tries whether namespaces are allowed.
        let on_the_way = |each: &u32| parent(*each) == Some(pid) && (pid != supervisor.id() || command(*each).contains("__redquake"));
        pid = all().find(on_the_way)?;
    }
    Pid::from_raw(pid as i32)
}
