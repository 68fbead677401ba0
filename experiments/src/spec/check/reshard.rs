//! Slots that are to move: from one primary to another one, and only those that are there.

use super::Finding;
use super::topology::plural;
use crate::spec::{Action, ClusterTopology, Experiment, Pick, Reshard, Selector, SlotChoice, WantedRole, key_slot};

/// Every reshard with its place in the file.
fn all(experiment: &Experiment) -> impl Iterator<Item = (usize, &Reshard)> {
    experiment.faults.iter().enumerate().filter_map(|(index, fault)| match &fault.action {
        Action::Reshard(reshard) => Some((index, reshard)),
        _ => None,
    })
}

/// Whether a selector means exactly one primary of a Cluster, whoever that is by then.
fn means_one_primary(cluster: &ClusterTopology, selector: &Selector) -> bool {
    match (selector.role, &selector.node) {
        (Some(WantedRole::Primary), None) => selector.in_one_shard() || matches!(selector.pick, Pick::One | Pick::Count(1)),
        // A replica may have been promoted by then.
        (None, Some(name)) => cluster.nodes().iter().any(|node| node.name == *name),
        _ => false,
    }
}

/// The shard of a selector, where the file tells it; slots may have moved since, but for the first who moves any.
fn shard(cluster: &ClusterTopology, selector: &Selector) -> Option<u32> {
    let of_node = |name: &String| cluster.nodes().into_iter().find(|node| node.name == *name)?.shard;
    let of_key = |key: &String| cluster.shard_of_slot(key_slot(key));
    selector.shard.or_else(|| selector.node.as_ref().and_then(of_node)).or_else(|| selector.shard_of.as_ref().and_then(of_key))
}

pub(super) fn goes_from_one_primary_to_another(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, reshard) in all(experiment) {
        let at = |field: &str| format!("faults[{index}].{field}");
        let Some(cluster) = experiment.topology.cluster() else {
            let finding =
                Finding::error("RQ0263", at("action"), "only a Cluster has slots to move").related("topology.kind", "this is none");
            found.push(finding.help("use `kind: cluster`, or another action"));
            continue;
        };
        let mut both = true;
        for (field, selector) in [("from", &reshard.from), ("to", &reshard.to)] {
            // What names nothing, or something that is not there, is told elsewhere.
            let told = selector.role.is_none() && selector.node.is_none();
            let named = selector.node.as_ref().is_some_and(|name| cluster.nodes().iter().all(|node| node.name != *name));
            if selector.zone.is_some() || told || named || means_one_primary(cluster, selector) {
                continue;
            }
            both = false;
            let finding =
                Finding::error("RQ0263", at(field), "slots move from one primary to one other").label("does not mean one primary");
            found.push(finding.uses("topology.shards").help("for example `{ role: primary, shard: 1 }`, or a node by its name"));
        }
        let here = shard(cluster, &reshard.from);
        if both && here.is_some() && here == shard(cluster, &reshard.to) {
            let finding = Finding::error("RQ0263", at("to"), "the slots are there already").label("the same shard");
            found.push(finding.related(at("from"), "gives them away").uses("topology.shards").help("name another shard"));
        }
    }
}

pub(super) fn moves_slots_that_are_there(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(cluster) = experiment.topology.cluster() else { return };
    // What an earlier one moved, a later one may move on.
    let first = all(experiment).count() == 1;
    let each = cluster.slots();
    for (index, reshard) in all(experiment) {
        let at = |field: &str| format!("faults[{index}].{field}");
        let Some(number) = shard(cluster, &reshard.from).filter(|_| first) else { continue };
        let Some(own) = each.get(number.saturating_sub(1) as usize) else { continue };
        let (message, help) = match &reshard.slots {
            SlotChoice::Count(count) if *count >= own.count() => {
                let most = own.count().saturating_sub(1);
                (
                    format!("{count} slot{} of a shard that has {}", plural(*count), own.count()),
                    format!("use {most} at most: one stays, by which the tool watches the shard"),
                )
            }
            SlotChoice::These(slots) => {
                let Some(stranger) = slots.iter().flat_map(|(first, last)| first..=last).find(|slot| !own.contains(*slot)) else {
                    continue;
                };
                (format!("slot {stranger} is not one of shard {number}"), format!("its slots are {own}"))
            }
            SlotChoice::Count(_) => continue,
        };
        let finding = Finding::error("RQ0263", at("slots"), message).related(at("from"), format!("shard {number}"));
        found.push(finding.uses("topology.slots").uses("topology.shards").uses("topology.replicas_per_shard").help(help));
    }
}
