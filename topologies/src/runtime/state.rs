//! Whether a server's process runs, is stopped or is gone, as the kernel tells it.

use std::fs;

use super::owner::start_time;

/// What the kernel says of a server's process, whatever the server itself answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerState {
    /// It may run.
    Running,
    /// Every thread of it is stopped by a signal.
    Stopped,
    /// There is none, or it has ended.
    Gone,
}

/// State of process `pid` that began at `started`; another process with that id is not it.
pub(crate) fn state(pid: u32, started: u64) -> ServerState {
    if start_time(pid) != Some(started) {
        return ServerState::Gone;
    }
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    // A thread that ended while we looked says nothing.
    let letters: Vec<char> = threads.filter_map(|thread| letter(&fs::read_to_string(thread.path().join("stat")).ok()?)).collect();
    if letters.is_empty() {
        ServerState::Gone
    } else if letters.iter().all(|letter| *letter == 'T') {
        ServerState::Stopped
    } else {
        ServerState::Running
    }
}

/// Third field of a line of `stat`; the second is the command in parentheses and may itself contain spaces and parentheses.
pub(super) fn letter(stat: &str) -> Option<char> {
    stat.get(stat.rfind(')')? + 1..)?.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_one_that_began_at_another_time_is_gone() {
        let own = std::process::id();
        let started = start_time(own).unwrap();
        assert_eq!(state(own, started), ServerState::Running);
        assert_eq!(state(own, started + 1), ServerState::Gone);
    }

    #[test]
    fn a_command_name_with_parentheses_does_not_hide_the_state() {
        assert_eq!(letter("7 (a) S (b) T 1 7 7"), Some('T'));
        assert_eq!(letter("nonsense"), None);
    }
}
