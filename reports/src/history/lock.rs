//! What clients of locks did beyond their operations.

use serde::{Deserialize, Serialize};

use super::op::{OpKind, Outcome, Why};

/// One independent primary's part in an attempt of a lock that asks several. The attempt as a whole is an `op` of the same identity; one that was
/// not granted is released at those who granted it, without an `op` of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Index of the workload in the plan.
    pub w: u16,
    /// Client within the workload, from 0.
    pub c: u16,
    /// Identity of the hold.
    pub id: u64,
    /// Key number.
    pub key: u32,
    /// What was asked.
    pub op: OpKind,
    /// Index of the node that was asked.
    pub node: u16,
    /// From when it may have been executed, and when that was known.
    pub at: [u64; 2],
    /// What became of it.
    pub out: Outcome,
    /// Why it is not `ok`, or a remark on one that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// What one holder did with what its lock guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Index of the workload in the plan.
    pub w: u16,
    /// Client within the workload, from 0.
    pub c: u16,
    /// Identity of the hold.
    pub id: u64,
    /// Key number.
    pub key: u32,
    /// When the lock was asked for and granted.
    pub lock: [u64; 2],
    /// Its fencing token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<u64>,
    /// When it read, and how often the value had been written by then.
    pub read: [u64; 2],
    /// When it wrote, and how often the value had been written before that; absent when it wrote nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote: Option<[u64; 2]>,
    /// What became of it.
    pub out: Accessed,
}

/// What became of a holder's use of what its lock guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accessed {
    /// It read and wrote.
    Written,
    /// It was refused as it came: its fencing token was too old.
    RefusedRead,
    /// It was refused as it wrote: a newer fencing token had come meanwhile.
    RefusedWrite,
    /// It found its lock gone and wrote nothing.
    LostLock,
    /// It was stopped, or died, before it wrote.
    Stopped,
}
