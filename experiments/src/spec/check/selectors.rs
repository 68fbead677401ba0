//! Whom faults hit.

use super::Finding;
use super::topology::plural;
use crate::spec::{Experiment, Pick, Role, Selector, Topology, WantedRole, structure};

/// Every selector of the faults with its path.
pub(super) fn all(experiment: &Experiment) -> Vec<(String, &Selector)> {
    let all = experiment.faults.iter().enumerate();
    all.flat_map(|(index, fault)| {
        fault.action.selectors().into_iter().map(move |(path, selector)| (format!("faults[{index}].{path}"), selector))
    })
    .collect()
}

/// The fields that say how many nodes there are.
fn fields(topology: &Topology) -> [&'static str; 2] {
    match topology {
        Topology::Sentinel(_) => ["topology.replicas", "topology.sentinels"],
        Topology::Cluster(_) => ["topology.shards", "topology.replicas_per_shard"],
    }
}

/// Most nodes that can have a role at one time, in one shard where one is asked for.
fn most(topology: &Topology, role: WantedRole, one_shard: bool) -> u32 {
    let count = |role| match topology.cluster().filter(|_| one_shard) {
        Some(cluster) => topology.count(role) / cluster.shards.max(1),
        None => topology.count(role),
    };
    match role {
        WantedRole::Primary => count(Role::Primary),
        WantedRole::Replica => count(Role::Replica),
        WantedRole::Sentinel => count(Role::Sentinel),
        WantedRole::LeaderSentinel => count(Role::Sentinel).min(1),
        WantedRole::Data => count(Role::Primary) + count(Role::Replica),
        WantedRole::Independent => count(Role::Independent),
        WantedRole::Any => [Role::Primary, Role::Replica, Role::Sentinel, Role::Independent].map(count).iter().sum(),
    }
}

/// Most members of a group, nodes and zones, whoever has which role then.
pub(super) fn members(topology: &Topology, selectors: &[&Selector]) -> u32 {
    let all = most(topology, WantedRole::Any, false) + selectors.iter().filter(|selector| selector.zone.is_some()).count() as u32;
    let each = selectors.iter().map(|selector| {
        let matching = selector.role.map_or(1, |role| most(topology, role, selector.shard.is_some() || selector.shard_of.is_some()));
        match selector.pick {
            Pick::All => matching,
            Pick::One => matching.min(1),
            Pick::Count(count) => matching.min(count),
        }
    });
    each.sum::<u32>().min(all)
}

/// How many nodes there are, in words.
fn counts(topology: &Topology) -> String {
    match topology {
        Topology::Sentinel(topology) if topology.independent > 0 => {
            let (data, sentinels, alone) = (topology.replicas + 1, topology.sentinels, topology.independent);
            format!("{data} data nodes, {sentinels} Sentinels and {alone} independent primaries")
        }
        Topology::Sentinel(topology) => format!("{} data nodes and {} Sentinels", topology.replicas + 1, topology.sentinels),
        Topology::Cluster(topology) => format!("{} nodes in {} shards", topology.nodes().len(), topology.shards),
    }
}

pub(super) fn name_one_thing(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, selector) in all(experiment) {
        match (selector.role, selector.node.as_ref(), selector.zone.as_ref()) {
            (None, None, None) => {
                let finding = Finding::error("RQ0203", path.clone(), "a selector needs `role`, `node` or `zone`");
                found.push(finding.uses(format!("{path}.role")).help("for example `{ role: primary }` or `{ node: redis-2 }`"));
            }
            (Some(role), Some(_), None) => {
                let finding = Finding::error("RQ0203", format!("{path}.node"), "a selector takes `role` or `node`, not both")
                    .label("names a node")
                    .related(format!("{path}.role"), format!("asks for whoever is {}", role.as_str()));
                found.push(finding.help("keep one of the two"));
            }
            (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                let finding = Finding::error("RQ0203", format!("{path}.zone"), "a selector takes `zone` alone").label("names a zone");
                found.push(finding.help("use a list of selectors to put nodes and zones on one side: `[{ role: primary }, { zone: a }]`"));
            }
            _ => {}
        }
    }
}

pub(super) fn match_something(experiment: &Experiment, found: &mut Vec<Finding>) {
    let topology = &experiment.topology;
    let names: Vec<String> = topology.nodes().into_iter().map(|node| node.name).collect();
    let [first, second] = fields(topology);
    let replicas = if topology.cluster().is_some() { second } else { first };
    for (path, selector) in all(experiment) {
        if let Some(node) = selector.node.as_ref().filter(|node| !names.contains(node)) {
            let counts = counts(topology);
            let help = structure::closest(node, names.iter().map(String::as_str)).map_or_else(
                || format!("the topology has {counts}: {}", structure::list(names.iter().map(String::as_str), "and")),
                |meant| format!("did you mean `{meant}`? the topology has {counts}"),
            );
            let finding = Finding::error("RQ0204", format!("{path}.node"), format!("no node is named `{node}`"));
            found.push(finding.uses(first).uses(second).help(help));
        }
        if let Some(role) = selector.role.filter(|role| most(topology, *role, false) == 0) {
            found.push(
                Finding::error("RQ0205", format!("{path}.role"), format!("no node is ever a {}", role.as_str()))
                    .related(
                        match role {
                            WantedRole::Sentinel | WantedRole::LeaderSentinel | WantedRole::Independent => "topology.kind",
                            _ => replicas,
                        },
                        "there are none",
                    )
                    .help("a target that matches nothing is an error, not a fault that passes"),
            );
        }
    }
}

pub(super) fn shards_are_there(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, selector) in all(experiment) {
        let (field, example) = match (selector.shard, &selector.shard_of) {
            (None, None) => continue,
            (Some(_), _) => ("shard", "{ role: primary, shard: 2 }"),
            (None, Some(_)) => ("shard-of", "{ role: primary, shard-of: \"user:17\" }"),
        };
        let here = format!("{path}.{field}");
        let finding = match (experiment.topology.cluster(), selector.shard) {
            (None, _) => Finding::error("RQ0260", here, "only a Cluster has shards")
                .related("topology.kind", "this is none")
                .help(format!("leave `{field}` out, or use `kind: cluster`")),
            (Some(_), _) if selector.role.is_none() => {
                Finding::error("RQ0260", here, format!("`{field}` goes with `role`")).help(format!("for example `{example}`"))
            }
            (Some(cluster), Some(shard)) if shard > cluster.shards => Finding::error("RQ0260", here, format!("there is no shard {shard}"))
                .related("topology.shards", format!("they are numbered from 1 to {}", cluster.shards))
                .help(format!("use a number up to {}", cluster.shards)),
            (Some(_), Some(_)) if selector.shard_of.is_some() => {
                Finding::error("RQ0262", format!("{path}.shard-of"), "`shard-of` beside `shard`")
                    .label("names a shard by a key")
                    .related(here, "names it by its number")
                    .help("keep one of the two")
            }
            (Some(_), None) if selector.shard_of.as_deref() == Some("") => {
                Finding::error("RQ0262", here, "`shard-of` names no key").help(format!("for example `{example}`"))
            }
            _ => continue,
        };
        found.push(finding.uses("topology.shards").uses(format!("{path}.role")));
    }
}

pub(super) fn pick_what_is_there(experiment: &Experiment, found: &mut Vec<Finding>) {
    let topology = &experiment.topology;
    let [first, second] = fields(topology);
    for (path, selector) in all(experiment) {
        let Pick::Count(count) = selector.pick else { continue };
        let (most, whom) = match (selector.role, &selector.node) {
            (Some(role), None) => {
                let most = most(topology, role, selector.in_one_shard());
                (most, several(role, most))
            }
            (None, Some(_)) => (1, "node of that name".to_owned()),
            (None, None) if selector.zone.is_some() => (1, "zone of that name".to_owned()),
            _ => continue,
        };
        if count > most && most > 0 {
            let message = format!("`pick: {count}` of {most} {whom}");
            let finding = Finding::error("RQ0206", format!("{path}.pick"), message).label("more than there are");
            found.push(finding.uses(first).uses(second).help(format!("use `pick: all` or a number up to {most}")));
        }
    }
}

/// A role in the plural, where there are several.
fn several(role: WantedRole, number: u32) -> String {
    match role {
        WantedRole::Primary if number != 1 => "primaries".to_owned(),
        WantedRole::Independent => format!("independent primar{}", if number == 1 { "y" } else { "ies" }),
        role => format!("{}{}", role.as_str(), plural(number)),
    }
}
