//! What the machine did to the servers: waits for a processor and for a disk, as the kernel counts them.

use std::cmp::Reverse;

use super::outages::ExplainedOutage;
use super::validity::{Findings, LATE, STALLED};
use super::words::{count, instant, span};
use crate::history::ServerStall;

/// The measured time and the edges of the gaps that are told, each with the node whose write it is.
#[derive(Debug)]
pub struct Measured {
    pub zero: u64,
    pub end: u64,
    pub edges: Vec<(u64, String)>,
}

/// The edges of the gaps that are outages, each with the server that acknowledged there.
pub fn edges(told: &[ExplainedOutage]) -> Vec<(u64, String)> {
    let gaps = told.iter().flat_map(|one| [&one.failover.write_gap, &one.failover.client_gap]).flatten();
    let long = gaps.filter(|gap| gap.length.value() >= super::gap::OUTAGE as f64);
    let ends = long.flat_map(|gap| [Some(gap.from).zip(gap.from_node.clone()), gap.to.zip(gap.to_node.clone())]);
    ends.flatten().collect()
}

/// The same rule as for the tool's own loops: a wait across the edge of a gap moves it by up to its length, and a long one anywhere is
/// told apart from what a fault did by nobody.
pub fn judge(stalls: &[ServerStall], measured: &Measured, probe_every: u64, findings: &mut Findings) {
    let Measured { zero, end, edges } = measured;
    let limit = LATE.max(probe_every.saturating_mul(10));
    let within: Vec<&ServerStall> = stalls.iter().filter(|stall| stall.at[1] >= *zero && began(stall) <= *end).collect();
    let Some(worst) = within.iter().max_by_key(|stall| (length(stall), Reverse((stall.at, &stall.node)))) else { return };
    // The first answer comes a moment after the wait, before the look that finds it.
    let covers = |stall: &ServerStall| edges.iter().any(|(at, node)| *node == stall.node && began(stall) <= *at && *at <= stall.at[1]);
    if length(worst) >= STALLED {
        let mut others: Vec<&str> =
            within.iter().filter(|stall| length(stall) >= STALLED && stall.node != worst.node).map(|stall| stall.node.as_str()).collect();
        others.sort_unstable();
        others.dedup();
        let others = match others.len() {
            0 => String::new(),
            more => format!(", and {} for 250 ms or more", count(more as u64, "other server")),
        };
        findings.disturbed = true;
        findings.reason(format!("{}{others}", told(worst, *zero)));
    } else if let Some(stall) = within.iter().filter(|stall| length(stall) > limit && covers(stall)).max_by_key(|stall| length(stall)) {
        findings.disturbed = true;
        findings.reason(format!("{}, just when an outage began or ended: its length cannot be trusted", told(stall, *zero)));
    } else {
        let waits = count(within.len() as u64, "wait");
        findings.remark(format!("{waits} of servers for 20 ms or more in the measured time; worst: {}", told(worst, *zero)));
    }
}

fn length(stall: &ServerStall) -> u64 {
    stall.waited.max(stall.blocked)
}

fn began(stall: &ServerStall) -> u64 {
    stall.at[0].saturating_sub(stall.waited)
}

fn told(stall: &ServerStall, zero: u64) -> String {
    let at = instant(began(stall), zero);
    if stall.waited >= stall.blocked {
        format!("the machine kept {} waiting for a processor for {} at {at}", stall.node, span(stall.waited))
    } else {
        format!("the machine kept {} blocked, most likely by a disk, for {} at {at}", stall.node, span(stall.blocked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::TrialStatus;

    const MS: u64 = 1_000_000;

    fn stall(node: &str, at: u64, waited: u64, blocked: u64) -> ServerStall {
        ServerStall { at: [(at - 20) * MS, at * MS], node: node.to_owned(), waited: waited * MS, blocked: blocked * MS }
    }

    fn judged(stalls: &[ServerStall]) -> Findings {
        let mut findings = Findings::default();
        let edges = vec![(5_000 * MS, "redis-1".to_owned()), (6_400 * MS, "redis-2".to_owned())];
        judge(stalls, &Measured { zero: 1_000 * MS, end: 9_000 * MS, edges }, MS, &mut findings);
        findings
    }

    #[test]
    fn a_long_wait_anywhere_is_the_machines_doing_and_named() {
        let found = judged(&[stall("redis-4", 3_000, 1_700, 0), stall("redis-5", 3_000, 1_600, 0), stall("redis-6", 3_000, 30, 0)]);
        assert_eq!(
            found.reasons,
            ["the machine kept redis-4 waiting for a processor for 1.70 s at T+0.280 s, and 1 other server for 250 ms or more"]
        );
        assert!(found.disturbed);
        let found = judged(&[stall("redis-4", 3_000, 0, 400)]);
        assert_eq!(found.reasons, ["the machine kept redis-4 blocked, most likely by a disk, for 400 ms at T+1.980 s"]);
    }

    #[test]
    fn a_short_wait_matters_at_the_edge_of_a_gap_and_of_its_own_server_only() {
        let found = judged(&[stall("redis-2", 6_410, 40, 0)]);
        assert_eq!(
            found.reasons,
            [
                "the machine kept redis-2 waiting for a processor for 40 ms at T+5.350 s, just when an outage began or ended: its length cannot be trusted"
            ]
        );
        assert_eq!(judged(&[stall("redis-3", 6_410, 40, 0)]).status(), TrialStatus::Conclusive, "another server");
        assert_eq!(judged(&[stall("redis-2", 3_000, 40, 0)]).status(), TrialStatus::Conclusive, "elsewhere");
        assert_eq!(judged(&[stall("redis-2", 6_410, 20, 0)]).status(), TrialStatus::Conclusive, "too short to matter");
        assert_eq!(
            judged(&[stall("redis-2", 900, 600, 0), stall("redis-2", 9_800, 600, 0)]).status(),
            TrialStatus::Conclusive,
            "not in it"
        );
    }
}
