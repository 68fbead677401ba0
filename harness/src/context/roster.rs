//! The nodes of a trial by index, as histories number them.

use redquake_experiments::spec::Role;
use redquake_experiments::spec::Topology;
use redquake_topologies::runtime::LabNode;

use super::Keys;

/// The nodes of a trial, in the order of the plan; the position is the index used in histories.
#[derive(Debug, Clone)]
pub struct Roster {
    nodes: Vec<LabNode>,
    /// Of each node, from 1.
    shards: Vec<u32>,
    /// How keys are named.
    pub keys: Keys,
    /// Whether the nodes are a Cluster.
    pub cluster: bool,
}

/// A node with its index.
#[derive(Debug, Clone)]
pub struct Member {
    /// Index in the history.
    pub index: u16,
    /// The node.
    pub node: LabNode,
    /// The shard it belongs to, from 1; 1 where there is only one.
    pub shard: u32,
}

impl Roster {
    /// The nodes of a lab that was made for a topology.
    pub fn new(nodes: &[LabNode], topology: &Topology) -> Self {
        let shards = topology.nodes().iter().map(|node| node.shard.unwrap_or(1)).collect();
        let cluster = topology.cluster();
        Self { nodes: nodes.to_vec(), shards, keys: Keys::of(cluster), cluster: cluster.is_some() }
    }

    /// The shards by their numbers.
    pub fn shards(&self) -> impl Iterator<Item = u32> {
        1..=self.shards.iter().copied().max().unwrap_or(1)
    }

    /// The data nodes of a shard.
    pub fn of_shard(&self, shard: u32) -> impl Iterator<Item = Member> {
        self.data().filter(move |member| member.shard == shard)
    }

    /// Every node.
    pub fn all(&self) -> impl Iterator<Item = Member> {
        let shard = |index: u16| self.shards.get(usize::from(index)).copied().unwrap_or(1);
        self.nodes.iter().zip(0u16..).map(move |(node, index)| Member { index, node: node.clone(), shard: shard(index) })
    }

    /// Primaries and replicas of the set or Cluster.
    pub fn data(&self) -> impl Iterator<Item = Member> {
        self.all().filter(|member| member.node.role.is_data())
    }

    /// The primaries that belong to no set.
    pub fn independent(&self) -> impl Iterator<Item = Member> {
        self.all().filter(|member| member.node.role == Role::Independent)
    }

    /// The Sentinels.
    pub fn sentinels(&self) -> impl Iterator<Item = Member> {
        self.all().filter(|member| member.node.role == Role::Sentinel)
    }

    /// Index of the node at `ip:port`.
    pub fn at(&self, host: &str, port: u16) -> Option<u16> {
        self.all().find(|member| member.node.address.port == port && member.node.address.ip.to_string() == host).map(|member| member.index)
    }
}
