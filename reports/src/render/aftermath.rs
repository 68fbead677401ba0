//! What the servers did by themselves, and why nobody took over: clauses of the sentence every report begins with.

use super::{facts, number};
use crate::result::{Document, Trial};

/// Reasons that a sentence can hold.
const MOST: usize = 2;

/// The clauses, as far as there is something to tell.
pub fn words(document: &Document) -> Vec<String> {
    let trials: Vec<&Trial> = facts::conclusive(document).collect();
    [changes(&trials), stops(&trials), by_themselves(&trials), obstacles(&trials)].into_iter().flatten().collect()
}

/// `the primary changed 5 times after one kill`.
fn changes(trials: &[&Trial]) -> Option<String> {
    let shaken = |trial: &&&Trial| trial.promotions.iter().any(|one| one.aftershock);
    let of = trials.iter().filter(shaken).count();
    let most = trials.iter().filter(shaken).map(|trial| trial.promotions.len()).max()?;
    let sharded = trials.iter().flat_map(|trial| &trial.promotions).any(|one| one.shard.is_some());
    let whose = if sharded { "primaries" } else { "the primary" };
    let mut actions: Vec<&str> = trials.iter().flat_map(|trial| trial.faults.iter().map(|fault| fault.action.as_str())).collect();
    let single = trials.iter().all(|trial| trial.faults.len() == 1);
    actions.dedup();
    let after = match actions.as_slice() {
        [action] if single => format!("one {action}"),
        _ => number::plural(trials.iter().map(|trial| trial.faults.len()).max().unwrap_or_default() as u64, "fault", "faults"),
    };
    Some(match trials.len() {
        1 => format!("{whose} changed {most} times after {after}"),
        all => format!("{whose} changed up to {most} times after {after}, with aftershocks in {of} of {all} trials"),
    })
}

/// Writes that stopped again with the primary in its place.
fn stops(trials: &[&Trial]) -> Option<String> {
    let later = |trial: &Trial| trial.failovers.iter().filter(|one| one.aftershock && one.refused_for_coverage.is_none()).count();
    let of = trials.iter().filter(|trial| later(trial) > 0 && !trial.promotions.iter().any(|one| one.aftershock)).count();
    (of > 0).then(|| match trials.len() {
        1 => "writes stopped again with nothing else injected".to_owned(),
        all => format!("writes stopped again with nothing else injected in {of} of {all} trials"),
    })
}

/// What happened before any fault had reached the servers, or without one.
fn by_themselves(trials: &[&Trial]) -> Option<String> {
    let changed = trials.iter().filter(|trial| trial.promotions.iter().any(|one| one.fault.is_none())).count();
    let stopped = trials.iter().filter(|trial| trial.failovers.iter().any(|one| one.fault.is_none())).count();
    let (what, of) = match (changed, stopped) {
        (0, 0) => return None,
        (0, stopped) => ("writes stopped by themselves", stopped),
        (changed, _) => ("the servers failed over by themselves", changed),
    };
    let when = if trials.iter().all(|trial| trial.faults.is_empty()) { "with nothing injected" } else { "where no fault had reached them" };
    Some(if trials.len() == 1 { format!("{what} {when}") } else { format!("{what} {when} in {of} of {} trials", trials.len()) })
}

/// Why no replica took over, or only late: `no replica was elected (shard 1 has no replica)`.
fn obstacles(trials: &[&Trial]) -> Option<String> {
    let told = |trial: &&&Trial| trial.failovers.iter().any(|failover| failover.obstacle.is_some());
    let of = trials.iter().filter(told).count();
    let met = || trials.iter().flat_map(|trial| &trial.failovers).filter_map(|one| Some((one, one.obstacle.as_deref()?)));
    let mut kinds: Vec<String> = Vec::new();
    let mut why: Vec<&str> = Vec::new();
    for (_, text) in met() {
        // The same reason has other times in each trial.
        let kind: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
        if !kinds.contains(&kind) {
            kinds.push(kind);
            why.push(text);
        }
    }
    let what = match met().map(|(one, _)| (one.shard.is_some(), one.new_primary.is_some())).min()? {
        (true, _) => "no replica was elected",
        (false, false) => "no replica was promoted",
        (false, true) => "a replica was promoted only later",
    };
    let more = if why.len() > MOST { format!("; and {} more", why.len() - MOST) } else { String::new() };
    why.truncate(MOST);
    let trials = if of < trials.len() { format!(" in {of} of {} trials", trials.len()) } else { String::new() };
    Some(format!("{what}{trials} ({}{more})", why.join("; ")))
}
