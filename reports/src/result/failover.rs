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
    /// When it was reverted.
    pub reverted_at: Option<u64>,
    /// What the target resolved to.
    pub targets: Vec<String>,
    /// Last state reached; a fault that was not verified stays `unproved`.
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
    /// Name of the fault that caused it, or that it came after; absent where no fault had reached the shard.
    pub fault: Option<String>,
    /// Instant of the fault.
    pub fault_at: Option<u64>,
    /// Whether the servers did it by themselves after the fault, with nothing else injected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aftershock: bool,
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
    /// Why no replica took over although the primary was gone, or only after attempts that failed, in words; absent where nothing stood in
    /// the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
    /// Of a shard whose primary was there and refused all the same; absent elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_for_coverage: Option<CoverageRefusal>,
}

/// A shard of a Cluster that lost nothing and answered `CLUSTERDOWN`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CoverageRefusal {
    /// The shards that were not served meanwhile; empty where too few primaries could be reached.
    pub shards: Vec<u32>,
    /// For how long it refused, ns.
    pub lasted: Sample,
    /// The reason, in words.
    pub why: String,
}

/// A node that became primary in the measured time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Promotion {
    /// The shard, from 1; only in a Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
    /// When it was first told, by a Sentinel or by the node.
    pub at: u64,
    /// The primary before, by name.
    pub old_primary: String,
    /// The new one, by name.
    pub new_primary: String,
    /// Name of the fault that explains it, or that it came after; absent where no fault had reached the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Whether the servers did it by themselves after the fault.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aftershock: bool,
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
