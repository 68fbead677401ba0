//! Results of one workload in one trial.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::history::{OpKind, Why};

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
    /// Counts of a counter workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterCounts>,
    /// Counts of a register workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<RegisterCounts>,
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
    /// Updates of guarded values that went through.
    #[serde(default)]
    pub updates: u64,
    /// Of those, ones that overwrote an update their holder had not seen.
    #[serde(default)]
    pub lost_updates: u64,
    /// Holders that a guarded value refused because of their fencing token.
    #[serde(default)]
    pub fenced_out: u64,
    /// Of those, holders beside whom nobody else held the lock.
    #[serde(default)]
    pub fenced_alone: u64,
    /// Fencing tokens handed out before, or not above one handed out before.
    #[serde(default)]
    pub token_regressions: u64,
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
    /// Acknowledged and lost by the node that acknowledged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_node: Vec<NodeWrites>,
}

/// What one node acknowledged, and what of it was lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeWrites {
    /// Name of the node.
    pub node: String,
    /// Writes it acknowledged.
    pub acknowledged: u64,
    /// Those of them that were lost.
    pub lost: u64,
}

/// What became of the increments of counters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CounterCounts {
    /// Increments that were acknowledged.
    pub acknowledged: u64,
    /// Acknowledged ones that the final value certainly lacks.
    pub lost: u64,
    /// The same if every increment without an answer was executed and kept.
    pub lost_at_most: u64,
    /// Increments of unknown outcome that the final value certainly has.
    pub ghosts: u64,
    /// What the final value has beyond every increment that can have been executed.
    pub unexpected: u64,
    /// Answers that were not above a value answered before, or were given twice.
    pub rolled_back: u64,
    /// Acknowledged ones whose counter could not be read.
    pub never_read: u64,
    /// Acknowledged and lost by the node that acknowledged.
    pub by_node: Vec<NodeWrites>,
}

/// What clients of registers were told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegisterCounts {
    /// Registers that were used.
    pub registers: u64,
    /// Writes and swaps that were acknowledged.
    pub acknowledged: u64,
    /// Registers whose calls no single register would have answered like that, in any order.
    pub violations: u64,
    /// Reads that were answered.
    #[serde(default)]
    pub reads: u64,
    /// Swaps that were answered.
    #[serde(default)]
    pub swaps: u64,
    /// Registers of which that could not be decided within the budget of the search.
    pub inconclusive: u64,
    /// Acknowledged writes and swaps that the primary of the end certainly never had.
    pub lost: u64,
    /// Acknowledged swaps of a value that another acknowledged swap had replaced as well.
    pub lost_updates: u64,
    /// Answers with a value that had certainly been replaced before the question.
    pub stale_reads: u64,
    /// Answers with a value that nobody can have written by then.
    pub unexpected: u64,
    /// Registers with acknowledged writes that could not be read in the end.
    pub never_read: u64,
    /// Acknowledged and lost by the node that acknowledged.
    pub by_node: Vec<NodeWrites>,
}

/// What became of payments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentCounts {
    /// Jobs that at least one server had taken on, or that have a payment.
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
    /// Fencing tokens of a job handed out before, or not above one handed out before.
    #[serde(default)]
    pub token_regressions: u64,
    /// Jobs that more than one server took up.
    #[serde(default)]
    pub contested: u64,
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
    /// Largest share of what the cache answers in calm that became queries in a second here.
    #[serde(default)]
    pub fell_through: f64,
    /// Queries per second in calm.
    pub baseline: f64,
    /// Most queries per second: the baseline, and that share of the offered reads the cache answers.
    pub peak: f64,
    /// Peak by baseline; absent where the cache answers everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiplier: Option<f64>,
    /// Queries beyond the baseline.
    #[serde(default)]
    pub extra: f64,
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
    /// Length of a window, ns; 0 in results of earlier versions.
    #[serde(default)]
    pub window: u64,
    /// Most requests of one subject within any window, admitted or not.
    #[serde(default)]
    pub most_offered: u64,
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
