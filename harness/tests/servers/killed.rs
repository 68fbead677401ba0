//! The tool is killed without a word, and servers that run without Docker go with it at once.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{self, Reaped};

/// The kernel needs a moment to end some twenty processes.
const AT_ONCE: Duration = Duration::from_secs(1);

#[test]
fn no_process_outlives_a_tool_that_was_killed_at_any_instant_when_servers_run_without_docker() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(&support::quick("max < 3s"));
    let mut seen = 0;
    for instant in 0..12u64 {
        let bench = bench.again();
        let mut tool =
            Reaped(bench.run(&[&file, "--runtime", "process"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"));
        // From before the namespaces exist, over bring-up and outage, into recovery.
        std::thread::sleep(Duration::from_millis(5 + instant * instant * 30));
        let family = descendants(tool.0.id());
        seen = seen.max(family.len());
        tool.0.kill().expect("killed");
        tool.0.wait().expect("ended");
        let killed = Instant::now();
        while let Some(left) = family.iter().find(|process| process.lives()) {
            assert!(killed.elapsed() < AT_ONCE, "{left:?} outlived the tool, killed at instant {instant}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    assert!(seen > 6, "the servers were among what was killed: {seen} processes at most");
}

/// A process, told apart from a later one with the same id by its start.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    pid: u32,
    started: u64,
}

impl Process {
    /// Whether it still runs; what has ended and was not yet waited for does not.
    fn lives(&self) -> bool {
        stat(self.pid).is_some_and(|(state, _, started)| started == self.started && state != 'Z' && state != 'X')
    }
}

/// State, parent and start of a process.
fn stat(pid: u32) -> Option<(char, u32, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields.first()?.chars().next()?, fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?))
}

/// The process and everything below it, right now.
fn descendants(root: u32) -> Vec<Process> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let pids = std::fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for pid in pids {
        if let Some((_, parent, _)) = stat(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(pid) = next.pop() {
        if let Some((_, _, started)) = stat(pid) {
            found.push(Process { pid, started });
        }
        next.extend(children.remove(&pid).unwrap_or_default());
    }
    found
}
