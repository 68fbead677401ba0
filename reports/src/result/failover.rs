//! What was broken in a trial, and the outages that followed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Sample;
use crate::history::FaultState;

/// What became of one planned fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FaultOutcome {
    /// Name.
    pub name: String,
    /// Action.
    pub action: String,
    /// When it was planned; absent for one that waited for something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_at: Option<u64>,
    /// When it was injected.
    pub injected_at: Option<u64>,
    /// When it was taken back.
    pub reverted_at: Option<u64>,
    /// What the target resolved to.
    pub targets: Vec<String>,
    /// Last state reached; a fault that was not seen to take effect stays `unproved`.
    pub state: FaultState,
    /// How it was proved, in words.
    pub proof: String,
}

/// One interval without service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Completion of the last acknowledged operation before it.
    pub from: u64,
    /// Node that acknowledged it.
    pub from_node: Option<String>,
    /// Completion of the first acknowledged operation after it; absent when there was none before the end.
    pub to: Option<u64>,
    /// Node that acknowledged that one.
    pub to_node: Option<String>,
    /// Length, ns.
    pub length: Sample,
}

/// One outage with its parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Failover {
    /// The shard that was out, from 1; only in a Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
    /// Name of the fault that caused it; absent for an unplanned one.
    pub fault: Option<String>,
    /// Instant of the fault.
    pub fault_at: Option<u64>,
    /// Writes, seen by probes on every data node (server gap).
    pub write_gap: Option<Gap>,
    /// Reads, seen by probes on the primary.
    pub read_gap: Option<Gap>,
    /// Writes, seen by the workloads' clients (client gap).
    pub client_gap: Option<Gap>,
    /// Whose clients waited that long: the workload, and the zone where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_gap_of: Option<String>,
    /// Client gap minus server gap, ns; the price of finding the new primary.
    pub library_cost: Option<Sample>,
    /// Old primary, by name.
    pub old_primary: Option<String>,
    /// New primary, by name.
    pub new_primary: Option<String>,
    /// The write gap told in parts that add up to it, in order of time.
    pub parts: Vec<FailoverPart>,
    /// Why no replica was elected although the primary was gone, in words; absent where one was, and outside Clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
}

/// One part of a gap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailoverPart {
    /// `detection`, `agreement`, `election`, `promotion`, `announcement`, `rediscovery`.
    pub name: String,
    /// When it began.
    pub from: u64,
    /// When it ended.
    pub to: u64,
    /// The event that ended it and who reported it, in words.
    pub ended_by: String,
}
