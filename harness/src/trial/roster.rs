//! The nodes of a trial by index, as histories number them.

use redquake_experiments::spec::Role;
use redquake_topologies::runtime::LabNode;

/// The nodes of a trial, in the order of the plan; the position is the index used in histories.
#[derive(Debug, Clone)]
pub struct Roster {
    nodes: Vec<LabNode>,
}

/// A node with its index.
#[derive(Debug, Clone)]
pub struct Member {
    /// Index in the history.
    pub index: u16,
    /// The node.
    pub node: LabNode,
}

impl Roster {
    /// The nodes of a lab.
    pub fn new(nodes: &[LabNode]) -> Self {
        Self { nodes: nodes.to_vec() }
    }

    /// Every node.
    pub fn all(&self) -> impl Iterator<Item = Member> {
        self.nodes.iter().zip(0u16..).map(|(node, index)| Member { index, node: node.clone() })
    }

    /// Primary and replicas.
    pub fn data(&self) -> impl Iterator<Item = Member> {
        self.all().filter(|member| member.node.role != Role::Sentinel)
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
