//! Whom faults hit.

use super::Finding;
use super::topology::{plural, sentinel};
use crate::spec::{Experiment, Fault, Pick, Role, Selector, SentinelTopology, structure};

/// Every selector of the faults with its path.
fn all(experiment: &Experiment) -> Vec<(String, &Selector)> {
    let mut selectors = Vec::new();
    for (index, fault) in experiment.faults.iter().enumerate() {
        match fault {
            Fault::Kill(kill) => selectors.push((format!("faults[{index}].target"), &kill.target)),
            Fault::Partition(partition) => {
                selectors.push((format!("faults[{index}].from"), &partition.from));
                selectors.push((format!("faults[{index}].to"), &partition.to));
            }
        }
    }
    selectors
}

/// Names of the nodes a topology has.
fn nodes(topology: &SentinelTopology) -> Vec<String> {
    let data = (1..=topology.replicas + 1).map(|number| format!("redis-{number}"));
    data.chain((1..=topology.sentinels).map(|number| format!("sentinel-{number}"))).collect()
}

/// Most nodes that can have a role at one time.
fn most(topology: &SentinelTopology, role: Role) -> u32 {
    match role {
        Role::Primary => 1,
        Role::Replica => topology.replicas,
        Role::Sentinel => topology.sentinels,
    }
}

pub(super) fn name_one_thing(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, selector) in all(experiment) {
        match (selector.role, &selector.node) {
            (None, None) => {
                let finding = Finding::error("RQ0203", path.clone(), "a selector needs `role` or `node`");
                found.push(finding.uses(format!("{path}.role")).help("for example `{ role: primary }` or `{ node: redis-2 }`"));
            }
            (Some(role), Some(_)) => {
                let finding = Finding::error("RQ0203", format!("{path}.node"), "a selector takes `role` or `node`, not both")
                    .label("names a node")
                    .related(format!("{path}.role"), format!("asks for whoever is {}", role.as_str()));
                found.push(finding.help("keep one of the two"));
            }
            _ => {}
        }
    }
}

pub(super) fn match_something(experiment: &Experiment, found: &mut Vec<Finding>) {
    let topology = sentinel(experiment);
    let names = nodes(topology);
    for (path, selector) in all(experiment) {
        if let Some(node) = selector.node.as_ref().filter(|node| !names.contains(node)) {
            let counts = format!("{} data nodes and {} Sentinels", topology.replicas + 1, topology.sentinels);
            let help = structure::closest(node, names.iter().map(String::as_str)).map_or_else(
                || format!("the topology has {counts}: {}", structure::list(names.iter().map(String::as_str), "and")),
                |meant| format!("did you mean `{meant}`? the topology has {counts}"),
            );
            let finding = Finding::error("RQ0204", format!("{path}.node"), format!("no node is named `{node}`"));
            found.push(finding.uses("topology.replicas").uses("topology.sentinels").help(help));
        }
        if let Some(role) = selector.role.filter(|role| most(topology, *role) == 0) {
            found.push(
                Finding::error("RQ0205", format!("{path}.role"), format!("no node is ever a {}", role.as_str()))
                    .related("topology.replicas", "there are none")
                    .help("a target that matches nothing is an error, not a fault that passes"),
            );
        }
    }
}

pub(super) fn pick_what_is_there(experiment: &Experiment, found: &mut Vec<Finding>) {
    let topology = sentinel(experiment);
    for (path, selector) in all(experiment) {
        let Pick::Count(count) = selector.pick else { continue };
        let (most, whom) = match (selector.role, &selector.node) {
            (Some(role), None) => (most(topology, role), format!("{}{}", role.as_str(), plural(most(topology, role)))),
            (None, Some(_)) => (1, "node of that name".to_owned()),
            _ => continue,
        };
        if count > most && most > 0 {
            let message = format!("`pick: {count}` of {most} {whom}");
            let finding = Finding::error("RQ0206", format!("{path}.pick"), message).label("more than there are");
            found.push(
                finding.uses("topology.replicas").uses("topology.sentinels").help(format!("use `pick: all` or a number up to {most}")),
            );
        }
    }
}

pub(super) fn sides_differ(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Fault::Partition(partition) = fault else { continue };
        let (from, to) = (&partition.from, &partition.to);
        let named = from.role.is_some() || from.node.is_some();
        if named && from.role == to.role && from.node == to.node {
            found.push(
                Finding::error("RQ0207", format!("faults[{index}].to"), format!("both sides of `{}` are the same nodes", partition.name))
                    .label("the same as `from`")
                    .related(format!("faults[{index}].from"), "one side")
                    .help("a partition cuts links between two groups; name another role or node"),
            );
        }
    }
}
