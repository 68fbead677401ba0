//! The servers an experiment runs on.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClusterTopology, Directives, Role};

/// The servers to bring up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Topology {
    /// One primary with replicas, watched by Sentinels.
    Sentinel(SentinelTopology),
    /// Shards that share the hash slots, each a primary with replicas.
    Cluster(ClusterTopology),
}

/// A node a topology has, with the role it starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyNode {
    /// `redis-1`, `sentinel-2`, ...
    pub name: String,
    /// The role it starts with.
    pub role: Role,
    /// The shard it belongs to, from 1; only in a Cluster.
    pub shard: Option<u32>,
}

impl Topology {
    /// The server software.
    pub fn server(&self) -> &Server {
        match self {
            Self::Sentinel(topology) => &topology.server,
            Self::Cluster(topology) => &topology.server,
        }
    }

    /// Directives of every data node's `redis.conf`.
    pub fn redis(&self) -> &Directives {
        match self {
            Self::Sentinel(topology) => &topology.config.redis,
            Self::Cluster(topology) => &topology.config.redis,
        }
    }

    /// The Sentinel topology, if it is one.
    pub fn sentinel(&self) -> Option<&SentinelTopology> {
        match self {
            Self::Sentinel(topology) => Some(topology),
            Self::Cluster(_) => None,
        }
    }

    /// The Cluster, if it is one.
    pub fn cluster(&self) -> Option<&ClusterTopology> {
        match self {
            Self::Sentinel(_) => None,
            Self::Cluster(topology) => Some(topology),
        }
    }

    /// Number of shards: 1 where there is one primary.
    pub fn shards(&self) -> u32 {
        self.cluster().map_or(1, |cluster| cluster.shards)
    }

    /// Every node, data nodes first, primaries before replicas.
    pub fn nodes(&self) -> Vec<TopologyNode> {
        match self {
            Self::Sentinel(topology) => topology.nodes(),
            Self::Cluster(topology) => topology.nodes(),
        }
    }

    /// How many nodes start with a role.
    pub fn count(&self, role: Role) -> u32 {
        match (self, role) {
            (Self::Sentinel(_), Role::Primary) => 1,
            (Self::Sentinel(topology), Role::Replica) => topology.replicas,
            (Self::Sentinel(topology), Role::Sentinel) => topology.sentinels,
            (Self::Cluster(topology), Role::Primary) => topology.shards,
            (Self::Cluster(topology), Role::Replica) => topology.shards.saturating_mul(topology.replicas_per_shard),
            (Self::Sentinel(topology), Role::Independent) => topology.independent,
            (Self::Cluster(_), Role::Sentinel | Role::Independent) => 0,
        }
    }
}

/// What is brought up, in words: `1 primary and 2 replicas, 3 Sentinels, quorum 2`.
impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |count: u32, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        match self {
            Self::Sentinel(topology) => {
                let (replicas, sentinels) = (many(topology.replicas, "replica"), many(topology.sentinels, "Sentinel"));
                write!(f, "1 primary and {replicas}, {sentinels}, quorum {}", topology.quorum)
            }
            Self::Cluster(topology) => {
                let replicas = many(topology.replicas_per_shard, "replica");
                write!(f, "{} of 1 primary and {replicas}", many(topology.shards, "shard"))
            }
        }
    }
}

/// One primary with replicas, watched by Sentinels.
///
/// Nodes are named `redis-1` (the first primary), `redis-2`, ... and `sentinel-1`, `sentinel-2`, ...; independent primaries `independent-1`, ...
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SentinelTopology {
    /// The server: `redis:X.Y`, `valkey:X.Y`, `{image: name}` or `{binary: path}`.
    #[serde(default)]
    pub server: Server,
    /// Number of replicas of the primary.
    #[serde(default = "two")]
    #[schemars(range(min = 0, max = 10))]
    pub replicas: u32,
    /// Number of Sentinels.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 15))]
    pub sentinels: u32,
    /// Sentinels that must agree that the primary is down before a failover starts.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 15))]
    pub quorum: u32,
    /// Number of primaries of their own beside the set, without replicas and unknown to the Sentinels: what a lock with a `quorum` asks.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0, max = 15))]
    pub independent: u32,
    /// Directives of the servers' configuration files.
    #[serde(default)]
    pub config: TopologyConfig,
}

impl SentinelTopology {
    /// Every node, data nodes first, the first primary before its replicas; independent primaries last.
    pub fn nodes(&self) -> Vec<TopologyNode> {
        let data = (1..=self.replicas + 1).map(|number| TopologyNode {
            name: format!("redis-{number}"),
            role: if number == 1 { Role::Primary } else { Role::Replica },
            shard: None,
        });
        let sentinels =
            (1..=self.sentinels).map(|number| TopologyNode { name: format!("sentinel-{number}"), role: Role::Sentinel, shard: None });
        let independent = (1..=self.independent).map(|number| TopologyNode {
            name: format!("independent-{number}"),
            role: Role::Independent,
            shard: None,
        });
        data.chain(sentinels).chain(independent).collect()
    }
}

/// Directives added to the generated configuration files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopologyConfig {
    /// Directives of every data node's `redis.conf`, for example `appendonly: "no"`; `include` names a file to start from.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::redis_directives")]
    pub redis: Directives,
    /// Directives of the monitored primary in every `sentinel.conf`, for example `down-after-milliseconds: 2000`.
    #[serde(default)]
    pub sentinel: Directives,
}

/// Which server software runs.
///
/// In a file: `redis:7.0`, `valkey:8.1`, `{image: my/redis:tag}` or `{binary: /usr/bin/redis-server}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Server {
    /// A released version, found as an official image or built from distribution packages.
    Release {
        /// Redis or Valkey.
        kind: ServerKind,
        /// `major.minor` or a longer tag, as written.
        version: String,
    },
    /// A container image by name, used as it is.
    Image(String),
    /// A server binary on this machine (runtime `process` only).
    Binary(String),
}

/// The two server families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServerKind {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

impl Default for Server {
    fn default() -> Self {
        Self::Release { kind: ServerKind::Redis, version: "7.0".to_owned() }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release { kind: ServerKind::Redis, version } => write!(f, "redis:{version}"),
            Self::Release { kind: ServerKind::Valkey, version } => write!(f, "valkey:{version}"),
            Self::Image(name) => write!(f, "image {name}"),
            Self::Binary(path) => write!(f, "binary {path}"),
        }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn two() -> u32 {
    2
}

fn three() -> u32 {
    3
}

/// Why a server could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ServerError(pub String);

/// Reads a released version, `redis:X.Y` or `valkey:X.Y`.
impl FromStr for Server {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        let wrong =
            || ServerError(format!("`{text}` is not a server; write `redis:X.Y`, `valkey:X.Y`, `{{image: name}}` or `{{binary: path}}`"));
        let (kind, version) = text.split_once(':').ok_or_else(wrong)?;
        let kind = match kind {
            "redis" => ServerKind::Redis,
            "valkey" => ServerKind::Valkey,
            _ => return Err(wrong()),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if version.is_empty() || !version.chars().all(plain) {
            return Err(wrong());
        }
        Ok(Self::Release { kind, version: version.to_owned() })
    }
}

impl Serialize for Server {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let (key, value) = match self {
            Self::Release { .. } => return serializer.collect_str(self),
            Self::Image(name) => ("image", name),
            Self::Binary(path) => ("binary", path),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(key, value)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Server {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        use serde_json::Value;
        let wrong = || D::Error::custom("a server is `redis:X.Y`, `valkey:X.Y`, `{image: name}` or `{binary: path}`");
        match Value::deserialize(deserializer)? {
            Value::String(text) => text.parse().map_err(D::Error::custom),
            Value::Object(map) if map.len() == 1 => match (map.get("image"), map.get("binary")) {
                (Some(Value::String(name)), None) => Ok(Self::Image(name.clone())),
                (None, Some(Value::String(path))) => Ok(Self::Binary(path.clone())),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

impl JsonSchema for Server {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Server".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "`redis:X.Y`, `valkey:X.Y`, `{image: name}` or `{binary: path}`.",
            "examples": ["redis:7.0", "valkey:8.1", { "image": "my/redis:tag" }],
            "oneOf": [
                { "type": "string", "pattern": "^(redis|valkey):[A-Za-z0-9._-]+$" },
                { "type": "object", "properties": { "image": { "type": "string" } }, "required": ["image"], "additionalProperties": false },
                { "type": "object", "properties": { "binary": { "type": "string" } }, "required": ["binary"], "additionalProperties": false }
            ]
        })
    }
}
