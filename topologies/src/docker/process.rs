//! The first process of a container, reached directly where this machine allows it.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use crate::namespace::Namespace;
use crate::runtime::{ServerState, Signal, start_time, state};

/// The first process of a container.
#[derive(Debug)]
pub(super) struct Process {
    /// Its id and start time, when it is a process of this machine.
    local: Option<(u32, u64)>,
    /// A handle that never means another process, also when the id is used again.
    handle: Option<OwnedFd>,
    /// Its network namespace, held open from the beginning because it cannot be found after the process died.
    namespace: Option<Namespace>,
}

impl Process {
    /// Looks at process `pid` of container `id`. It is one of this machine when its control group names the container: the id
    /// alone may mean another process where the engine runs elsewhere or in a virtual machine.
    pub(super) fn new(pid: u32, id: &str) -> Self {
        let local = is_of_container(pid, id).then(|| start_time(pid)).flatten().map(|started| (pid, started));
        let handle = local.and_then(|_| pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok());
        let namespace = local.and_then(|_| Namespace::of_process(pid).ok());
        Self { local, handle, namespace }
    }

    /// Its id, when it is a process of this machine that has not ended.
    pub(super) fn id(&self) -> Option<u32> {
        self.local.filter(|(pid, started)| start_time(*pid) == Some(*started)).map(|(pid, _)| pid)
    }

    /// Whether it is a process of this machine.
    pub(super) fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// Its network namespace, where this process may look at it.
    pub(super) fn namespace(&self) -> Option<Namespace> {
        self.namespace.clone()
    }

    /// Where its program can be read from here.
    pub(super) fn program(&self) -> Option<String> {
        self.local.map(|(pid, _)| format!("/proc/{pid}/exe"))
    }

    /// Where its root folder can be reached from here.
    pub(super) fn root(&self) -> Option<String> {
        self.local.map(|(pid, _)| format!("/proc/{pid}/root"))
    }

    /// Whether it exists; `None` when that cannot be seen from here.
    pub(super) fn exists(&self) -> Option<bool> {
        self.local.map(|(pid, started)| start_time(pid) == Some(started))
    }

    /// What the kernel says of it; `None` when that cannot be seen from here.
    pub(super) fn state(&self) -> Option<ServerState> {
        self.local.map(|(pid, started)| state(pid, started))
    }

    /// Sends a signal directly and returns the instants right before and right after; `None` when this process may not.
    pub(super) fn signal(&self, signal: Signal) -> Option<io::Result<(Instant, Instant)>> {
        let handle = self.handle.as_ref()?;
        let signal = match signal {
            Signal::Kill => rustix::process::Signal::KILL,
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Stop => rustix::process::Signal::STOP,
            Signal::Continue => rustix::process::Signal::CONT,
        };
        let before = Instant::now();
        let sent = pidfd_send_signal(handle, signal);
        let after = Instant::now();
        match sent {
            Ok(()) => Some(Ok((before, after))),
            Err(rustix::io::Errno::PERM) => None,
            Err(error) => Some(Err(error.into())),
        }
    }
}

fn is_of_container(pid: u32, id: &str) -> bool {
    !id.is_empty() && fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|groups| groups.contains(id))
}
