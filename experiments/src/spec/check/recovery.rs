//! Whether anyone is left to fail over, where an assertion says that the outage ends.

use std::collections::BTreeSet;

use super::Finding;
use super::detection;
use super::instants::Instants;
use super::timing::{ended, hits_primary};
use super::topology::{majority, sentinel};
use crate::spec::{Action, Comparison, Duration, Experiment, Limit, Pick, Role, Selector, WantedRole};

pub(super) fn someone_is_left_to_recover(experiment: &Experiment, found: &mut Vec<Finding>) {
    let ends = experiment.assertions.iter().position(|assertion| {
        let below = matches!(assertion.expect.comparison, Comparison::Less | Comparison::AtMost);
        below && assertion.metric.starts_with("failover.") && matches!(assertion.expect.limit, Limit::Time(_))
    });
    let Some(ends) = ends else { return };
    let Some(topology) = sentinel(experiment) else {
        return majority_is_left(experiment, ends, found);
    };
    let votes = majority(topology).max(topology.quorum);
    let instants = Instants::of(experiment);
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Some(primary) = ended(&fault.action) else { continue };
        if !hits_primary(experiment, primary) {
            continue;
        }
        let Some(at) = instants.first.get(index).copied().flatten() else { continue };
        let by_then = experiment.faults.iter().zip(&instants.first).filter(|(_, first)| first.is_some_and(|first| first <= at));
        let earlier: Vec<&Selector> = by_then.filter_map(|(other, _)| ended(&other.action)).collect();
        let sentinels = topology.sentinels - lost(&earlier, WantedRole::Sentinel, "sentinel-", topology.sentinels);
        let replicas = topology.replicas - lost(&earlier, WantedRole::Replica, "redis-", topology.replicas);
        let reason = if sentinels < votes && topology.quorum <= topology.sentinels {
            format!("{sentinels} of {} Sentinels live by then, and a failover takes {votes}", topology.sentinels)
        } else if replicas == 0 && topology.replicas > 0 {
            "no replica is left to promote".to_owned()
        } else {
            continue;
        };
        found.push(
            Finding::warning("RQ0310", format!("assert[{ends}].expect"), "the outage this limits will not end")
                .related(format!("faults[{index}].target"), reason)
                .uses("topology.sentinels")
                .uses("topology.quorum")
                .uses("topology.replicas")
                .uses(format!("assert[{ends}].metric"))
                .help("assert what should hold while nobody can fail over, or leave enough nodes alive"),
        );
        return;
    }
}

/// A Cluster elects by its primaries: those that die together take their votes with them.
fn majority_is_left(experiment: &Experiment, ends: usize, found: &mut Vec<Finding>) {
    let primaries = experiment.topology.count(Role::Primary);
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Some(target) = ended(&fault.action) else { continue };
        let lost = match (target.role, target.pick) {
            _ if target.in_one_shard() => 1,
            (Some(WantedRole::Primary), Pick::All) => primaries,
            (Some(WantedRole::Primary), Pick::Count(count)) => count.min(primaries),
            _ => 1,
        };
        if hits_primary(experiment, target) && lost > 1 && primaries - lost < primaries / 2 + 1 {
            let reason =
                format!("{} of {primaries} primaries are left to vote, and an election takes {}", primaries - lost, primaries / 2 + 1);
            found.push(
                Finding::warning("RQ0310", format!("assert[{ends}].expect"), "the outage this limits will not end")
                    .related(format!("faults[{index}].target"), reason)
                    .uses("topology.shards")
                    .uses(format!("assert[{ends}].metric"))
                    .help("assert what should hold while nobody can fail over, or leave a majority of the primaries alive"),
            );
            return;
        }
    }
}

/// How many nodes of a role are gone, at least.
fn lost(ended: &[&Selector], role: WantedRole, prefix: &str, all: u32) -> u32 {
    let named: BTreeSet<&str> =
        ended.iter().filter_map(|target| target.node.as_deref()).filter(|node| node.starts_with(prefix) && *node != "redis-1").collect();
    let by_role = ended.iter().filter(|target| target.role == Some(role)).map(|target| match target.pick {
        Pick::All => all,
        Pick::One => 1,
        Pick::Count(count) => count,
    });
    let by_role: u32 = by_role.fold(0, u32::saturating_add);
    // Named nodes may be among those a role picked.
    by_role.max(u32::try_from(named.len()).unwrap_or(all)).min(all)
}

pub(super) fn pauses_do_what_is_asserted(experiment: &Experiment, found: &mut Vec<Finding>) {
    let [fault] = experiment.faults.as_slice() else { return };
    let (Action::Pause(pause), Some(lasts), Some(detection)) = (&fault.action, fault.timing.lasts, detection::of(experiment)) else {
        return;
    };
    if !hits_primary(experiment, &pause.target) || experiment.topology.count(Role::Replica) == 0 {
        return;
    }
    // A frozen server closes no connection, so up to a second more passes before it is held for down (docs/definitions.md).
    let surely = detection.after + detection.after.min(Duration::from_secs(1)) + Duration::from_millis(500);
    for (index, assertion) in experiment.assertions.iter().enumerate() {
        let Limit::Number(limit) = assertion.expect.limit else { continue };
        let (never, some) = match assertion.expect.comparison {
            Comparison::Less => (limit <= 1.0, false),
            Comparison::AtMost => (limit < 1.0, false),
            Comparison::Equal => (limit == 0.0, limit >= 1.0),
            Comparison::Greater => (false, limit >= 0.0),
            Comparison::AtLeast => (false, limit > 0.0),
            Comparison::NotEqual => (false, limit == 0.0),
        };
        let (message, label) = if assertion.metric != "failover.count" {
            continue;
        } else if some && lasts < detection.after {
            ("no node becomes primary in a pause that short", "wants a failover")
        } else if never && lasts > surely {
            ("another node becomes primary in a pause that long", "wants no failover")
        } else {
            continue;
        };
        found.push(
            Finding::warning("RQ0319", format!("assert[{index}].expect"), message)
                .label(label)
                .related("faults[0].for", format!("paused for {lasts}"))
                .related(detection.path, format!("down after {}", detection.after))
                .uses(format!("assert[{index}].metric"))
                .uses("faults[0].target")
                .help(format!("a primary that does not answer for `{}` is replaced; change `for` or the limit", detection.name)),
        );
    }
}
