//! Everything on one axis.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::history::{NodeRole, Why};

/// Everything on one axis. Times are ns since the trial began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineData {
    /// Width of a bucket, ns.
    pub bucket: u64,
    /// One series a workload, and one a zone where its clients live in several.
    pub workloads: Vec<WorkloadSeries>,
    /// One lane a data node: roles told and when it acknowledged probe writes.
    pub nodes: Vec<NodeLane>,
    /// Messages of the Sentinels that matter for a failover, or what nodes of a Cluster saw and decided; capped at 400.
    pub sentinel: Vec<SentinelMark>,
}

/// Operations of one workload, or of its clients in one zone, in buckets by intended start; only buckets that have any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkloadSeries {
    /// Name of the workload.
    pub name: String,
    /// The zone these clients live in, where they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The buckets.
    pub buckets: Vec<OpBucket>,
    /// One series for each reason that occurred in the measured time, errors before what is normal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassSeries>,
}

/// Attempts of the measured time that ended for one reason, both operations together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassSeries {
    /// Reason.
    pub why: Why,
    /// Whether this is an ordinary answer and no error: `held`, `changed`.
    pub normal: bool,
    /// Attempts by bucket of intended start, as `[start of the bucket, attempts]`; only buckets that have any.
    pub buckets: Vec<[u64; 2]>,
}

/// Operations whose intended start falls into one bucket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpBucket {
    /// Start of the bucket.
    pub at: u64,
    /// Outcomes.
    pub ok: u32,
    /// Certainly not executed, without `held`.
    pub fail: u32,
    /// `SET NX` answered nil.
    pub held: u32,
    /// Unknown.
    pub info: u32,
    /// Smallest latency from intended start, ns.
    pub min: u64,
    /// Largest latency from intended start, ns.
    pub max: u64,
}

/// One data node over time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeLane {
    /// Name of the node.
    pub name: String,
    /// What it said it was.
    pub roles: Vec<RoleSpan>,
    /// Intervals in which it acknowledged probe writes, as `[from, to]`.
    pub writable: Vec<[u64; 2]>,
    /// Intervals in which it said `cluster_state:fail`, as `[from, to]`; only in a Cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub down: Vec<[u64; 2]>,
}

/// An interval in which a node told one role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleSpan {
    /// From.
    pub from: u64,
    /// To.
    pub to: u64,
    /// The role.
    pub role: NodeRole,
}

/// A message of a Sentinel, or what a node of a Cluster saw or decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SentinelMark {
    /// When.
    pub at: u64,
    /// Name of the Sentinel.
    pub node: String,
    /// `+sdown`, ...
    pub event: String,
    /// The message.
    pub payload: String,
}
