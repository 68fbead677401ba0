//! What clients and probes tried, and what became of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One attempt of a workload client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// Index of the workload in the plan.
    pub w: u16,
    /// Client within the workload, from 0.
    pub c: u16,
    /// What was tried.
    pub op: OpKind,
    /// Identity within the workload: of a hold (its acquire and its release share it, and the token is made from it), of an element.
    pub id: u64,
    /// Key number within the workload.
    pub key: u32,
    /// Intended start, invocation, completion.
    pub at: [u64; 3],
    /// What became of it.
    pub out: Outcome,
    /// Why not `ok`, or a remark on an `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// Index of the node that served it, where one was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u16>,
}

/// What an attempt tried to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpKind {
    /// `SET key token NX PX ttl`.
    Acquire,
    /// Compare-and-delete by script.
    Release,
    /// `SADD key element`.
    Add,
    /// A limiter counts a request: `INCR`, or its script or transaction.
    Count,
    /// A limiter gives its new key a lifetime: `PEXPIRE`.
    Expire,
    /// A limiter takes a request out again that it did not admit: `ZREM`.
    Uncount,
    /// A cache is asked: `GET`.
    Get,
    /// A cache is filled: `SET PX`.
    Put,
    /// A lock is prolonged by script.
    Renew,
    /// A register is read: `GET`.
    Read,
    /// A register is written: `SET`.
    Write,
    /// A register is written if it still has a certain value, by script.
    Swap,
    /// A counter is moved up: `INCR`.
    Increment,
}

impl OpKind {
    /// Every kind, in the order in which reports tell them.
    pub const ALL: [Self; 13] = [
        Self::Acquire,
        Self::Release,
        Self::Add,
        Self::Count,
        Self::Expire,
        Self::Uncount,
        Self::Get,
        Self::Put,
        Self::Renew,
        Self::Read,
        Self::Write,
        Self::Swap,
        Self::Increment,
    ];

    /// Its place in [`Self::ALL`].
    pub fn place(self) -> usize {
        self as usize
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Executed and answered.
    Ok,
    /// Certainly not executed.
    Fail,
    /// Unknown: it may have been executed.
    Info,
}

/// Why an attempt was not `ok`, or a remark on one that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// `SET NX` answered nil: somebody holds the lock (`fail`).
    Held,
    /// Compare-and-delete found the key gone or with another token (`ok`, executed, nothing deleted).
    Gone,
    /// Compare-and-set found another value (`ok`, executed, nothing written).
    Changed,
    /// No connection could be made: refused, unreachable or timed out before anything was sent (`fail`).
    Connect,
    /// No primary was found (`fail`).
    NoPrimary,
    /// Fewer independent primaries than asked for said that they did it, or too late (acquiring `fail`, else `info`).
    Quorum,
    /// More operations were waiting than a client may have; never sent (`fail`).
    Overload,
    /// No reply in time (`info`).
    Timeout,
    /// The connection broke after the request was sent (`info`).
    Reset,
    /// `-READONLY` (`fail`).
    Readonly,
    /// `-LOADING` (`fail`).
    Loading,
    /// `-MASTERDOWN` (`fail`).
    Masterdown,
    /// `-NOREPLICAS` (`fail`).
    Noreplicas,
    /// `-MISCONF` (`fail`).
    Misconf,
    /// `-OOM` (`fail`).
    Oom,
    /// `-BUSY` (`fail`).
    Busy,
    /// `-NOAUTH`, `-WRONGPASS` or `-NOPERM` (`fail`).
    Denied,
    /// `-MOVED`: another node serves the slot (`fail`).
    Moved,
    /// `-ASK`: the key is on its way to another node (`fail`).
    Ask,
    /// `-TRYAGAIN`: some of the keys are on their way to another node (`fail`).
    Tryagain,
    /// `-CLUSTERDOWN`: the Cluster, as this node sees it, is not whole (`fail`).
    Clusterdown,
    /// `-CROSSSLOT` (`fail`); in older histories any of the four before it.
    Redirected,
    /// The client was stopped while the operation was under way (`info`).
    Cancelled,
    /// Any other error reply (`info`).
    Other,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 24] = [
        Self::Held,
        Self::Gone,
        Self::Changed,
        Self::Connect,
        Self::NoPrimary,
        Self::Quorum,
        Self::Overload,
        Self::Timeout,
        Self::Reset,
        Self::Readonly,
        Self::Loading,
        Self::Masterdown,
        Self::Noreplicas,
        Self::Misconf,
        Self::Oom,
        Self::Busy,
        Self::Denied,
        Self::Moved,
        Self::Ask,
        Self::Tryagain,
        Self::Clusterdown,
        Self::Redirected,
        Self::Cancelled,
        Self::Other,
    ];

    /// The word used in histories and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Gone => "gone",
            Self::Changed => "changed",
            Self::Connect => "connect",
            Self::NoPrimary => "no_primary",
            Self::Quorum => "quorum",
            Self::Overload => "overload",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Readonly => "readonly",
            Self::Loading => "loading",
            Self::Masterdown => "masterdown",
            Self::Noreplicas => "noreplicas",
            Self::Misconf => "misconf",
            Self::Oom => "oom",
            Self::Busy => "busy",
            Self::Denied => "denied",
            Self::Moved => "moved",
            Self::Ask => "ask",
            Self::Tryagain => "tryagain",
            Self::Clusterdown => "clusterdown",
            Self::Redirected => "redirected",
            Self::Cancelled => "cancelled",
            Self::Other => "other",
        }
    }
}

/// One attempt of a probe: a small write or read that starts every few milliseconds on every data node, regardless of the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Index of the node.
    pub node: u16,
    /// Write or read.
    pub op: ProbeKind,
    /// Intended start, invocation, completion.
    pub at: [u64; 3],
    /// What became of it.
    pub out: Outcome,
    /// Why not `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// Write or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    /// `SET` of a canary key.
    Write,
    /// `GET` of the canary key.
    Read,
}
