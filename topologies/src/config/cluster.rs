//! Files of a Cluster's nodes: `redis.conf`, and a `nodes.conf` in which everybody knows everybody from the first moment.

use redquake_experiments::spec::{Directives, SlotRanges};
use sha2::{Digest, Sha256};

use super::line::line;
use super::redis::redis_conf;
use crate::runtime::NodeAddress;

/// File in which a node of a Cluster keeps what it knows of the others.
pub const NODES_FILE: &str = "nodes.conf";
/// The bus port is the data port plus this (cluster.h, `CLUSTER_PORT_INCR`).
pub const BUS_OFFSET: u16 = 10_000;

/// A node as the others know it.
#[derive(Debug, Clone)]
pub struct ClusterView {
    /// Name; its identity is made from it.
    pub name: String,
    /// Where it listens.
    pub address: NodeAddress,
    /// Name of the primary it follows; `None` for a primary.
    pub follows: Option<String>,
    /// The slots it serves.
    pub slots: Option<SlotRanges>,
    /// Epoch of its claim to them; different for every primary.
    pub epoch: u32,
}

/// Identity of a node: 40 hexadecimal digits, the same for the same name, so that others can name it before it runs.
pub fn cluster_id(name: &str) -> String {
    Sha256::digest(format!("redquake cluster {name}").as_bytes()).iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}

/// The configuration file of a node of a Cluster, with the user's directives.
pub fn cluster_conf(address: NodeAddress, user: &Directives) -> String {
    let mut text = redis_conf(address, None, user);
    text.push_str("# A node of a Cluster; what it knows of the others is in a file of its own.\n");
    text.push_str(&line("cluster-enabled", "yes"));
    text.push_str(&line("cluster-config-file", NODES_FILE));
    text
}

/// What the node of that name knows: every node of the Cluster, itself among them (cluster.c, `clusterLoadConfig`).
pub fn nodes_conf(me: &str, all: &[ClusterView]) -> String {
    let mut text = String::new();
    for node in all {
        let myself = if node.name == me { "myself," } else { "" };
        let (role, primary) = match &node.follows {
            Some(primary) => ("slave", cluster_id(primary)),
            None => ("master", "-".to_owned()),
        };
        let NodeAddress { ip, port } = node.address;
        let bus = port + BUS_OFFSET;
        let (id, epoch) = (cluster_id(&node.name), node.epoch);
        text.push_str(&format!("{id} {ip}:{port}@{bus} {myself}{role} {primary} 0 0 {epoch} connected"));
        for (first, last) in node.slots.iter().flat_map(SlotRanges::iter) {
            text.push_str(&if first == last { format!(" {first}") } else { format!(" {first}-{last}") });
        }
        text.push('\n');
    }
    let epoch = all.iter().map(|node| node.epoch).max().unwrap_or(0);
    text.push_str(&format!("vars currentEpoch {epoch} lastVoteEpoch 0\n"));
    text
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use insta::assert_snapshot;

    use super::*;

    fn view(name: &str, last: u8, follows: Option<&str>, slots: Option<&str>, epoch: u32) -> ClusterView {
        ClusterView {
            name: name.to_owned(),
            address: NodeAddress { ip: Ipv4Addr::new(10, 192, 0, last), port: 6379 },
            follows: follows.map(str::to_owned),
            slots: slots.map(|slots| slots.parse().unwrap()),
            epoch,
        }
    }

    #[test]
    fn a_node_knows_every_node_and_which_one_it_is() {
        let all = [view("redis-1", 10, None, Some("0-99,101"), 1), view("redis-2", 11, Some("redis-1"), None, 0)];
        assert_snapshot!(nodes_conf("redis-2", &all));
    }

    #[test]
    fn a_node_of_a_cluster_has_the_users_directives_and_its_own() {
        let user = Directives::new([("cluster-node-timeout", "2000"), ("cluster-config-file", "elsewhere")]).unwrap();
        assert_snapshot!(cluster_conf(NodeAddress { ip: Ipv4Addr::new(10, 192, 0, 10), port: 6379 }, &user));
    }
}
