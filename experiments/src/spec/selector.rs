//! Who is meant: selectors are resolved when a fault fires, never earlier.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names nodes by role or by name, or a zone of clients. Exactly one of `role`, `node` and `zone` is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// All nodes that have this role when the fault fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<WantedRole>,
    /// One node by its name, for example `redis-2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The place in the network where the clients of that zone live; only for faults of links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Of the nodes with that role only those of this shard, from 1; only in a Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub shard: Option<u32>,
    /// Of the nodes with that role only those of the shard that serves the slot of this key at that moment; only in a Cluster.
    #[serde(default, rename = "shard-of", skip_serializing_if = "Option::is_none")]
    pub shard_of: Option<String>,
    /// How many of the nodes that match: `all` (default), `one` or a number, chosen by the trial's seed.
    #[serde(default)]
    pub pick: Pick,
}

impl Selector {
    /// Every node that has this role.
    pub fn role(role: WantedRole) -> Self {
        Self { role: Some(role), ..Self::default() }
    }

    /// One node by its name.
    pub fn node(name: &str) -> Self {
        Self { node: Some(name.to_owned()), ..Self::default() }
    }

    /// Whether it asks for nodes of one shard, by its number or by a key.
    pub fn in_one_shard(&self) -> bool {
        self.shard.is_some() || self.shard_of.is_some()
    }
}

/// The roles a selector may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WantedRole {
    /// The data node that accepts writes.
    Primary,
    /// Data nodes that follow a primary.
    Replica,
    /// The Sentinels.
    Sentinel,
    /// The Sentinel elected last to lead a failover.
    LeaderSentinel,
    /// Every data node of the set or Cluster.
    Data,
    /// The independent primaries beside the set.
    Independent,
    /// Every node.
    Any,
}

impl WantedRole {
    /// The word used in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
            Self::Sentinel => "sentinel",
            Self::LeaderSentinel => "leader-sentinel",
            Self::Data => "data",
            Self::Independent => "independent",
            Self::Any => "any",
        }
    }
}

/// What a node is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The data node that accepts writes.
    Primary,
    /// A data node that follows a primary.
    Replica,
    /// A Sentinel.
    Sentinel,
    /// A primary of its own beside the set: without replicas, and unknown to the Sentinels.
    Independent,
}

impl Role {
    /// The word used in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
            Self::Sentinel => "sentinel",
            Self::Independent => "independent",
        }
    }

    /// Whether it holds data that belongs to the set or Cluster.
    pub fn is_data(self) -> bool {
        matches!(self, Self::Primary | Self::Replica)
    }
}

/// How many of the nodes that match a selector are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pick {
    /// Every node that matches.
    #[default]
    All,
    /// One of them.
    One,
    /// That many of them.
    Count(u32),
}

impl Serialize for Pick {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::One => serializer.serialize_str("one"),
            Self::Count(count) => serializer.serialize_u32(*count),
        }
    }
}

impl<'de> Deserialize<'de> for Pick {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(word) if word == "all" => Ok(Self::All),
            serde_json::Value::String(word) if word == "one" => Ok(Self::One),
            serde_json::Value::Number(number) => {
                let count = number.as_u64().and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
                count.map(Self::Count).ok_or_else(|| D::Error::custom("`pick` must be `all`, `one` or a whole number from 1"))
            }
            other => Err(D::Error::custom(format!("`pick` must be `all`, `one` or a whole number from 1, not {other}"))),
        }
    }
}

impl JsonSchema for Pick {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pick".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "`all`, `one` or a whole number.",
            "oneOf": [{ "type": "string", "enum": ["all", "one"] }, { "type": "integer", "minimum": 1 }]
        })
    }
}
