//! Findings in sentences: who, when, served by which node.

use std::cmp::Reverse;

use super::hold::{Hold, NO_NODE};
use super::keys::{Stuck, StuckBy};
use super::pairing::Lost;
use super::tally::Possible;
use super::votes::Votes;
use crate::analysis::found::overlap;
use crate::analysis::words::{instant, span};
use crate::result::{Anomaly, AnomalyKind};

/// What is needed to name things.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Name of the workload.
    pub workload: &'a str,
    /// Names of the nodes, by index.
    pub nodes: &'a [String],
    /// Zero of the schedule, ns since the trial began.
    pub zero: u64,
}

impl Names<'_> {
    /// The name of a node.
    pub(super) fn node(&self, index: u16) -> &str {
        self.nodes.get(usize::from(index)).map_or("an unknown node", String::as_str)
    }

    /// An instant, counted from the zero of the schedule.
    pub(super) fn at(&self, at: u64) -> String {
        instant(at, self.zero)
    }

    /// `client 3 (hold 12, taken at T+4.000 s from redis-1)`.
    fn holder(&self, hold: &Hold) -> String {
        let from = if hold.node == NO_NODE { String::new() } else { format!(" from {}", self.node(hold.node)) };
        format!("client {} (hold {}, taken at {}{from})", hold.client, hold.id, self.at(hold.start))
    }

    /// Something suspicious of this workload.
    pub(super) fn anomaly(&self, kind: AnomalyKind, key: u32, from: u64, to: Option<u64>, text: String) -> Anomaly {
        Anomaly { kind, workload: self.workload.to_owned(), key, from, to, text }
    }
}

/// Where two intervals overlap.
fn shared(first: &Hold, second: &Hold) -> (u64, u64) {
    (first.start.max(second.start), first.end.min(second.end))
}

pub fn double(first: &Hold, second: &Hold, votes: &Votes, names: &Names<'_>) -> Anomaly {
    let (from, to) = shared(first, second);
    let text = format!(
        "key {}: {} and {} both held it for {}, both leases valid{}",
        first.key,
        names.holder(first),
        names.holder(second),
        span(to - from),
        votes.told(first.id, second.id, names),
    );
    names.anomaly(AnomalyKind::DoubleAcquired, first.key, from, Some(to), text)
}

pub fn overrun(first: &Hold, second: &Hold, names: &Names<'_>) -> Anomaly {
    let (from, to) = shared(first, second);
    let text = format!(
        "key {}: {} kept it after its lease had ended, until {}; {} had it meanwhile",
        first.key,
        names.holder(first),
        names.at(first.end),
        names.holder(second)
    );
    names.anomaly(AnomalyKind::TtlOverrun, first.key, from, Some(to), text)
}

pub fn lost(lost: &Lost, names: &Names<'_>) -> Anomaly {
    let hold = &lost.hold;
    let left = match lost.lease {
        u64::MAX => "and it never expires".to_owned(),
        lease => format!("{} before its lease could end", span(lease - hold.end)),
    };
    let text = format!(
        "key {}: {} found it gone when it {} at {}{}, {left}",
        hold.key,
        names.holder(hold),
        if lost.renewing { "wanted to prolong it" } else { "gave it back" },
        names.at(hold.end),
        if lost.found_by == NO_NODE { String::new() } else { format!(" (answered by {})", names.node(lost.found_by)) },
    );
    names.anomaly(AnomalyKind::LostLock, hold.key, hold.start, Some(hold.end), text)
}

/// `holder` is the hold whose token is on the key, if that is known.
pub fn stuck(stuck: &Stuck, holder: Option<&Hold>, names: &Names<'_>) -> Anomaly {
    let key = stuck.key;
    let (to, text) = match stuck.why {
        StuckBy::Held { at, client } => (
            at,
            format!(
                "key {key}: client {client} was told at {} that it is held, but no hold that could have been granted lived past {}",
                names.at(at),
                names.at(stuck.from)
            ),
        ),
        StuckBy::NoExpiry { at, .. } => {
            let whose = holder.map_or_else(String::new, |hold| format!(", held by {}, who is gone", names.holder(hold)));
            (at, format!("key {key}: the final read at {} found it without expiry{whose}: nobody will ever get it", names.at(at)))
        }
        StuckBy::Present { at, pttl } => (
            at,
            format!(
                "key {key}: the final read at {} found it held for another {pttl} ms, but no hold that could have been granted lived past {}",
                names.at(at),
                names.at(stuck.from)
            ),
        ),
    };
    names.anomaly(AnomalyKind::StuckLock, key, stuck.from.min(to), Some(to), text)
}

pub fn possible(found: &Possible, names: &Names<'_>) -> Anomaly {
    let Possible { maybe, first, rivals } = found;
    let (from, to) = shared(maybe, first);
    let rivals = match rivals {
        0 | 1 => "one acknowledged hold overlapped it:".to_owned(),
        many => format!("{many} acknowledged holds overlapped it, first"),
    };
    let text = format!(
        "hold {} of key {}: client {} had no reply to the acquire, given up at {}; if it was granted, {rivals} {}",
        maybe.id,
        maybe.key,
        maybe.client,
        names.at(maybe.start),
        names.holder(first)
    );
    names.anomaly(AnomalyKind::PossibleDouble, maybe.key, from, Some(to), text)
}

/// By kind; overlaps by their length, the rest by time.
pub fn worst_first(anomalies: &mut [Anomaly]) {
    anomalies.sort_by_cached_key(|anomaly| (anomaly.kind, Reverse(overlap(anomaly)), anomaly.from, anomaly.key, anomaly.text.clone()));
}
