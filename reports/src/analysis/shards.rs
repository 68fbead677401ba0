//! Which nodes belong together: those of a shard; without shards, all of the set. Independent primaries belong to nobody.

use redquake_experiments::spec::Role;

use crate::history::Header;
use crate::result::NodeInfo;

/// Nodes that share one part of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// From 1; `None` where there is only one.
    pub number: Option<u32>,
    /// Its nodes, by index.
    pub nodes: Vec<u16>,
}

impl Shard {
    /// Whether a node belongs to it.
    pub fn has(&self, node: u16) -> bool {
        self.nodes.contains(&node)
    }

    /// Whether a fault took hold of one of its nodes.
    pub fn hit(&self, targets: &[String], nodes: &[NodeInfo]) -> bool {
        self.of(nodes).any(|node| targets.contains(&node.name))
    }

    /// Its nodes.
    pub fn of<'n>(&self, nodes: &'n [NodeInfo]) -> impl Iterator<Item = &'n NodeInfo> {
        self.nodes.iter().filter_map(|index| nodes.get(usize::from(*index)))
    }

    /// Address of the primary it begins with.
    pub fn first<'n>(&self, nodes: &'n [NodeInfo]) -> &'n str {
        self.of(nodes).find(|node| node.role == Role::Primary).map_or("", |node| node.address.as_str())
    }
}

/// The shards of a trial with these nodes, in order.
pub fn shards(header: &Header, nodes: &[NodeInfo]) -> Vec<Shard> {
    let cluster = header.plan.experiment.topology.cluster();
    let Some(cluster) = cluster else {
        let of_set = nodes.iter().zip(0_u16..).filter(|(node, _)| node.role != Role::Independent).map(|(_, index)| index);
        return vec![Shard { number: None, nodes: of_set.collect() }];
    };
    let of = |number: u32| nodes.iter().zip(0_u16..).filter(move |(node, _)| node.shard == Some(number)).map(|(_, index)| index);
    (1..=cluster.shards).map(|number| Shard { number: Some(number), nodes: of(number).collect() }).collect()
}
