//! What clients of limiters, caches and payments did beyond their operations, and what they left.

use serde::{Deserialize, Serialize};

use super::op::Outcome;

/// What a client of a rate limiter did with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Index of the workload in the plan.
    pub w: u16,
    /// Client within the workload, from 0.
    pub c: u16,
    /// Identity of the request within the workload; the operations it took share it.
    pub id: u64,
    /// Whose quota.
    pub key: u32,
    /// Number of the window on the client's clock (fixed windows); 0 otherwise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub window: u64,
    /// From when it may have been counted, and when it was decided.
    pub at: [u64; 2],
    /// Whether it was admitted.
    pub admit: bool,
    /// Who decided.
    pub by: DecidedBy,
    /// What Redis counted, this request included if it is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// Whether Redis executed it: `ok` for yes, `fail` for certainly not, `info` for unknown.
    pub ran: Outcome,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Who decided about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// Redis' answer.
    Redis,
    /// The policy for a Redis that gives none.
    Policy,
    /// A counter of the client's own.
    Local,
}

/// What a limiter left on the server, summed over its keys, after the clients stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// When.
    pub at: u64,
    /// Index of the workload.
    pub w: u16,
    /// Keys found.
    pub keys: u64,
    /// Subjects that have one.
    pub subjects: u64,
    /// Keys that never expire (`PTTL` −1).
    pub immortal: u64,
    /// What they take (`MEMORY USAGE`), bytes.
    pub bytes: u64,
}

/// One query of the database behind a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Index of the workload in the plan.
    pub w: u16,
    /// Client within the workload, from 0.
    pub c: u16,
    /// Identity of the read or attempt it belongs to.
    pub id: u64,
    /// What was looked up or charged.
    pub key: u32,
    /// When it was asked, and when its answer, or that there will be none, was known.
    pub at: [u64; 2],
    /// When it got a connection; absent when it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<u64>,
    /// What became of it.
    pub out: Queried,
}

/// What became of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queried {
    /// Answered.
    Ok,
    /// The pool or the server had no room.
    Refused,
    /// No answer in time.
    Timeout,
    /// Another error.
    Failed,
}

/// What one read through a cache came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Index of the workload in the plan.
    pub w: u16,
    /// Client within the workload, from 0.
    pub c: u16,
    /// Identity of the read; its operations and queries share it.
    pub id: u64,
    /// What was read.
    pub key: u32,
    /// When it was meant to start, and when it was answered or given up.
    pub at: [u64; 2],
    /// Where the answer came from.
    pub from: ReadFrom,
}

/// Where the answer of a read came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadFrom {
    /// The cache had it.
    Cache,
    /// The database.
    Database,
    /// A query of another client at the same time.
    Shared,
    /// An old value, because the database gave none.
    Stale,
    /// There was none.
    Nowhere,
}

/// One server's attempt to pay a job, from when it had the lock or needed none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Index of the workload in the plan.
    pub w: u16,
    /// Client within the workload, from 0.
    pub c: u16,
    /// Identity of the attempt; its operations share it, and so does its entry in the ledger.
    pub id: u64,
    /// The job.
    pub key: u32,
    /// When its lock was asked for and granted; absent without a lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<[u64; 2]>,
    /// Its fencing token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// When it asked the database about the job, and had the answer.
    pub looked: [u64; 2],
    /// When it sent the charge, and when the answer, or that there will be none, was known; absent when it sent none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<[u64; 2]>,
    /// What became of it.
    pub out: Paying,
}

/// What became of an attempt to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paying {
    /// The payment is in the ledger.
    Charged,
    /// The job was paid already.
    Settled,
    /// The database knew a newer fencing token.
    Fenced,
    /// The lock was found gone before the charge.
    LostLock,
    /// It was stopped before the charge.
    Stopped,
    /// Certainly not charged: the database refused or was not reached.
    Refused,
    /// Unknown: the charge was sent, and no answer came.
    Unknown,
}

/// Payments found in the ledger in the end, in its order; a long one is told in several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// When.
    pub at: u64,
    /// Index of the workload.
    pub w: u16,
    /// Position of the first one.
    pub from: u64,
    /// Job and attempt of each.
    pub entries: Vec<(u32, u64)>,
}
