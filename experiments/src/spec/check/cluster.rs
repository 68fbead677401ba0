//! Shards, their slots, and the directives a Cluster's predictions rest on.

use super::Finding;
use super::topology::plural;
use crate::spec::metrics::SHARD;
use crate::spec::{ClientPolicy, ClusterTopology, Experiment, SLOTS};

/// Nodes one lab holds beside the place for clients.
const MOST_NODES: u32 = 180;

fn cluster(experiment: &Experiment) -> Option<&ClusterTopology> {
    experiment.topology.cluster()
}

pub(super) fn fits_a_lab(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(topology) = cluster(experiment) else { return };
    let nodes = topology.shards.saturating_mul(topology.replicas_per_shard + 1);
    if nodes > MOST_NODES {
        found.push(
            Finding::error("RQ0219", "topology.shards", format!("{nodes} nodes are more than one lab holds"))
                .related("topology.replicas_per_shard", format!("{} replicas each", topology.replicas_per_shard))
                .help(format!("{MOST_NODES} nodes are the most; use fewer shards or replicas")),
        );
    }
}

pub(super) fn slots_are_covered_once(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(topology) = cluster(experiment).filter(|topology| !topology.slots.is_empty()) else { return };
    let (given, shards) = (topology.slots.len(), topology.shards);
    if given != shards as usize {
        let message = format!("slots for {given} shard{}, and there are {shards}", if given == 1 { "" } else { "s" });
        let finding = Finding::error("RQ0212", "topology.slots", message).related("topology.shards", format!("{shards} shards"));
        found.push(finding.help("write one entry a shard, or leave `slots` out to share them evenly"));
        return;
    }
    let mut owner: Vec<Option<usize>> = vec![None; usize::from(SLOTS)];
    for (shard, ranges) in topology.slots.iter().enumerate() {
        for slot in ranges.iter().flat_map(|(first, last)| first..=last) {
            let Some(place) = owner.get_mut(usize::from(slot)) else { continue };
            if let Some(first) = place.replace(shard) {
                let finding = Finding::error("RQ0212", format!("topology.slots[{shard}]"), format!("slot {slot} is given twice"));
                let twice = if first == shard { finding } else { finding.related(format!("topology.slots[{first}]"), "given here first") };
                found.push(twice.help("every slot belongs to one shard"));
                return;
            }
        }
    }
    let missing = owner.iter().filter(|owner| owner.is_none()).count();
    if let Some(first) = owner.iter().position(Option::is_none) {
        let message = format!("{missing} of {SLOTS} slots belong to no shard, the first of them {first}");
        let finding = Finding::error("RQ0212", "topology.slots", message);
        found.push(finding.help("a Cluster that does not cover every slot never becomes ready; give each slot to a shard"));
    }
}

pub(super) fn directives_are_what_servers_take(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(topology) = cluster(experiment) else { return };
    for (name, value) in topology.config.redis.iter() {
        let wants = match name {
            "cluster-node-timeout" => {
                let good = value.parse::<u64>().is_ok_and(|number| (1..=i64::MAX as u64).contains(&number));
                (!good).then_some("a whole number of milliseconds, at least 1")
            }
            "cluster-replica-validity-factor" | "cluster-slave-validity-factor" | "cluster-migration-barrier" => {
                value.parse::<u32>().is_err().then_some("a whole number")
            }
            "cluster-require-full-coverage"
            | "cluster-replica-no-failover"
            | "cluster-slave-no-failover"
            | "cluster-allow-reads-when-down"
            | "cluster-allow-pubsubshard-when-down"
            | "cluster-allow-replica-migration" => {
                let good = value.eq_ignore_ascii_case("yes") || value.eq_ignore_ascii_case("no");
                (!good).then_some("`yes` or `no`")
            }
            _ => None,
        };
        if let Some(wants) = wants {
            let path = format!("topology.config.redis.{name}");
            let meant = value.parse::<crate::spec::Duration>().ok().filter(|_| name == "cluster-node-timeout");
            let help = meant.map(|duration| format!("`{value}` is `{}`", duration.as_millis()));
            found.push(Finding::error("RQ0217", path, format!("`{name}` must be {wants}")).maybe_help(help));
        }
    }
}

pub(super) fn a_majority_survives_a_loss(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(topology) = cluster(experiment) else { return };
    if topology.shards < 3 {
        let message = format!(
            "with {} shard{} the loss of one primary leaves no majority to elect another",
            topology.shards,
            plural(topology.shards)
        );
        let finding = Finding::warning("RQ0316", "topology.shards", message);
        found.push(finding.help("primaries vote, and a majority of all of them is needed; use 3 shards or more"));
    }
}

pub(super) fn workloads_fit_the_topology(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, workload) in experiment.workloads.iter().enumerate() {
        if experiment.topology.cluster().is_none() && workload.client == ClientPolicy::LibraryTuned {
            let finding = Finding::error("RQ0261", format!("workloads[{index}].client"), "`library-tuned` is the library's Cluster client");
            found.push(
                finding.related("topology.kind", "this is no Cluster").help("use `library`, whose timeouts are set as well, or `rebuild`"),
            );
        }
        if experiment.topology.cluster().is_some() && workload.name.starts_with(SHARD) {
            let finding = Finding::error(
                "RQ0201",
                format!("workloads[{index}].name"),
                format!("a workload of a Cluster cannot be named `{}`", workload.name),
            );
            found.push(finding.uses("topology.kind").help("metrics of that prefix are those of the shards; choose another name"));
        }
    }
}
