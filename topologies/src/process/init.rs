//! Pid 1 of a run: prepares the mounts, starts the tool, reaps what was orphaned, and ends with the tool's exit code,
//! whereupon the kernel kills everything that is left.
//!
//! The tool is not pid 1 itself because it would have to reap forks of servers that were killed, without taking
//! away the exit status of children somebody waits for.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tokio::signal::unix::{SignalKind, signal};

use super::enter::{ENVIRONMENT, ONE, killed, tell};
use super::signals::Incoming;
use super::{inside, mounts};
use crate::foreign::exit_code;

/// Folders of system tools (`ip`, `nft`) that are not on an ordinary user's `PATH`.
const SYSTEM_TOOLS: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// Stage 2; `arguments` are the process id of `unshare` outside, the namespaces outside, and the tool's own.
pub(super) fn run(mut arguments: impl Iterator<Item = OsString>) -> u8 {
    let unshare = arguments.next().unwrap_or_default();
    // `/proc` still is the outer one. Had `unshare` died before it tied us to it, nothing would end us.
    if !mounts::lives(&unshare) {
        return ENVIRONMENT;
    }
    let outer = arguments.next().unwrap_or_default();
    let outcome = inside::fresh(&outer).and_then(|()| mounts::prepare()).and_then(|()| inside::mark()).and_then(|()| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(supervise(arguments))
    });
    let code = outcome.unwrap_or_else(|error| {
        tell(&format!("redquake: cannot prepare the namespaces of the run: {error}"));
        ENVIRONMENT
    });
    if code == 1 { ONE } else { code }
}

async fn supervise(arguments: impl Iterator<Item = OsString>) -> io::Result<u8> {
    let mut incoming = Incoming::new()?;
    let mut child_ended = signal(SignalKind::child())?;
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let tool = Command::new(std::env::current_exe()?).args(arguments).env("PATH", format!("{path}:{SYSTEM_TOOLS}")).spawn()?;
    let tool = i32::try_from(tool.id()).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("no process id"))?;
    let mut passed = None;
    loop {
        if let Some(code) = reap(tool, passed)? {
            return Ok(code);
        }
        tokio::select! {
            _ = child_ended.recv() => {}
            signal = incoming.next() => {
                passed = Some(signal);
                kill_process(tool, signal)?;
            }
        }
    }
}

/// Collects every child that has ended; the exit code once the tool is among them. A signal that was passed on may reach it before it can
/// take any.
fn reap(tool: Pid, passed: Option<Signal>) -> io::Result<Option<u8>> {
    while let Some((pid, status)) = waitpid(None, WaitOptions::NOHANG)? {
        if pid == tool {
            let status = ExitStatus::from_raw(status.as_raw());
            if let Some(signal) = status.signal().filter(|signal| passed.map(Signal::as_raw) != Some(*signal)) {
                tell(&killed("the inner process that performs the run", signal));
                return Ok(Some(ENVIRONMENT));
            }
            return Ok(Some(exit_code(status)));
        }
    }
    Ok(None)
}
