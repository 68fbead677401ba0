//! Which nodes a Cluster has, and what each of them knows before it starts.

use redquake_experiments::spec::{ClusterTopology, Role, SlotRanges, TopologyNode};

use crate::config::ClusterView;
use crate::runtime::{LabNode, NodeSpec};

/// The nodes of a Cluster: the primaries in the order of the shards, then the first replica of every shard, and so on.
pub fn nodes(topology: &ClusterTopology) -> Vec<NodeSpec> {
    topology.nodes().into_iter().map(|node| NodeSpec::new(node.name, node.role)).collect()
}

/// A node as it shall be once the Cluster is ready.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    pub(super) node: LabNode,
    /// From 0.
    pub(super) shard: usize,
    /// Name of the primary it follows, for a replica.
    pub(super) follows: Option<String>,
    /// Slots of the shard, for a primary.
    pub(super) slots: Option<SlotRanges>,
}

/// The nodes of a lab with their seats.
pub(super) fn seats(topology: &ClusterTopology, lab: &[LabNode]) -> Vec<Seat> {
    let (wanted, slots) = (topology.nodes(), topology.slots());
    let primary = |shard: Option<u32>| wanted.iter().find(|node| node.shard == shard && node.role == Role::Primary);
    let seat = |(node, wanted): (&LabNode, &TopologyNode)| {
        let shard = wanted.shard.map_or(0, |shard| shard.saturating_sub(1) as usize);
        let replica = wanted.role == Role::Replica;
        Seat {
            node: node.clone(),
            shard,
            follows: primary(wanted.shard).filter(|_| replica).map(|primary| primary.name.clone()),
            slots: if replica { None } else { slots.get(shard).map(SlotRanges::merged) },
        }
    };
    lab.iter().zip(&wanted).map(seat).collect()
}

/// What the nodes are told before they start.
///
/// In each shard the primary to be and its first replica have changed places. A node that starts as a primary refuses everything for its
/// first two seconds (cluster.c, `CLUSTER_WRITABLE_DELAY`); one that takes over while its state is good does not.
pub(super) fn changed_places(seats: &[Seat]) -> Vec<ClusterView> {
    let stand_in = |shard: usize| seats.iter().find(|seat| seat.shard == shard && seat.follows.is_some());
    let view = |seat: &Seat| {
        let deputy = stand_in(seat.shard);
        let leads = deputy.map_or(seat.follows.is_none(), |deputy| deputy.node.name == seat.node.name);
        let slots = seats.iter().find(|other| other.shard == seat.shard && other.slots.is_some()).and_then(|seat| seat.slots.clone());
        ClusterView {
            name: seat.node.name.clone(),
            address: seat.node.address,
            follows: deputy.filter(|_| !leads).map(|deputy| deputy.node.name.clone()),
            slots: slots.filter(|_| leads),
            epoch: if leads { u32::try_from(seat.shard).unwrap_or(u32::MAX).saturating_add(1) } else { 0 },
        }
    };
    seats.iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use redquake_experiments::spec::{ClusterConfig, Server};

    use super::*;
    use crate::runtime::NodeAddress;

    fn seated(shards: u32, replicas_per_shard: u32) -> Vec<Seat> {
        let topology =
            ClusterTopology { server: Server::default(), shards, replicas_per_shard, slots: Vec::new(), config: ClusterConfig::default() };
        let lab: Vec<LabNode> = nodes(&topology)
            .into_iter()
            .zip(10..)
            .map(|(spec, last)| LabNode {
                name: spec.name,
                role: spec.role,
                address: NodeAddress { ip: Ipv4Addr::new(10, 0, 0, last), port: 6379 },
            })
            .collect();
        seats(&topology, &lab)
    }

    fn told(shards: u32, replicas: u32) -> Vec<String> {
        let views = changed_places(&seated(shards, replicas));
        let words = |view: &ClusterView| {
            let slots = view.slots.as_ref().map_or(String::new(), |slots| format!(" {slots}"));
            let follows = view.follows.as_ref().map_or(String::new(), |primary| format!(" follows {primary}"));
            format!("{}{follows}{slots} e{}", view.name, view.epoch)
        };
        views.iter().map(words).collect()
    }

    #[test]
    fn the_first_replica_of_a_shard_stands_in_for_its_primary() {
        assert_eq!(
            told(2, 2),
            [
                "redis-1 follows redis-3 e0",
                "redis-2 follows redis-4 e0",
                "redis-3 0-8191 e1",
                "redis-4 8192-16383 e2",
                "redis-5 follows redis-3 e0",
                "redis-6 follows redis-4 e0",
            ]
        );
    }

    #[test]
    fn without_replicas_nobody_stands_in() {
        assert_eq!(told(2, 0), ["redis-1 0-8191 e1", "redis-2 8192-16383 e2"]);
    }
}
