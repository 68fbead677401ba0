//! What a sandbox may use of the machine.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// Least memory a server is given: what its allocator reserves is less.
const LEAST: u64 = 1 << 30;
/// Most memory a server is given, whatever the machine has.
const MOST: u64 = 16 << 30;
/// Where the kernel does not tell how much there is.
const UNKNOWN: u64 = 4 << 30;
/// Processes and threads of a server: main thread, background threads, I/O threads, a fork of all that.
const PROCESSES: u64 = 256;
/// The same where all sandboxes are counted as one user.
const PROCESSES_OF_ALL: u64 = 4096;
/// Files and connections: Redis' default of 10,000 clients, some times.
const OPEN_FILES: u64 = 65_536;

/// What a program may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Bytes of memory of each process, and of all its files together.
    pub(crate) memory: u64,
    /// Its processes and threads.
    pub(crate) processes: u64,
}

impl Limits {
    /// Of a server that shares the machine with so many others.
    pub(crate) fn of_server(servers: usize) -> Self {
        Self { memory: share(servers), processes: PROCESSES }
    }

    /// Of a program that only answers a question.
    pub(crate) fn of_question() -> Self {
        Self { memory: LEAST, processes: PROCESSES }
    }
}

/// Bytes of memory for each of so many servers: all of them together get three quarters of the machine, unless that is less than one
/// server needs.
pub(crate) fn share(servers: usize) -> u64 {
    share_of(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), servers)
}

fn share_of(meminfo: &str, servers: usize) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(UNKNOWN, |kib| kib * 1024);
    // Memory and files are limited separately, so a server can have its share twice.
    (total / 4 * 3 / 2 / u64::try_from(servers.max(1)).unwrap_or(u64::MAX)).clamp(LEAST, MOST) / 4096 * 4096
}

/// Sets the limits for good. `nested` tells whether a user namespace counts the processes of this sandbox alone.
pub(super) fn apply(limits: &Limits, nested: bool) -> io::Result<()> {
    let processes = if nested { limits.processes } else { PROCESSES_OF_ALL };
    // A file system that is full says so before a limit kills: `ENOSPC` is what servers know how to answer.
    let file = limits.memory.saturating_add(limits.memory / 4);
    for (resource, value) in [
        (Resource::Data, limits.memory),
        (Resource::Fsize, file),
        (Resource::Nproc, processes),
        (Resource::Nofile, OPEN_FILES),
        (Resource::Core, 0),
        (Resource::Memlock, 64 << 10),
        (Resource::Msgqueue, 64 << 10),
        (Resource::Rtprio, 0),
        (Resource::Nice, 0),
    ] {
        // What is limited more narrowly already stays so.
        let before = getrlimit(resource);
        let narrower = |limit: Option<u64>| Some(limit.map_or(value, |limit| limit.min(value)));
        setrlimit(resource, Rlimit { current: narrower(before.current), maximum: narrower(before.maximum) })?;
    }
    // Where the machine has no memory left all the same, this is what the kernel ends first.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_share_three_quarters_of_the_machine_as_memory_and_files() {
        assert_eq!(share_of("MemTotal:       24683656 kB\n", 6), 24_683_656 * 1024 / 4 * 3 / 2 / 6 / 4096 * 4096);
        assert_eq!(share_of("MemTotal:        2097152 kB\n", 6), LEAST);
        assert_eq!(share_of("MemTotal:     1048576000 kB\n", 1), MOST);
        assert_eq!(share_of("", 1), UNKNOWN / 4 * 3 / 2);
    }
}
