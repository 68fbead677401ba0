//! What a lab consists of, and what has become of each part: seen from outside, whatever the parts themselves answer.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// A part of a lab that something outside can take hold of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// The process of a node's server.
    Server,
    /// The process of the database.
    Database,
    /// The place where control, probes and clients without a zone live.
    Clients,
    /// A zone.
    Zone,
    /// What holds the disks of the nodes.
    Disks,
    /// The link of a node or place to the network of the lab.
    Link,
    /// The network of the lab.
    Network,
}

/// Whose link it is, of the clients' place.
pub(crate) const CLIENTS_NAME: &str = "the clients";

/// Whose link it is, of a zone: its name may be that of a node.
pub(crate) fn zone_name(zone: &str) -> String {
    format!("zone `{zone}`")
}

/// How a process ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ending {
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its exit code, where it ended by itself.
    pub code: Option<i32>,
    /// Whether the kernel ended it for want of memory.
    pub out_of_memory: bool,
}

/// What has become of a part of a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectState {
    /// As it should be.
    Running,
    /// A process that is stopped, a container that is paused, a link that is down.
    Stopped,
    /// A process that has ended.
    Ended(Ending),
    /// It is no longer there.
    Missing,
}

/// How much the machine kept a process waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// The process.
    pub process: u32,
    /// How long its first thread has waited for a processor so far, ns.
    pub waited: u64,
    /// Whether that thread is blocked now and cannot be interrupted: it waits for a disk, most likely.
    pub blocked: bool,
}

/// One part of a lab at one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name: that of the node or of the zone; of a link, whose it is; empty where there is only one of its kind.
    pub name: String,
    /// What has become of it.
    pub state: ObjectState,
    /// By what means, where that is known.
    pub how: &'static str,
    /// Of a process that runs.
    pub load: Option<Load>,
}

impl Sight {
    pub(crate) fn new(kind: ObjectKind, name: &str, state: ObjectState) -> Self {
        Self { kind, name: name.to_owned(), state, how: "", load: None }
    }
}

/// The first thread of a process, its files in `/proc` held open: they never mean another process, and reading them is cheap.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) pid: u32,
    stat: File,
    schedstat: Option<File>,
}

impl Task {
    /// That of a process; `None` when it has ended.
    pub(crate) fn open(pid: u32) -> Option<Self> {
        let stat = File::open(format!("/proc/{pid}/stat")).ok()?;
        // Kernels without scheduler statistics tell nothing of waits.
        Some(Self { pid, stat, schedstat: File::open(format!("/proc/{pid}/schedstat")).ok() })
    }

    /// Its state, running or stopped, and what it waited for; `None` once it has ended.
    pub(crate) fn look(&self) -> Option<(ObjectState, Option<Load>)> {
        let mut buffer = [0; 1024];
        let length = self.stat.read_at(&mut buffer, 0).ok()?;
        let letter = super::state::letter(&String::from_utf8_lossy(buffer.get(..length)?))?;
        match letter {
            'Z' | 'X' | 'x' => None,
            'T' | 't' => Some((ObjectState::Stopped, None)),
            letter => {
                let load = |waited| Load { process: self.pid, waited, blocked: letter == 'D' };
                Some((ObjectState::Running, self.waited().map(load)))
            }
        }
    }

    fn waited(&self) -> Option<u64> {
        let mut buffer = [0; 128];
        let length = self.schedstat.as_ref()?.read_at(&mut buffer, 0).ok()?;
        std::str::from_utf8(buffer.get(..length)?).ok()?.split_whitespace().nth(1)?.parse().ok()
    }
}

/// How often the count of processes that the kernel ended for want of memory is read anew.
const COUNTED_EVERY: Duration = Duration::from_secs(1);

/// Whether the kernel ended a process for want of memory a moment ago. It counts them for the whole machine.
#[derive(Debug)]
pub(crate) struct OutOfMemory {
    count: Option<u64>,
    read: Instant,
}

impl Default for OutOfMemory {
    fn default() -> Self {
        Self { count: Self::count(), read: Instant::now() }
    }
}

impl OutOfMemory {
    /// To be called at every look, so that what is old is not taken for new.
    pub(crate) fn refresh(&mut self) {
        if self.read.elapsed() >= COUNTED_EVERY {
            *self = Self::default();
        }
    }

    /// Whether it has ended one since the count was read last.
    pub(crate) fn struck(&self) -> bool {
        Self::count() > self.count
    }

    fn count() -> Option<u64> {
        let text = fs::read_to_string("/proc/vmstat").ok()?;
        text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread::sleep;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    #[test]
    fn a_process_is_seen_to_run_to_stop_and_to_end() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let task = Task::open(child.id()).unwrap();
        let pid = Pid::from_child(&child);
        let until = |wanted: fn(Option<(ObjectState, Option<Load>)>) -> bool| {
            let since = Instant::now();
            while !wanted(task.look()) {
                assert!(since.elapsed() < Duration::from_secs(10), "it is {:?}", task.look());
                sleep(Duration::from_millis(1));
            }
        };
        until(|seen| matches!(seen, Some((ObjectState::Running, _))));
        kill_process(pid, Signal::STOP).unwrap();
        until(|seen| matches!(seen, Some((ObjectState::Stopped, None))));
        kill_process(pid, Signal::CONT).unwrap();
        until(|seen| matches!(seen, Some((ObjectState::Running, _))));
        child.kill().unwrap();
        until(|seen| seen.is_none());
        child.wait().unwrap();
        assert_eq!(task.look(), None, "nor does its id mean another process");
    }
}
