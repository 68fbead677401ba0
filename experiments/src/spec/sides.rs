//! Who stands on which side of a partition, as far as roles say before anything runs.

use std::fmt;

use super::{Direction, Experiment, Group, Link, Partition, Pick, Role, Selector, TopologyNode, WantedRole, Zones, key_slot};

/// Somebody a partition may cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// A node, by its name.
    Node(String),
    /// The clients of a zone.
    Zone(String),
    /// The clients of a workload that live in no zone.
    Clients(String),
    /// Nodes of which some are chosen when the fault fires: in words, and all that may be.
    Some(String, Vec<String>),
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => f.write_str(name),
            Self::Zone(name) => write!(f, "zone {name}"),
            Self::Clients(workload) => write!(f, "clients of `{workload}`"),
            Self::Some(words, _) => f.write_str(words),
        }
    }
}

/// Some members in words: `redis-2, zone b and clients of \`locks\` and \`writes\``.
pub fn listed(members: &[Member]) -> String {
    let others = members.iter().filter(|member| !matches!(member, Member::Clients(_))).map(Member::to_string);
    let clients =
        members.iter().filter_map(|member| if let Member::Clients(workload) = member { Some(format!("`{workload}`")) } else { None });
    let clients = joined(&clients.collect::<Vec<_>>());
    let clients = (!clients.is_empty()).then(|| format!("clients of {clients} without a zone"));
    joined(&others.chain(clients).collect::<Vec<_>>())
}

fn joined(words: &[String]) -> String {
    match words {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        words => words.concat(),
    }
}

/// The sides of a partition, and who is on none and so reaches all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// Whoever is on an earlier side is on no later one.
    pub groups: Vec<Vec<Member>>,
    /// Which packets between them are dropped, seen from the first.
    pub direction: Direction,
    /// In no group.
    pub outside: Vec<Member>,
}

/// The groups of a partition in their order; none for a shape, whose sides are drawn when the fault fires.
pub fn groups(partition: &Partition) -> Vec<&Group> {
    match (&partition.from, &partition.to, &partition.groups) {
        (Some(from), Some(to), None) => vec![from, to],
        (None, None, Some(groups)) => groups.iter().collect(),
        _ => Vec::new(),
    }
}

/// Who would stand where if no role had moved by then.
pub fn sides(experiment: &Experiment, partition: &Partition) -> Sides {
    let nodes = experiment.topology.nodes();
    let mut sides: Vec<Vec<Member>> = Vec::new();
    for group in groups(partition) {
        let mut side: Vec<Member> = Vec::new();
        for member in group.all().iter().flat_map(|selector| members(experiment, &nodes, selector)) {
            if !side.contains(&member) && !sides.iter().flatten().any(|other| *other == member) {
                side.push(member);
            }
        }
        sides.push(side);
    }
    let of_shape: Vec<Member> = match (partition.shape, &partition.of) {
        (Some(_), Some(of)) => of.all().iter().flat_map(|selector| members(experiment, &nodes, selector)).collect(),
        (Some(_), None) => nodes.iter().map(|node| Member::Node(node.name.clone())).collect(),
        (None, _) => Vec::new(),
    };
    let named = |member: &Member| {
        let same = |other: &Member| match (other, member) {
            (Member::Some(_, names), Member::Node(name)) => names.contains(name),
            _ => other == member,
        };
        sides.iter().flatten().chain(&of_shape).any(same)
    };
    let mut outside: Vec<Member> = nodes.iter().map(|node| Member::Node(node.name.clone())).collect();
    // Clients have nothing to do with the bus of a Cluster.
    if partition.link != Link::Bus {
        outside.extend(clients(experiment));
    }
    outside.retain(|member| !named(member));
    Sides { groups: sides, direction: partition.direction, outside }
}

/// Where clients live.
fn clients(experiment: &Experiment) -> Vec<Member> {
    let mut all: Vec<Member> = Vec::new();
    for workload in &experiment.workloads {
        let zones = workload.zone.iter().flat_map(Zones::names).take(workload.clients as usize);
        let here: Vec<Member> = zones.map(|zone| Member::Zone(zone.clone())).collect();
        let here = if here.is_empty() { vec![Member::Clients(workload.name.clone())] } else { here };
        for member in here {
            if !all.contains(&member) {
                all.push(member);
            }
        }
    }
    all
}

fn members(experiment: &Experiment, nodes: &[TopologyNode], selector: &Selector) -> Vec<Member> {
    if let Some(node) = &selector.node {
        return vec![Member::Node(node.clone())];
    }
    if let Some(zone) = &selector.zone {
        return vec![Member::Zone(zone.clone())];
    }
    let Some(role) = selector.role else { return Vec::new() };
    let cluster = experiment.topology.cluster();
    let by_key = || cluster?.shard_of_slot(key_slot(selector.shard_of.as_deref()?));
    let wanted = selector.shard.or_else(by_key);
    let here = |node: &&TopologyNode| fits(role, node.role) && wanted.is_none_or(|wanted| node.shard == Some(wanted));
    let names: Vec<String> = nodes.iter().filter(here).map(|node| node.name.clone()).collect();
    match selector.pick {
        _ if role == WantedRole::LeaderSentinel => vec![Member::Some("the Sentinel elected last".to_owned(), names)],
        Pick::One if names.len() > 1 => vec![Member::Some(format!("one of {}", names.join(", ")), names)],
        Pick::Count(count) if names.len() > count as usize => vec![Member::Some(format!("{count} of {}", names.join(", ")), names)],
        _ => names.into_iter().map(Member::Node).collect(),
    }
}

fn fits(wanted: WantedRole, role: Role) -> bool {
    match wanted {
        WantedRole::Primary => role == Role::Primary,
        WantedRole::Replica => role == Role::Replica,
        WantedRole::Sentinel | WantedRole::LeaderSentinel => role == Role::Sentinel,
        WantedRole::Data => role.is_data(),
        WantedRole::Independent => role == Role::Independent,
        WantedRole::Any => true,
    }
}
