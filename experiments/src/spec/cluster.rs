//! A Cluster: shards of one primary and its replicas, which share 16384 hash slots.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Directives, Role, Server, SlotRanges, TopologyNode};

/// Hash slots of a Cluster (`CLUSTER_SLOTS` in cluster.h).
pub const SLOTS: u16 = 16384;

/// `cluster-node-timeout` where the file sets none (config.c).
pub const DEFAULT_NODE_TIMEOUT_MS: u64 = 15_000;

/// Shards that share the 16384 hash slots; each has one primary and its replicas.
///
/// Nodes are named `redis-1`, `redis-2`, ...: the first primary of every shard in the order of the shards, then the first replica of every
/// shard, and so on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterTopology {
    /// The server: `redis:X.Y`, `valkey:X.Y`, `{image: name}` or `{binary: path}`.
    #[serde(default)]
    pub server: Server,
    /// Number of shards, each with a primary of its own.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 60))]
    pub shards: u32,
    /// Number of replicas of each primary.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 10))]
    pub replicas_per_shard: u32,
    /// The slots of each shard, one entry a shard, for example `"0-5460"` or `"0-99,200"`. Shared out evenly when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<SlotRanges>,
    /// Directives of the servers' configuration files.
    #[serde(default)]
    pub config: ClusterConfig,
}

/// Directives added to the generated configuration files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// Directives of every node's `redis.conf`, for example `cluster-node-timeout: 2000`; `include` names a file to start from.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::redis_directives")]
    pub redis: Directives,
}

impl ClusterTopology {
    /// Every node: the primaries in the order of the shards, then the first replica of each shard, and so on.
    pub fn nodes(&self) -> Vec<TopologyNode> {
        let rounds = 0..=self.replicas_per_shard;
        let places = rounds.flat_map(|round| (1..=self.shards).map(move |shard| (round, shard)));
        let nodes = places.zip(1_u32..).map(|((round, shard), number)| TopologyNode {
            name: format!("redis-{number}"),
            role: if round == 0 { Role::Primary } else { Role::Replica },
            shard: Some(shard),
        });
        nodes.collect()
    }

    /// The slots of each shard, in the order of the shards: as written, else shared out evenly as `redis-cli --cluster create` does.
    pub fn slots(&self) -> Vec<SlotRanges> {
        if !self.slots.is_empty() {
            return self.slots.clone();
        }
        let share = f64::from(SLOTS) / f64::from(self.shards.max(1));
        let first = |shard: u32| (f64::from(shard) * share).round() as u16;
        (0..self.shards).map(|shard| SlotRanges::new(vec![(first(shard), first(shard + 1) - 1)])).collect()
    }

    /// The shard, from 1, that a slot belongs to at first.
    pub fn shard_of_slot(&self, slot: u16) -> Option<u32> {
        (1..).zip(self.slots()).find(|(_, slots)| slots.contains(slot)).map(|(shard, _)| shard)
    }

    /// `cluster-node-timeout` in force, in milliseconds; `None` for what is no number.
    pub fn node_timeout_ms(&self) -> Option<u64> {
        self.config.redis.get("cluster-node-timeout").map_or(Some(DEFAULT_NODE_TIMEOUT_MS), |value| value.parse().ok())
    }

    /// Whether every slot must be served for any to be (`cluster-require-full-coverage`, `yes` by default).
    pub fn requires_full_coverage(&self) -> bool {
        self.config.redis.get("cluster-require-full-coverage").is_none_or(|value| !value.eq_ignore_ascii_case("no"))
    }
}

fn one() -> u32 {
    1
}

fn three() -> u32 {
    3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(shards: u32, replicas_per_shard: u32) -> ClusterTopology {
        ClusterTopology { server: Server::default(), shards, replicas_per_shard, slots: Vec::new(), config: ClusterConfig::default() }
    }

    #[test]
    fn three_shards_share_the_slots_as_redis_cli_shares_them() {
        let slots: Vec<String> = cluster(3, 1).slots().iter().map(ToString::to_string).collect();
        assert_eq!(slots, ["0-5460", "5461-10922", "10923-16383"]);
    }

    #[test]
    fn a_slot_belongs_to_the_shard_whose_range_it_lies_in() {
        let even = cluster(3, 1);
        assert_eq!([0, 5460, 5461, 16383].map(|slot| even.shard_of_slot(slot)), [Some(1), Some(1), Some(2), Some(3)]);
        let gaps = ClusterTopology { slots: vec!["0-99".parse().unwrap(), "200".parse().unwrap()], ..cluster(2, 0) };
        assert_eq!([200, 150].map(|slot| gaps.shard_of_slot(slot)), [Some(2), None]);
    }

    #[test]
    fn any_number_of_shards_covers_every_slot_once() {
        for shards in 1..=60 {
            let slots = cluster(shards, 0).slots();
            let ranges: Vec<(u16, u16)> = slots.iter().flat_map(|ranges| ranges.iter()).collect();
            assert_eq!(ranges.len(), shards as usize);
            assert_eq!((ranges[0].0, ranges[ranges.len() - 1].1), (0, SLOTS - 1));
            assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{ranges:?}");
        }
    }

    #[test]
    fn primaries_come_first_and_every_node_knows_its_shard() {
        let nodes: Vec<(String, Role, Option<u32>)> =
            cluster(2, 2).nodes().into_iter().map(|node| (node.name, node.role, node.shard)).collect();
        let wanted = [
            ("redis-1", Role::Primary, 1),
            ("redis-2", Role::Primary, 2),
            ("redis-3", Role::Replica, 1),
            ("redis-4", Role::Replica, 2),
            ("redis-5", Role::Replica, 1),
            ("redis-6", Role::Replica, 2),
        ];
        assert_eq!(nodes, wanted.map(|(name, role, shard)| (name.to_owned(), role, Some(shard))));
    }
}
