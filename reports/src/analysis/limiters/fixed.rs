//! Fixed windows: one counter a subject and window, moved by `INCR`.

use super::crowd::crowd;
use super::request::{By, Decision, Executed, LimiterFindings, Request, Worst};
use crate::analysis::rollback::{Answer, rolled_back};

/// Judges the requests of a fixed-window limiter: at most `limit` a window; `length` is a window's, in ns.
pub fn fixed_window(requests: &mut [Request], limit: u64, length: u64) -> LimiterFindings {
    let mut found = LimiterFindings::tally(requests);
    requests.sort_unstable_by_key(|request| (request.subject, request.window, request.invoked, request.completed));
    for window in requests.chunk_by(|one, other| (one.subject, one.window) == (other.subject, other.window)) {
        found.most_offered = found.most_offered.max(window.len() as u64);
        judge(window, limit, &mut found);
    }
    for subject in requests.chunk_by(|one, other| one.subject == other.subject) {
        let (most, ..) = crowd(&super::request::admitted(subject, false), length);
        found.counts.peak = found.counts.peak.max(most);
        let asked: Vec<(u64, u64)> = subject.iter().map(|request| (request.invoked, request.completed)).collect();
        found.most_offered = found.most_offered.max(crowd(&asked, length).0);
    }
    found.sorted()
}

fn judge(window: &[Request], limit: u64, found: &mut LimiterFindings) {
    let admitted = window.iter().filter(|request| request.decision == Decision::Admitted);
    let total = admitted.clone().count() as u64;
    let by_redis = admitted.clone().filter(|request| request.by == By::Redis).count() as u64;
    found.counts.over_admitted += total.saturating_sub(limit);
    found.counts.over_admitted_redis += by_redis.saturating_sub(limit);
    if total > limit {
        let from = admitted.clone().map(|request| request.invoked).min().unwrap_or_default();
        let to = admitted.map(|request| request.completed).max().unwrap_or_default();
        found.show(Worst { subject: window[0].subject, from, to, admitted: total });
    }
    ledger(window, found);
    found.counts.wrongly_denied += wrongly_denied(window, limit);
}

/// Within one window a counter that loses nothing returns distinct values that grow in real time.
fn ledger(window: &[Request], found: &mut LimiterFindings) {
    let answer = |request: &Request| Some(Answer { completed: request.completed, invoked: request.invoked, value: request.value? });
    let answers: Vec<Answer> = window.iter().filter_map(answer).collect();
    let highest = answers.iter().map(|answer| answer.value).max().unwrap_or_default();
    let counted = answers.len() as u64;
    // Each answer moved the counter by one, so a count that lost nothing is at least their number.
    found.counts.lost_counts += counted.saturating_sub(highest);
    let unknown = window.iter().filter(|request| request.executed == Executed::Maybe).count() as u64;
    let rolled_back = rolled_back(&answers);
    found.counts.rolled_back += rolled_back;
    if rolled_back == 0 {
        // What nobody was answered moved it the rest of the way, as far as there were such requests.
        found.counts.ghosts += highest.saturating_sub(counted).min(unknown);
    }
}

/// Denials for which all requests that can have been counted before their answer do not make a full window.
fn wrongly_denied(window: &[Request], limit: u64) -> u64 {
    let mut counted: Vec<u64> = window.iter().filter(|request| request.executed != Executed::No).map(|request| request.invoked).collect();
    counted.sort_unstable();
    let denied = window.iter().filter(|request| request.decision == Decision::Denied && request.by == By::Redis);
    // The request itself is among those counted: it is turned away when it is number `limit + 1`.
    denied.filter(|request| (counted.partition_point(|invoked| *invoked <= request.completed) as u64) <= limit).count() as u64
}
