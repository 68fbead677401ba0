//! Sliding windows: one member of a sorted set for each admitted request.

use super::crowd::{crowd, least_removal};
use super::request::{By, Decision, Executed, LimiterFindings, Request, Worst, admitted};

/// Judges the requests of a sliding-window limiter: at most `limit` in any window of `length` ns. `drift` is how far the
/// limiter's clock may be off over one window; `denied_count` says that a denied request is in the set for a moment.
pub fn sliding_window(requests: &mut [Request], limit: u64, length: u64, drift: u64, denied_count: bool) -> LimiterFindings {
    let mut found = LimiterFindings::tally(requests);
    requests.sort_unstable_by_key(|request| (request.subject, request.invoked, request.completed));
    // Shorter by the drift: what is found is found whichever way the clock went.
    let certain = length.saturating_sub(drift);
    for subject in requests.chunk_by(|one, other| one.subject == other.subject) {
        let all = admitted(subject, false);
        found.counts.over_admitted += least_removal(&all, certain, limit);
        found.counts.over_admitted_redis += least_removal(&admitted(subject, true), certain, limit);
        found.counts.peak = found.counts.peak.max(crowd(&all, length).0);
        let (most, from, to) = crowd(&all, certain);
        if most > limit {
            found.show(Worst { subject: subject[0].subject, from, to, admitted: most });
        }
        forgotten(subject, certain, &mut found);
        found.counts.wrongly_denied += wrongly_denied(subject, limit, length + drift, denied_count);
        let asked: Vec<(u64, u64)> = subject.iter().map(|request| (request.invoked, request.completed)).collect();
        found.most_offered = found.most_offered.max(crowd(&asked, length).0);
    }
    found.sorted()
}

/// Answers that count fewer members than were certainly added within the window before, and are certainly still in it.
fn forgotten(subject: &[Request], certain: u64, found: &mut LimiterFindings) {
    let added = |request: &&Request| request.decision == Decision::Admitted && request.by == By::Redis && request.value.is_some();
    let mut ends: Vec<(u64, u64)> = subject.iter().filter(added).map(|request| (request.completed, request.invoked)).collect();
    ends.sort_unstable();
    let mut worst: u64 = 0;
    // For an answer the members that count were added between its time less the window and its own invocation.
    let starts: Vec<u64> = {
        let mut starts: Vec<u64> = ends.iter().map(|end| end.1).collect();
        starts.sort_unstable();
        starts
    };
    for request in subject.iter().filter(|request| request.by == By::Redis) {
        let Some(value) = request.value else { continue };
        let before = ends.partition_point(|(completed, _)| *completed < request.invoked) as u64;
        let too_old = request.completed.checked_sub(certain);
        let gone = too_old.map_or(0, |too_old| starts.partition_point(|invoked| *invoked <= too_old)) as u64;
        let own = u64::from(request.decision == Decision::Admitted);
        let least = before.saturating_sub(gone) + own;
        if value < least {
            found.counts.rolled_back += 1;
            worst = worst.max(least - value);
        }
    }
    found.counts.lost_counts += worst;
}

/// Denials for which all members that can have been in the window do not fill it.
fn wrongly_denied(subject: &[Request], limit: u64, longest: u64, denied_count: bool) -> u64 {
    let member = |request: &&Request| match (request.executed, request.decision) {
        (Executed::No, _) => false,
        (Executed::Maybe, _) | (Executed::Yes, Decision::Admitted) => true,
        (Executed::Yes, Decision::Denied) => denied_count,
    };
    let mut invoked: Vec<u64> = subject.iter().filter(member).map(|request| request.invoked).collect();
    invoked.sort_unstable();
    // One whose outcome is unknown may have been added at any later moment.
    let mut completed: Vec<u64> =
        subject.iter().filter(member).filter(|request| request.executed == Executed::Yes).map(|request| request.completed).collect();
    completed.sort_unstable();
    let denied = subject.iter().filter(|request| request.decision == Decision::Denied && request.by == By::Redis);
    denied
        .filter(|request| {
            let began = invoked.partition_point(|at| *at <= request.completed) as u64;
            let own = u64::from(denied_count);
            let left = completed.partition_point(|at| *at < request.invoked.saturating_sub(longest)) as u64;
            began.saturating_sub(left).saturating_sub(own) < limit
        })
        .count() as u64
}
