//! One trial of a run, analysed.

use std::collections::BTreeMap;

use redquake_experiments::spec::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Sample;
use crate::history::{FaultState, NodeRole, OpKind, Why};

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
    /// The trial it repeats, because that one proved nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u32>,
    /// Zero of the schedule (start of the baseline window).
    pub zero: u64,
    /// End of the measured time.
    pub end: u64,
    /// From the first call to the runtime until the set was ready, ns.
    pub ready_after: Option<u64>,
    /// The nodes, by index.
    pub nodes: Vec<NodeInfo>,
    /// What was injected, and whether it was proved.
    pub faults: Vec<FaultOutcome>,
    /// Outages of the shard, in order, each with its parts.
    pub failovers: Vec<Failover>,
    /// Results by workload, in the file's order.
    pub workloads: Vec<WorkloadResult>,
    /// Value of every metric of this trial, by name.
    pub metrics: BTreeMap<String, Sample>,
    /// Everything suspicious, worst first, capped at 200; `anomalies_total` counts all.
    pub anomalies: Vec<Anomaly>,
    /// Number of anomalies found.
    pub anomalies_total: u64,
    /// Overlaps that are only possible, because a reply was lost: one for each such acquire, the longest overlap first,
    /// capped at 200; `possible_total` counts all. They are no anomalies: nobody was told that it held the lock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub possible: Vec<Anomaly>,
    /// Number of acquires without a reply that, if granted, overlapped an acknowledged hold.
    #[serde(default)]
    pub possible_total: u64,
    /// Time in which several nodes acknowledged writes; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitBrain>,
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
    /// Client gap minus server gap, ns; the price of finding the new primary.
    pub library_cost: Option<Sample>,
    /// Old primary, by name.
    pub old_primary: Option<String>,
    /// New primary, by name.
    pub new_primary: Option<String>,
    /// The write gap told in parts that add up to it, in order of time.
    pub parts: Vec<FailoverPart>,
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

/// Results of one workload in one trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkloadResult {
    /// Name.
    pub name: String,
    /// Kind as in the file.
    pub kind: String,
    /// Attempts with outcome `ok`.
    pub ok: u64,
    /// Attempts with outcome `fail`.
    pub fail: u64,
    /// Attempts with outcome `info`.
    pub info: u64,
    /// Attempts by operation and reason.
    pub reasons: Vec<WhyCount>,
    /// Latency from intended start of `ok` attempts: p50, p99 and largest, ns.
    pub latency: [u64; 3],
    /// Counts of a lock workload.
    pub locks: Option<LockCounts>,
    /// Counts of a set workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetCounts>,
    /// What a limiter did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limiter: Option<LimiterResult>,
    /// What fell through a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheResult>,
    /// What became of payments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payments: Option<PaymentCounts>,
}

/// How often one operation ended for one reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhyCount {
    /// Operation.
    pub op: OpKind,
    /// Reason.
    pub why: Why,
    /// How often.
    pub count: u64,
    /// Intended start of the first such attempt, ns since the trial began.
    pub first: u64,
    /// Intended start of the last such attempt, ns since the trial began.
    pub last: u64,
}

/// What happened to the locks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LockCounts {
    /// Acknowledged acquisitions.
    pub acquired: u64,
    /// Pairs of holds of one key whose cores overlap.
    pub double_acquired: u64,
    /// Sum of those overlaps, ns.
    pub double_held_time: u64,
    /// Pairs that overlap only after the first holder's lease ended.
    pub ttl_overrun: u64,
    /// Acquires whose reply was lost that, if granted, overlapped an acknowledged hold; each counts once.
    pub possible: u64,
    /// Holds whose key was gone before the lease ended.
    pub lost: u64,
    /// Keys that could not be acquired `ttl` + margin after everything was healed.
    pub stuck: u64,
}

/// What became of the elements of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetCounts {
    /// Elements whose addition was acknowledged.
    pub acknowledged: u64,
    /// Acknowledged ones that the final read did not find.
    pub lost: u64,
    /// Ones of unknown outcome that the final read found.
    pub recovered: u64,
    /// Ones that the final read found although they were certainly not added, or by nobody.
    pub unexpected: u64,
    /// Acknowledged ones whose set could not be read.
    pub never_read: u64,
}

/// What became of payments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentCounts {
    /// Jobs that at least one server tried to pay.
    pub jobs: u64,
    /// Jobs with a payment in the ledger.
    pub paid: u64,
    /// Payments in the ledger.
    pub charges: u64,
    /// Payments beyond the first of their job.
    pub charged_twice: u64,
    /// Of those: without a lock, lock forgotten by the servers, lease ended before, charge later than its server waited, unexplained.
    pub causes: [u64; 5],
    /// Payments and looks that the database refused because it knew a newer fencing token.
    pub fenced_out: u64,
    /// Jobs that a server had taken on and that have no payment in the end.
    pub unpaid: u64,
}

/// What fell through a cache to the database behind it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CacheResult {
    /// Reads by where their answer came from: cache, database, a query of another client, an old value, nowhere.
    pub reads: [u64; 5],
    /// Share of reads the cache answered before the first fault.
    pub hit_ratio: Option<f64>,
    /// Queries of the database.
    pub queries: u64,
    /// Queries per second before the first fault.
    pub baseline: Option<f64>,
    /// Most queries within any second.
    pub peak: f64,
    /// Queries within a second from each of these instants on, as `[instant, queries]`; thinned out to the largest where there are many.
    pub curve: Vec<[u64; 2]>,
    /// A projection of the measured shares to another load, and what it assumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<Projection>,
}

/// An extrapolation: nobody has measured this load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Projection {
    /// Reads per second it is made for.
    pub offered: f64,
    /// Share of them that its cache answers.
    pub hit_ratio: f64,
    /// Queries per second in calm.
    pub baseline: f64,
    /// Most queries per second: offered reads times the largest share of reads that fell through here.
    pub peak: f64,
    /// What it assumes, in words.
    pub assumes: String,
}

/// What a rate limiter did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimiterResult {
    /// Requests a subject may make in a window.
    pub limit: u64,
    /// Most that a limiter of its kind admits in any window of true time as long as nothing is lost: twice the limit for fixed windows.
    pub peak_bound: u64,
    /// Requests admitted by Redis.
    pub admitted_redis: u64,
    /// Requests admitted because Redis gave no answer.
    pub admitted_open: u64,
    /// Requests admitted by a counter of the client's own.
    pub admitted_local: u64,
    /// Requests denied by Redis.
    pub denied_redis: u64,
    /// Requests denied because Redis gave no answer.
    pub denied_error: u64,
    /// Requests denied by a counter of the client's own.
    pub denied_local: u64,
    /// Admissions beyond the limit of a window.
    pub over_admitted: u64,
    /// The same among admissions by Redis alone; no more than were lost from the count.
    pub over_admitted_redis: u64,
    /// Most requests of one subject admitted within any one window of true time.
    pub peak: u64,
    /// Answers that counted fewer requests than had certainly been counted before.
    pub rolled_back: u64,
    /// Counted requests that were missing from the count, at least.
    pub lost_counts: u64,
    /// Requests denied by Redis although all that can have been counted leaves room.
    pub wrongly_denied: u64,
    /// Requests without an answer that were counted all the same, at least.
    pub ghosts: u64,
    /// Keys that never expire; absent when the server could not be read in the end.
    pub immortal: Option<u64>,
    /// Memory by subject with a key in the end, bytes; absent when there was none.
    pub bytes_per_subject: Option<f64>,
}

/// Something suspicious, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Anomaly {
    /// What.
    pub kind: AnomalyKind,
    /// Workload it belongs to.
    pub workload: String,
    /// Key number.
    pub key: u32,
    /// When it began.
    pub from: u64,
    /// When it ended, where it has an end.
    pub to: Option<u64>,
    /// The evidence in one sentence: who, when, served by which node.
    pub text: String,
}

/// Kinds of anomalies, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// Two holders at once.
    DoubleAcquired,
    /// An acknowledged write that is gone.
    LostWrite,
    /// A payment beyond the first of its job.
    ChargedTwice,
    /// A limiter let more through than its limit.
    OverAdmitted,
    /// A limiter's key that never expires.
    ImmortalKey,
    /// A lock nobody can take.
    StuckLock,
    /// A lock vanished under its holder.
    LostLock,
    /// A holder outlived its lease.
    TtlOverrun,
    /// Two holders at once, if a lost reply was a success.
    PossibleDouble,
}

/// Everything on one axis. Times are ns since the trial began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineData {
    /// Width of a bucket, ns.
    pub bucket: u64,
    /// One series a workload.
    pub workloads: Vec<WorkloadSeries>,
    /// One lane a data node: roles told and when it acknowledged probe writes.
    pub nodes: Vec<NodeLane>,
    /// Messages of the Sentinels that matter for a failover, or what nodes of a Cluster saw and decided; capped at 400.
    pub sentinel: Vec<SentinelMark>,
}

/// Operations of one workload, in buckets by intended start; only buckets that have any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkloadSeries {
    /// Name of the workload.
    pub name: String,
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
    /// Whether this is an ordinary answer and no error: `held`.
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
