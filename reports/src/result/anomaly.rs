//! Something suspicious, with the evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// How many anomalies of one kind a workload had in a trial, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnomalyCount {
    /// What.
    pub kind: AnomalyKind,
    /// The workload.
    pub workload: String,
    /// How many there were.
    pub total: u64,
    /// How many of them are listed in the result.
    pub listed: u64,
    /// When the first began.
    pub first: u64,
    /// When the last ended.
    pub last: u64,
    /// When all of them were, as `[from, to, number]`; those that begin close to each other are one span.
    pub spans: Vec<[u64; 3]>,
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
    /// Two updates of one value, of which one does not know of the other: a write over what another had written since it was read.
    LostUpdate,
    /// What clients were told of a register fits no order of their calls.
    NotLinearizable,
    /// Something is there that nobody can have written.
    UnexpectedWrite,
    /// A limiter let more through than its limit.
    OverAdmitted,
    /// A limiter's key that never expires.
    ImmortalKey,
    /// A lock nobody can take.
    StuckLock,
    /// A lock vanished under its holder.
    LostLock,
    /// A fencing token that was handed out before, or is not above one handed out before.
    TokenRegression,
    /// An answer with a value that had been replaced before.
    StaleRead,
    /// A holder outlived its lease.
    TtlOverrun,
    /// Two holders at once, if a lost reply was a success.
    PossibleDouble,
}
