//! Faults that are commands to a server.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::{DirectiveName, Selector};

/// The server is kept busy and answers nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Busy {
    /// Whom, resolved when the fault fires.
    pub target: Selector,
    /// With what.
    #[serde(default)]
    pub how: BusyHow,
}

/// What keeps a server busy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BusyHow {
    /// A Lua script that runs until it is killed (`SCRIPT KILL`); beyond `busy-reply-threshold` clients are told `-BUSY`.
    #[default]
    Script,
    /// `DEBUG SLEEP`: the server answers nothing at all.
    Sleep,
}

/// `CLIENT PAUSE`, and `CLIENT UNPAUSE` when it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientsPause {
    /// Whom, resolved when the fault fires.
    pub target: Selector,
    /// Which commands wait.
    #[serde(default)]
    pub mode: PauseMode,
}

/// Which commands a paused server holds back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PauseMode {
    /// Those that write.
    #[default]
    Write,
    /// All.
    All,
}

/// A failover somebody asked for: `SENTINEL FAILOVER` asked of one Sentinel; in a Cluster `CLUSTER FAILOVER` told to replicas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Failover {
    /// The Sentinel that is asked; default: any one. In a Cluster the replicas that are told to take their primaries' places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Selector>,
    /// In a Cluster: whom the replica waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<FailoverMode>,
}

/// Whom a replica waits for that is told to take its primary's place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailoverMode {
    /// For the primary, which holds writes back until the replica has everything (`CLUSTER FAILOVER`).
    #[default]
    Graceful,
    /// For the votes of the other primaries only (`FORCE`).
    Force,
    /// For nobody (`TAKEOVER`): the way out where no majority of the primaries is left.
    Takeover,
}

/// `CONFIG SET`; with `for`, the former values come back when it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigSet {
    /// Whom, resolved when the fault fires.
    pub target: Selector,
    /// Directives and their new values.
    #[schemars(schema_with = "crate::spec::directives::settings")]
    pub set: BTreeMap<DirectiveName, String>,
}

/// `SENTINEL SIMULATE-FAILURE`: the Sentinel crashes by itself when it leads a failover and reaches the point; with `for`, those that have
/// not crashed are spared when it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SentinelCrash {
    /// The Sentinels to crash when they become the leader.
    pub target: Selector,
    /// Where.
    pub point: CrashPoint,
}

/// Where a Sentinel crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CrashPoint {
    /// Right after it was elected to lead.
    AfterElection,
    /// Right after it promoted a replica.
    AfterPromotion,
}
