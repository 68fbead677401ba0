//! What became of the parts of the lab, held against what the faults did: who ended by itself, and what something outside did.

use std::collections::BTreeMap;

use super::deeds::Deeds;
use super::words::{instant, span};
use crate::history::{ObjectEvent, ObjectKind, ObjectState};
use crate::result::Crash;

/// Exit code of a program that ends in order.
const IN_ORDER: i32 = 0;
/// What servers write of a signal that is otherwise a mistake of their own, when a process sent it.
const SENT: &str = "Killed by PID";
/// What they write when they are told to end.
const TOLD_TO_END: [&str; 3] = ["scheduling shutdown", "You insist", "shutdown request"];
/// What a server writes that the kernel gave no more memory, in capitals.
const NO_MEMORY: &str = "OUT OF MEMORY";
/// How PostgreSQL tells that a process of its own was ended from outside.
const PROCESS_KILLED: [&str; 2] = ["terminated by signal 9", "terminated by signal 15"];

/// What was found.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// Whether anything was watched: histories of earlier versions tell of no object.
    pub watched: bool,
    /// Servers that ended by themselves, in order of time.
    pub crashes: Vec<Crash>,
    /// What something outside the lab did, in sentences and in order of time.
    pub outside: Vec<String>,
}

/// Holds every change against the faults. `zero` is the schedule's, `end` that of the trial.
pub fn judge(objects: &[ObjectEvent], deeds: &Deeds, zero: u64, end: u64) -> Found {
    let mut each: BTreeMap<(ObjectKind, &str), Vec<&ObjectEvent>> = BTreeMap::new();
    for seen in objects {
        each.entry((seen.kind, seen.name.as_str())).or_default().push(seen);
    }
    let mut fates: Vec<(&ObjectEvent, Fate)> = Vec::new();
    for mut events in each.into_values() {
        events.sort_by_key(|event| event.at[1]);
        // Since when its process has been there, as far as is known.
        let (mut before, mut since): (Option<&ObjectEvent>, u64) = (None, 0);
        for (place, seen) in events.iter().enumerate() {
            let after = events.get(place + 1).map_or(end, |after| after.at[1]);
            fates.extend(fate(seen, before, deeds, since, after).map(|fate| (*seen, fate)));
            let gone = before.is_none_or(|before| matches!(before.state, ObjectState::Ended | ObjectState::Missing));
            since = match seen.state {
                ObjectState::Running if gone => seen.at[0],
                ObjectState::Ended => seen.at[1],
                _ => since,
            };
            before = Some(seen);
        }
    }
    fates.sort_by_key(|(seen, _)| seen.at[1]);
    let mut found = Found { watched: !objects.is_empty(), ..Found::default() };
    for (seen, fate) in fates {
        match fate {
            Fate::Outside(what) => found.outside.push(format!("something outside the lab {what} at {}", instant(seen.at[1], zero))),
            Fate::Crash => found.crashes.push(crash(seen)),
        }
    }
    found
}

/// What a change means, unless it is as it should be or a fault's doing. `since` is when its process began or was seen to end last, `after`
/// when it changed again.
fn fate(seen: &ObjectEvent, before: Option<&ObjectEvent>, deeds: &Deeds, since: u64, after: u64) -> Option<Fate> {
    let was = before.map(|before| before.state);
    let gone = matches!(was, Some(ObjectState::Ended | ObjectState::Missing));
    match seen.state {
        // How it ended is told once.
        ObjectState::Ended if gone => None,
        ObjectState::Ended => ended(seen, deeds, since),
        ObjectState::Stopped if deeds.stopped(seen) => None,
        ObjectState::Stopped => Some(Fate::Outside(stopped(seen, after))),
        ObjectState::Missing => Some(Fate::Outside(missing(seen))),
        ObjectState::Running if !seen.log.is_empty() => reported(seen, deeds),
        ObjectState::Running if gone && is_process(seen.kind) => {
            let started = before.is_some_and(|before| deeds.started(seen, before.at[0]));
            (!started).then(|| Fate::Outside(format!("started {} again", object(seen))))
        }
        ObjectState::Running => {
            let taken = was == Some(ObjectState::Stopped) && deeds.held(seen);
            taken.then(|| Fate::Outside(format!("let {} go on, which a fault had stopped,", object(seen))))
        }
    }
}

enum Fate {
    Crash,
    Outside(String),
}

/// The rule: what a fault ended is its doing. What ends in order was told to, and so was what got a signal that programs do not cause
/// themselves. Everything else is the server's own end.
fn ended(seen: &ObjectEvent, deeds: &Deeds, since: u64) -> Option<Fate> {
    let how = how(seen);
    let outside = |what: &str| Some(Fate::Outside(format!("{what} ({how})")));
    match (seen.signal, seen.code) {
        _ if !is_process(seen.kind) => Some(Fate::Outside(format!("ended {}", object(seen)))),
        _ if deeds.ended(seen, since) => None,
        _ if seen.out_of_memory => Some(Fate::Crash),
        (Some(signal), _) if own_fault(signal) && !from_outside(seen) => Some(Fate::Crash),
        (Some(_), _) => outside(&format!("killed {}", object(seen))),
        (None, Some(IN_ORDER)) => outside(&format!("told {} to end", object(seen))),
        (None, Some(_)) if !from_outside(seen) => Some(Fate::Crash),
        (None, _) => outside(&format!("ended {}", object(seen))),
    }
}

fn is_process(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Server | ObjectKind::Database)
}

/// Signals that the kernel sends a program for what the program did: `SIGILL`, `SIGTRAP`, `SIGABRT`, `SIGBUS`, `SIGFPE`, `SIGSEGV`,
/// `SIGXCPU`, `SIGXFSZ`, `SIGSYS`.
fn own_fault(signal: i32) -> bool {
    matches!(signal, 4..=8 | 11 | 24 | 25 | 31)
}

fn from_outside(seen: &ObjectEvent) -> bool {
    says(seen, &[SENT]) || says(seen, &TOLD_TO_END)
}

fn says(seen: &ObjectEvent, words: &[&str]) -> bool {
    seen.log.iter().any(|line| words.iter().any(|words| line.contains(words)))
}

/// What a server wrote that had not ended when the trial did.
fn reported(seen: &ObjectEvent, deeds: &Deeds) -> Option<Fate> {
    let server = object(seen);
    let outside = |what: String| Some(Fate::Outside(format!("{what}, before the trial ended")));
    if says(seen, &[SENT]) {
        outside(format!("sent {server} a signal, for which it wrote a crash report"))
    } else if says(seen, &PROCESS_KILLED) {
        outside(format!("killed a process of {server}"))
    } else if says(seen, &TOLD_TO_END) {
        if deeds.told_to_end(seen) { None } else { outside(format!("told {server} to end, which it had not yet")) }
    } else {
        Some(Fate::Crash)
    }
}

fn stopped(seen: &ObjectEvent, until: u64) -> String {
    let long = span(until.saturating_sub(seen.at[1]));
    match seen.kind {
        ObjectKind::Link | ObjectKind::Network => format!("took down {} for {long}", object(seen)),
        _ => {
            let how = if seen.how.is_empty() { "SIGSTOP" } else { &seen.how };
            format!("froze {} ({how}) for {long}", object(seen))
        }
    }
}

fn missing(seen: &ObjectEvent) -> String {
    match seen.kind {
        ObjectKind::Link | ObjectKind::Network => format!("removed {}", object(seen)),
        _ => format!("removed the container of {}", object(seen)),
    }
}

/// What it is called in a sentence.
fn object(seen: &ObjectEvent) -> String {
    match seen.kind {
        ObjectKind::Server => seen.name.clone(),
        ObjectKind::Database => "the database".to_owned(),
        ObjectKind::Clients => "the place of the clients".to_owned(),
        ObjectKind::Zone => format!("zone `{}`", seen.name),
        ObjectKind::Disks => "the place of the disks".to_owned(),
        ObjectKind::Link => format!("the link of {}", seen.name),
        ObjectKind::Network => "the network".to_owned(),
    }
}

/// By what it ended: `SIGKILL`, `exit code 1`.
fn how(seen: &ObjectEvent) -> String {
    let by = match (seen.signal, seen.code) {
        (Some(signal), _) => signal_name(signal),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "how is not known".to_owned(),
    };
    if seen.how.is_empty() { by } else { format!("{by}, {}", seen.how) }
}

fn crash(seen: &ObjectEvent) -> Crash {
    Crash {
        node: seen.name.clone(),
        at: seen.at[1],
        signal: seen.signal.map(signal_name),
        exit_code: seen.code,
        out_of_memory: seen.out_of_memory || seen.log.iter().any(|line| line.to_ascii_uppercase().contains(NO_MEMORY)),
        log: seen.log.clone(),
    }
}

/// A signal by its name on the architectures Redis is built for.
fn signal_name(signal: i32) -> String {
    const NAMES: [&str; 15] = [
        "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2",
        "SIGPIPE", "SIGALRM", "SIGTERM",
    ];
    let name = usize::try_from(signal - 1).ok().and_then(|place| NAMES.get(place));
    name.map_or_else(|| format!("signal {signal}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(kind: ObjectKind, state: ObjectState) -> ObjectEvent {
        ObjectEvent {
            at: [90, 100],
            kind,
            name: "redis-1".to_owned(),
            state,
            signal: None,
            code: None,
            out_of_memory: false,
            how: String::new(),
            log: Vec::new(),
        }
    }

    fn judged(event: ObjectEvent) -> (usize, Vec<String>) {
        let found = judge(&[event], &Deeds::default(), 0, 1_000);
        (found.crashes.len(), found.outside)
    }

    fn end(signal: Option<i32>, code: Option<i32>, log: &str) -> (usize, Vec<String>) {
        judged(ObjectEvent { signal, code, log: vec![log.to_owned()], ..seen(ObjectKind::Server, ObjectState::Ended) })
    }

    #[test]
    fn what_programs_do_to_themselves_is_a_crash() {
        assert_eq!(end(Some(11), None, "Redis 7.0.15 crashed by signal: 11, si_code: 1").0, 1);
        assert_eq!(end(Some(6), None, "").0, 1);
        assert_eq!(end(None, Some(1), "Can't recover from AOF write error. Exiting...").0, 1);
        let starved = ObjectEvent { signal: Some(9), out_of_memory: true, ..seen(ObjectKind::Server, ObjectState::Ended) };
        assert_eq!(judged(starved).0, 1, "a server that took too much memory");
        let refused = ObjectEvent {
            signal: Some(6),
            log: vec!["Guru Meditation: Redis aborting for OUT OF MEMORY. Allocating 1073741824 bytes! #server.c:6534".to_owned()],
            ..seen(ObjectKind::Server, ObjectState::Ended)
        };
        assert!(crash(&refused).out_of_memory, "a server that was given no more");
    }

    #[test]
    fn what_others_do_to_a_program_is_told_of_them() {
        let outside = |what: &str| (0, vec![format!("something outside the lab {what} at T+0.000 s")]);
        assert_eq!(end(Some(9), None, ""), outside("killed redis-1 (SIGKILL)"));
        assert_eq!(end(Some(11), None, "Killed by PID: 0, UID: 0"), outside("killed redis-1 (SIGSEGV)"));
        assert_eq!(end(None, Some(0), "Received SIGTERM scheduling shutdown..."), outside("told redis-1 to end (exit code 0)"));
        assert_eq!(end(None, Some(1), "You insist... exiting now."), outside("ended redis-1 (exit code 1)"));
        assert_eq!(end(None, None, ""), outside("ended redis-1 (how is not known)"));
        let link = |state| judged(seen(ObjectKind::Link, state));
        assert_eq!(link(ObjectState::Missing), outside("removed the link of redis-1"));
        assert_eq!(link(ObjectState::Stopped), outside("took down the link of redis-1 for 900 ns"));
        let waits =
            ObjectEvent { log: vec!["received smart shutdown request".to_owned()], ..seen(ObjectKind::Database, ObjectState::Running) };
        assert_eq!(judged(waits), outside("told the database to end, which it had not yet, before the trial ended"));
        assert_eq!(judged(seen(ObjectKind::Clients, ObjectState::Ended)), outside("ended the place of the clients"));
    }
}
