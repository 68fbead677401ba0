//! What is left of a killed tool: its processes, by a mark in their environment, and whoever holds its namespaces.
//!
//! The tests of the harness look for the same and include this file.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

pub fn until<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = condition() {
            return Some(found);
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn all() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Living processes with the mark in their environment.
pub fn marked(mark: &str) -> Vec<u32> {
    let has = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    all().filter(has).collect()
}

/// The namespaces of these processes that are not those of the tests.
pub fn namespaces(pids: &[u32]) -> BTreeSet<String> {
    let of = |pid: &str| -> BTreeSet<String> {
        let kinds = ["net", "mnt", "pid", "user"];
        let links = kinds.into_iter().filter_map(|kind| std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok());
        links.map(|link| link.to_string_lossy().into_owned()).collect()
    };
    let own = of("self");
    pids.iter().flat_map(|pid| of(&pid.to_string())).filter(|namespace| !own.contains(namespace)).collect()
}

/// Clock ticks since the machine was started, 100 to the second as in `/proc/<pid>/stat`.
pub fn ticks() -> u64 {
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    (uptime.split(' ').next().unwrap().parse::<f64>().unwrap() * 100.0) as u64
}

/// Processes that live in one of the namespaces, or see one of them mounted. Those started since are others': the kernel
/// gives the number of a namespace that is gone to the next one. One that has ended is but a line in the process table until
/// the machine's init notices, which takes some of them seconds.
pub fn holders(names: &BTreeSet<String>, before: u64) -> Vec<u32> {
    let holds = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
        let started = fields.get(19).and_then(|field| field.parse::<u64>().ok());
        if fields.first() == Some(&"Z") || started.is_none_or(|started| started > before) {
            return false;
        }
        let lives = namespaces(&[*pid]).iter().any(|namespace| names.contains(namespace));
        let mounts = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
        lives || names.iter().any(|name| mounts.contains(name.as_str()))
    };
    all().filter(holds).collect()
}

pub fn command(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ")
}

/// What it is, whose child, and whether it is about to end.
pub fn describe(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim().to_owned();
    format!("{pid} (child of {}, {}) {}", field("PPid:"), field("State:"), command(pid))
}
