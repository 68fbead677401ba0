//! One trial of a run, analysed.

use std::collections::BTreeMap;

use redquake_experiments::spec::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Sample;
use super::anomaly::{Anomaly, AnomalyCount};
use super::crash::Crash;
use super::failover::{Failover, FaultOutcome, Promotion};
use super::moves::SlotMove;
use super::timeline::TimelineData;
use super::workload::WorkloadResult;

/// One trial, analysed. All times are nanoseconds since the trial began unless said otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// From 1.
    pub index: u32,
    /// Its seed.
    pub seed: u64,
    /// Whether it proves anything.
    pub status: TrialStatus,
    /// Why it is not conclusive; empty when it is.
    pub reasons: Vec<String>,
    /// Whether the machine was too busy to measure.
    pub disturbed: bool,
    /// What is wrong with its history, in words; absent where the history is there and as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// The trial it repeats, because that one proved nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u32>,
    /// Zero of the schedule (start of the baseline window).
    pub zero: u64,
    /// Time from when the servers were ready to that zero, modulo the experiment's `jitter`, ns; absent without a jitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<u64>,
    /// End of the measured time.
    pub end: u64,
    /// From the first call to the runtime until the set was ready, ns.
    pub ready_after: Option<u64>,
    /// The nodes, by index.
    pub nodes: Vec<NodeInfo>,
    /// What was injected, and whether it was proved.
    pub faults: Vec<FaultOutcome>,
    /// Servers that ended by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crashes: Vec<Crash>,
    /// Outages of the shard, in order, each with its parts.
    pub failovers: Vec<Failover>,
    /// Nodes that became primary, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promotions: Vec<Promotion>,
    /// Results by workload, in the file's order.
    pub workloads: Vec<WorkloadResult>,
    /// Value of every metric of this trial, by name.
    pub metrics: BTreeMap<String, Sample>,
    /// A sample of each kind and workload, worst kind first; of a kind the longest overlap first, else the earliest. `anomaly_counts` counts all.
    pub anomalies: Vec<Anomaly>,
    /// Number of anomalies found.
    pub anomalies_total: u64,
    /// How many there were of each kind and workload, listed or not, worst kind first. Overlaps that are only possible are among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomaly_counts: Vec<AnomalyCount>,
    /// Path of the file that has all of them, relative to the results folder; empty where there are none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub anomalies_file: String,
    /// Overlaps that are only possible, because a reply was lost: one for each such acquire, the longest overlap first,
    /// a sample; `possible_total` counts all. They are no anomalies: nobody was told that it held the lock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub possible: Vec<Anomaly>,
    /// Number of acquires without a reply that, if granted, overlapped an acknowledged hold.
    #[serde(default)]
    pub possible_total: u64,
    /// Time in which several nodes acknowledged writes; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitBrain>,
    /// How long the tool's own loops were late within the longest time without a write, ns; absent where that was an outage, or they were in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_in_pause: Option<u64>,
    /// What became of slots that were to move.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<SlotMove>,
    /// Remarks worth showing (stalls, truncated history, ...).
    pub remarks: Vec<String>,
    /// Everything on one axis, for the chart.
    pub timeline: TimelineData,
    /// Path of the history, relative to the results folder.
    pub history: String,
}

/// Time in which several nodes acknowledged writes, seen by probes that no fault cuts off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SplitBrain {
    /// When, as `[from, to]`.
    pub spans: Vec<[u64; 2]>,
    /// How much each node took in those spans.
    pub nodes: Vec<SplitNode>,
}

/// What one node acknowledged while another one did as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SplitNode {
    /// Name of the node.
    pub name: String,
    /// Whether it was the primary in the end: what the others took is gone once they follow it.
    pub kept: bool,
    /// Probe writes.
    pub probe_writes: u64,
    /// Writes of the workloads' clients.
    pub client_writes: u64,
}

/// Whether a trial proves anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrialStatus {
    /// It counts.
    Conclusive,
    /// It proves nothing; its values are shown and not judged.
    Inconclusive,
    /// The environment failed.
    Error,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeInfo {
    /// Name.
    pub name: String,
    /// Role it started with.
    pub role: Role,
    /// `ip:port`.
    pub address: String,
    /// Server and version.
    pub version: String,
    /// The shard it belongs to, from 1; only in a Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
}
