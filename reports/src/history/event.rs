//! The events of a trial, one JSON object a line, externally tagged: `{"op":{...}}`.
//!
//! All times are monotonic nanoseconds since the trial began, taken in one process.

use redquake_experiments::plan::Plan;
use redquake_experiments::spec::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::load::{Decision, Keys, Paid, Payment, Query, Read};

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
    /// What a node of a Cluster saw or decided.
    Cluster(ClusterEvent),
    /// What a data node said of itself.
    Role(RoleSample),
    /// The tool's own event loop was late.
    Stall(Stall),
    /// Final read of one key of a workload.
    Final(Final),
    /// Final read of the elements of one set of a workload, or a part of them.
    Members(Members),
    /// What a client of a rate limiter did with one request.
    Decision(Decision),
    /// What a limiter left on the server.
    Keys(Keys),
    /// One query of the database behind a workload.
    Query(Query),
    /// What one read through a cache came to.
    Read(Read),
    /// One server's attempt to pay a job.
    Payment(Payment),
    /// Payments found in the ledger in the end, or a part of them.
    Paid(Paid),
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
}

impl OpKind {
    /// Every kind, in the order in which reports tell them.
    pub const ALL: [Self; 9] =
        [Self::Acquire, Self::Release, Self::Add, Self::Count, Self::Expire, Self::Uncount, Self::Get, Self::Put, Self::Renew];

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
    pub const ALL: [Self; 22] = [
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

/// What a node of a Cluster saw or decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterEvent {
    /// When: of the answer it was read from, or the time the server wrote before the line of its log.
    pub at: u64,
    /// Index of the node that says so.
    pub node: u16,
    /// What.
    pub news: ClusterNews,
    /// Index of the node it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<u16>,
    /// Epoch of the election.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// `Delayed`: the wait before the election, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<u64>,
    /// `Delayed`: how many of its siblings have more data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// The line of the log it was read from; absent for what was asked (`CLUSTER NODES`, `CLUSTER INFO`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// What happens to a node of a Cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClusterNews {
    /// It holds another node for possibly failing (`fail?`): no answer for longer than the node timeout.
    Pfail,
    /// It holds another node for failing (`fail`): a majority of the primaries said so.
    Fail,
    /// It no longer holds another node for failing.
    Cleared,
    /// A replica waits before it asks for votes.
    Delayed,
    /// A replica asks for votes.
    Standing,
    /// A primary gave its vote.
    Voted,
    /// A primary refused its vote.
    Refused,
    /// A replica won an election and takes the slots.
    Won,
    /// A replica took the slots because it was told to.
    TookOver,
    /// A replica's election was not won in time.
    Expired,
    /// A replica may not stand.
    Unable,
    /// It serves requests.
    StateOk,
    /// It refuses requests with `CLUSTERDOWN`.
    StateFail,
    /// It sees the slots of a shard served by another node than before.
    Owner,
}

/// What a data node said of itself (`INFO replication`); written when it changes, and at least every 50 ms.
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
    /// Replica: whether it takes a full copy from its primary at the moment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub syncing: bool,
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

/// Final read of the elements of one set, on the primary the Sentinels agree on, after the clients stopped. A large set is told in several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// When.
    pub at: u64,
    /// Index of the workload.
    pub w: u16,
    /// Key number.
    pub key: u32,
    /// Identities of the elements found.
    pub ids: Vec<u64>,
    /// Elements found that no client of ours made.
    #[serde(default)]
    pub foreign: u64,
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
