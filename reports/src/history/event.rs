//! The events of a trial, one JSON object a line, externally tagged: `{"op":{...}}`.
//!
//! All times are monotonic nanoseconds since the trial began, taken in one process.

use redquake_experiments::plan::Plan;
use redquake_experiments::spec::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the format; readers refuse others.
pub const FORMAT_VERSION: u32 = 1;

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// First line: what this is the history of.
    Header(Box<Header>),
    /// A node came up.
    Node(Node),
    /// The trial entered a phase.
    Phase(Phase),
    /// One attempt of a workload client.
    Op(Op),
    /// One attempt of a probe.
    Probe(Probe),
    /// A step of a fault.
    Fault(FaultEvent),
    /// A message a Sentinel published.
    Sentinel(SentinelEvent),
    /// What a data node said of itself.
    Role(RoleSample),
    /// The tool's own event loop was late.
    Stall(Stall),
    /// Final read of one key of a workload.
    Final(Final),
    /// Something a reader of the history should know.
    Note(Note),
    /// Last line; a history without it was cut off.
    End(End),
}

/// First line of a history. Carries the whole plan, so that a history can be analysed alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// `FORMAT_VERSION` of the writer.
    pub format: u32,
    /// Version of the tool that wrote it.
    pub tool: String,
    /// The plan of the run.
    pub plan: Plan,
    /// Trial number, from 1.
    pub trial: u32,
    /// Seed of the trial.
    pub seed: u64,
    /// Wall-clock time of the trial's zero, RFC 3339 in UTC. An anchor for people; nothing is computed from it.
    pub began: String,
    /// Interval between two probe writes of a node, ns.
    pub probe_every: u64,
}

/// A node came up. The position among `node` events is its index in the other events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// When it was first seen to answer.
    pub at: u64,
    /// `redis-1`, `sentinel-2`, ...
    pub name: String,
    /// The role it started with.
    pub role: Role,
    /// `ip:port` on the lab network.
    pub address: String,
    /// `run_id` of INFO.
    pub run_id: String,
    /// Server and version as INFO tells them, for example `redis 7.0.15`.
    pub version: String,
}

/// The trial entered a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// When.
    pub at: u64,
    /// Which.
    pub name: PhaseName,
}

/// The phases of a trial, in order. `Steady` may be missing when the trial ended before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseName {
    /// Servers are being brought up.
    Provision,
    /// Servers are ready, clients run, steady state is awaited.
    Settle,
    /// Zero of the schedule: baseline window begins. Fault times count from here.
    Baseline,
    /// Every fault has been injected and reverted; recovery is observed.
    Recovery,
    /// Clients are told to stop.
    Stop,
    /// The final state is read.
    FinalRead,
}

/// One attempt of a workload client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// Index of the workload in the plan.
    pub w: u16,
    /// Client within the workload, from 0.
    pub c: u16,
    /// What was tried.
    pub op: OpKind,
    /// Identity of the hold within the workload: the acquire and the release of one hold share it, and the token is made from it.
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
    /// No connection could be made: refused, unreachable or timed out before anything was sent (`fail`).
    Connect,
    /// No primary was found (`fail`).
    NoPrimary,
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
    /// `-CLUSTERDOWN`, `-MOVED`, `-ASK`, `-TRYAGAIN` or `-CROSSSLOT` (`fail`).
    Redirected,
    /// The client was stopped while the operation was under way (`info`).
    Cancelled,
    /// Any other error reply (`info`).
    Other,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 18] = [
        Self::Held,
        Self::Gone,
        Self::Connect,
        Self::NoPrimary,
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
        Self::Redirected,
        Self::Cancelled,
        Self::Other,
    ];

    /// The word used in histories and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Gone => "gone",
            Self::Connect => "connect",
            Self::NoPrimary => "no_primary",
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

/// A step of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultEvent {
    /// When: for `Injected`, the instant of the signal or of the rule.
    pub at: u64,
    /// Index of the fault in the plan's schedule.
    pub fault: u16,
    /// Which step.
    pub state: FaultState,
    /// What the selectors resolved to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// In words: what was done or found.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// The steps of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultState {
    /// It was done.
    Injected,
    /// It was seen to have taken effect.
    Proved,
    /// It could not be shown to have taken effect: the trial proves nothing.
    Unproved,
    /// It was taken back.
    Reverted,
    /// It was seen to be gone.
    RevertProved,
    /// It could not be shown to be gone: the trial proves nothing.
    RevertUnproved,
    /// It was not done, for example because its target matched nothing.
    Skipped,
}

/// A message a Sentinel published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentinelEvent {
    /// When it arrived.
    pub at: u64,
    /// Index of the Sentinel's node.
    pub node: u16,
    /// Channel: `+sdown`, `+odown`, `+switch-master`, ...
    pub event: String,
    /// The message.
    pub payload: String,
}

/// What a data node said of itself (`INFO replication`); written when it changes, and at least every 250 ms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSample {
    /// When the question was sent and when the answer was complete.
    pub at: [u64; 2],
    /// Index of the node.
    pub node: u16,
    /// The role told.
    pub role: NodeRole,
    /// Replication offset: `master_repl_offset` of a primary, `slave_repl_offset` of a replica.
    pub offset: u64,
    /// Replica: whether its link to the primary is up. Primary: whether any replica is online.
    pub link: bool,
    /// Replica: `ip:port` of the primary it follows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub follows: String,
}

/// What a data node says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    /// Says it is a primary.
    Primary,
    /// Follows a primary.
    Replica,
    /// Gave no answer.
    Unreachable,
}

/// The tool's own event loop was late: a timer that should have fired at `at - late` fired at `at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// When it was noticed.
    pub at: u64,
    /// By how much, ns.
    pub late: u64,
    /// Which loop: `clients`, `probes` or `control`.
    pub place: String,
}

/// Final read of one key of a workload, on the primary the Sentinels agree on, after the clients stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Final {
    /// When.
    pub at: u64,
    /// Index of the workload.
    pub w: u16,
    /// Key number.
    pub key: u32,
    /// Identity of the hold whose token the key has; `None` when the key is absent or the token is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// `PTTL`: milliseconds to live, -1 without expiry, -2 when absent.
    pub pttl: i64,
}

/// Something a reader of the history should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: u64,
    /// What kind.
    pub kind: NoteKind,
    /// In words.
    pub text: String,
}

/// Kinds of notes. All but `Remark` and `NotRecovered` make the trial inconclusive or an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// For information only.
    Remark,
    /// The steady state was not reached in time.
    NotSteady,
    /// The run was interrupted by a signal.
    Interrupted,
    /// Something of the environment failed (a container died by itself, the engine stopped answering).
    Environment,
    /// Full redundancy or client recovery was not seen before the end. A result, not a flaw of the trial.
    NotRecovered,
}

/// Last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub at: u64,
    /// Number of `op` events written.
    pub ops: u64,
    /// Number of `probe` events written.
    pub probes: u64,
}
