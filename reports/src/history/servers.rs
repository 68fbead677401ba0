//! What servers and Sentinels said of themselves and of each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A message a Sentinel published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentinelEvent {
    /// When it arrived.
    pub at: u64,
    /// Index of the Sentinel's node.
    pub node: u16,
    /// Channel: `+sdown`, `+odown`, `+switch-master`, ...
    pub event: String,
    /// The message.
    pub payload: String,
}

/// What a node of a Cluster saw or decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterEvent {
    /// When: of the answer it was read from, or the time the server wrote before the line of its log.
    pub at: u64,
    /// Index of the node that says so.
    pub node: u16,
    /// What.
    pub news: ClusterNews,
    /// Index of the node it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<u16>,
    /// Epoch of the election.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// `Delayed`: the wait before the election, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<u64>,
    /// `Delayed`: how many of its siblings have more data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// The line of the log it was read from; absent for what was asked (`CLUSTER NODES`, `CLUSTER INFO`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// What happens to a node of a Cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClusterNews {
    /// It holds another node for possibly failing (`fail?`): no answer for longer than the node timeout.
    Pfail,
    /// It holds another node for failing (`fail`): a majority of the primaries said so.
    Fail,
    /// It no longer holds another node for failing.
    Cleared,
    /// A replica waits before it asks for votes.
    Delayed,
    /// A replica asks for votes.
    Standing,
    /// A primary gave its vote.
    Voted,
    /// A primary refused its vote.
    Refused,
    /// A replica won an election and takes the slots.
    Won,
    /// A replica took the slots because it was told to.
    TookOver,
    /// A replica's election was not won in time.
    Expired,
    /// A replica may not stand.
    Unable,
    /// It serves requests.
    StateOk,
    /// It refuses requests with `CLUSTERDOWN`.
    StateFail,
    /// It sees the slots of a shard served by another node than before.
    Owner,
}

/// What a data node said of itself (`INFO replication`); written when it changes, and at least every 50 ms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSample {
    /// When the question was sent and when the answer was complete.
    pub at: [u64; 2],
    /// Index of the node.
    pub node: u16,
    /// The role told.
    pub role: NodeRole,
    /// Replication offset: `master_repl_offset` of a primary, `slave_repl_offset` of a replica.
    pub offset: u64,
    /// Replica: whether its link to the primary is up. Primary: whether any replica is online.
    pub link: bool,
    /// Replica: `ip:port` of the primary it follows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub follows: String,
    /// Replica: whether it takes a full copy from its primary at the moment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub syncing: bool,
    /// Replica: its priority (`replica-priority`); absent where it was not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
}

/// What a data node says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    /// Says it is a primary.
    Primary,
    /// Follows a primary.
    Replica,
    /// Gave no answer.
    Unreachable,
}

/// A node was started again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// When its process was started and when it was first seen to serve.
    pub at: [u64; 2],
    /// Index of the node.
    pub node: u16,
    /// What it said it read from its disk, in its words; absent when it read nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<String>,
}
