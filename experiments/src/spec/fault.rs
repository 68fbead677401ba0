//! What is broken, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, Selector};

/// Something injected into a running topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Fault {
    /// `SIGKILL`: the process is gone without a word.
    Kill(Kill),
    /// Packets between two groups of nodes are dropped.
    Partition(Partition),
}

impl Fault {
    /// The name given in the file.
    pub fn name(&self) -> &str {
        match self {
            Self::Kill(kill) => &kill.name,
            Self::Partition(partition) => &partition.name,
        }
    }

    /// The action as written in the file.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Partition(_) => "partition",
        }
    }

    /// When it is injected, from the start of the baseline window.
    pub fn at(&self) -> Duration {
        match self {
            Self::Kill(kill) => kill.at,
            Self::Partition(partition) => partition.at,
        }
    }

    /// When it is reverted, from the start of the baseline window; `None` for what cannot be taken back.
    pub fn until(&self) -> Option<Duration> {
        match self {
            Self::Kill(_) => None,
            Self::Partition(partition) => Some(partition.at + partition.duration),
        }
    }
}

/// `SIGKILL` to every node the target resolves to at that instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// Name of the fault, used in reports.
    #[schemars(schema_with = "super::schema::name_schema")]
    pub name: String,
    /// When, from the start of the baseline window.
    pub at: Duration,
    /// Whom, resolved when the fault fires.
    pub target: Selector,
}

/// Packets between two groups are dropped inside the nodes' own network namespaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Name of the fault, used in reports.
    #[schemars(schema_with = "super::schema::name_schema")]
    pub name: String,
    /// When, from the start of the baseline window.
    pub at: Duration,
    /// For how long; the partition is then healed.
    #[serde(rename = "for")]
    pub duration: Duration,
    /// One side of the cut, resolved when the fault fires.
    pub from: Selector,
    /// The other side of the cut, resolved when the fault fires.
    pub to: Selector,
    /// Which packets are dropped.
    #[serde(default)]
    pub direction: Direction,
}

/// Which packets a partition drops.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// Packets sent by `from` do not reach `to`.
    To,
    /// Packets sent by `to` do not reach `from`.
    From,
}
