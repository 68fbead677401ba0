//! The servers an experiment runs on.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Directives;

/// The servers to bring up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Topology {
    /// One primary with replicas, watched by Sentinels.
    Sentinel(SentinelTopology),
}

/// One primary with replicas, watched by Sentinels.
///
/// Nodes are named `redis-1` (the first primary), `redis-2`, ... and `sentinel-1`, `sentinel-2`, ...
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
    /// Directives of the servers' configuration files.
    #[serde(default)]
    pub config: TopologyConfig,
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
