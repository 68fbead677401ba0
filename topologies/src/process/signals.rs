//! Signals on their way from the supervisor to the tool inside.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// Whether this process was started with `SIGHUP` ignored, as `nohup` does. To be asked before anybody listens to it.
pub fn ignores_hang_up() -> bool {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    *IGNORED.get_or_init(|| ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default(), Signal::HUP))
}

/// Whether a signal is in the mask `SigIgn` of a process's status.
fn ignored(status: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

/// `SIGINT`, `SIGTERM` and, unless it was ignored at the start, `SIGHUP`, as they arrive at this process.
pub(super) struct Incoming {
    interrupt: Stream,
    terminate: Stream,
    hang_up: Option<Stream>,
}

impl Incoming {
    /// From now on these signals no longer end the process.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signal {
        let hung_up = async {
            match &mut self.hang_up {
                Some(stream) => stream.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = hung_up => Signal::HUP,
        }
    }
}

/// Sends a signal to the init inside, whose outer parent is `unshare`, as soon as it can take one: the kernel drops
/// signals for which a pid 1 has no handler yet, and init has them once it has started the tool, its first child.
pub(super) async fn pass_on(unshare: u32, signal: Signal) {
    loop {
        if let Some(init) = child_of(unshare)
            && child_of(init).is_some()
        {
            if let Some(pid) = i32::try_from(init).ok().and_then(Pid::from_raw) {
                // Fails only if it is gone, which the caller sees by itself.
                let _ = kill_process(pid, signal);
            }
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until `unshare` has made the namespaces and started the first process in them.
pub(super) async fn entered(unshare: u32) {
    while child_of(unshare).is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Some child of a process.
fn child_of(parent: u32) -> Option<u32> {
    std::fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The command name in parentheses may hold anything, so fields count from the last one.
        let parent_field = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        parent_field.and_then(|field| field.parse().ok()) == Some(parent)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_is_found_in_the_mask_of_the_status() {
        let status = "Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000004a43\n";
        assert!(ignored(status, Signal::HUP) && ignored(status, Signal::PIPE));
        assert!(!ignored(status, Signal::INT) && !ignored("", Signal::HUP));
    }
}
