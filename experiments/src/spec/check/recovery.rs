//! Whether anyone is left to fail over, where an assertion says that the outage ends.

use std::collections::BTreeSet;

use super::Finding;
use super::timing::hits_primary;
use super::topology::{majority, sentinel};
use crate::spec::{Comparison, Experiment, Fault, Kill, Limit, Pick, Role};

pub(super) fn someone_is_left_to_recover(experiment: &Experiment, found: &mut Vec<Finding>) {
    let ends = experiment.assertions.iter().position(|assertion| {
        let below = matches!(assertion.expect.comparison, Comparison::Less | Comparison::AtMost);
        below && assertion.metric.starts_with("failover.") && matches!(assertion.expect.limit, Limit::Time(_))
    });
    let Some(ends) = ends else { return };
    let topology = sentinel(experiment);
    let votes = majority(topology).max(topology.quorum);
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Fault::Kill(primary) = fault else { continue };
        if !hits_primary(&primary.target) {
            continue;
        }
        let earlier = experiment.faults.iter().filter_map(|fault| match fault {
            Fault::Kill(kill) if kill.at <= primary.at => Some(kill),
            _ => None,
        });
        let earlier: Vec<&Kill> = earlier.collect();
        let sentinels = topology.sentinels - lost(&earlier, Role::Sentinel, "sentinel-", topology.sentinels);
        let replicas = topology.replicas - lost(&earlier, Role::Replica, "redis-", topology.replicas);
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

/// How many nodes of a role kills have taken away, at least.
fn lost(kills: &[&Kill], role: Role, prefix: &str, all: u32) -> u32 {
    let named: BTreeSet<&str> =
        kills.iter().filter_map(|kill| kill.target.node.as_deref()).filter(|node| node.starts_with(prefix) && *node != "redis-1").collect();
    let by_role = kills.iter().filter(|kill| kill.target.role == Some(role)).map(|kill| match kill.target.pick {
        Pick::All => all,
        Pick::One => 1,
        Pick::Count(count) => count,
    });
    let by_role: u32 = by_role.fold(0, u32::saturating_add);
    // Named nodes may be among those a role picked.
    by_role.max(u32::try_from(named.len()).unwrap_or(all)).min(all)
}
