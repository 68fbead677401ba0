//! What became of the servers, and in sentences the evidence for what they did by themselves.

use super::cause::{Cause, Origin};
use super::collect::Collected;
use super::outages::ExplainedOutage;
use super::validity::Findings;
use super::words::{instant, number_text, span};
use crate::history::Stall;
use crate::result::{self, Crash, FaultOutcome};

/// What all shards of a trial share.
pub struct Stage<'a> {
    pub names: &'a [String],
    pub faults: &'a [FaultOutcome],
    pub crashes: &'a [Crash],
    pub zero: u64,
    pub end: u64,
}

/// What became of the servers.
#[derive(Debug, Default)]
pub struct Explained {
    /// In order of time.
    pub told: Vec<ExplainedOutage>,
    /// In order of time.
    pub promotions: Vec<result::Promotion>,
    /// How often the servers changed or stopped by themselves after a cause.
    pub aftershocks: u64,
}

/// What is told one by one of what the servers did by themselves.
const MOST_TOLD: usize = 6;

/// The evidence: what the servers did by themselves, after what, and that the tool was in order meanwhile.
pub fn remarks(all: &Collected, explained: &Explained, causes: &[Cause], stage: &Stage<'_>, findings: &mut Findings) {
    let at = |at: u64| instant(at, stage.zero);
    let stopped = |one: &ExplainedOutage| {
        let gap = one.failover.write_gap.as_ref().filter(|_| one.failover.refused_for_coverage.is_none())?;
        Some((
            gap.from,
            format!("writes stopped for {}{} from {}", span(gap.length.value() as u64), of_shard(one.failover.shard), at(gap.from)),
        ))
    };
    let changed =
        |one: &result::Promotion| (one.at, format!("{} became primary{} at {}", one.new_primary, of_shard(one.shard), at(one.at)));
    for cause in causes {
        let of_it = |name: Option<&String>, aftershock: bool| aftershock && name == Some(&cause.name);
        let changes = explained.promotions.iter().filter(|one| of_it(one.fault.as_ref(), one.aftershock)).map(changed);
        let stops = explained.told.iter().filter(|one| of_it(one.failover.fault.as_ref(), one.failover.aftershock)).filter_map(stopped);
        let mut own: Vec<(u64, String)> = changes.chain(stops).collect();
        own.sort();
        let Some(last) = own.last().map(|(at, _)| *at) else { continue };
        findings.remark(format!(
            "aftershocks of `{}` at {}: {}. Nothing else was injected meanwhile, and the tool's own loops were {}: the configuration let this happen",
            cause.name,
            at(cause.at),
            list(own),
            lateness(&all.stalls, [cause.at, last])
        ));
    }
    let by_itself = |one: &&ExplainedOutage| one.origin == Some(Origin::Spontaneous);
    let stops = explained.told.iter().filter(by_itself).filter_map(stopped);
    let mut own: Vec<(u64, String)> = explained.promotions.iter().filter(|one| one.fault.is_none()).map(changed).chain(stops).collect();
    own.sort();
    if let Some(last) = own.last().map(|(at, _)| *at) {
        let before = if causes.is_empty() { "nothing was injected" } else { "no fault had reached them" };
        findings.remark(format!(
            "the servers did this by themselves: {}. By then {before}, and the tool's own loops were {}: it is the configuration's doing",
            list(own),
            lateness(&all.stalls, [stage.zero, last])
        ));
    }
}

fn of_shard(shard: Option<u32>) -> String {
    shard.map_or(String::new(), |number| format!(" of shard {number}"))
}

fn list(own: Vec<(u64, String)>) -> String {
    let more = own.len().saturating_sub(MOST_TOLD);
    let mut told: Vec<String> = own.into_iter().take(MOST_TOLD).map(|(_, what)| what).collect();
    if more > 0 {
        told.push(format!("and {} more", number_text(more as u64)));
    }
    told.join("; ")
}

/// How late the tool's own loops were at most in a span of time.
fn lateness(stalls: &[Stall], [from, to]: [u64; 2]) -> String {
    let within = stalls.iter().filter(|stall| stall.at >= from && stall.at.saturating_sub(stall.late) <= to);
    within.map(|stall| stall.late).max().map_or("in time".to_owned(), |late| format!("late by {} at most", span(late)))
}
