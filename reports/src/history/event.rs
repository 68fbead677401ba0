//! The events of a trial, one JSON object a line, externally tagged: `{"op":{...}}`.
//!
//! All times are monotonic nanoseconds since the trial began, taken in one process.

use redquake_experiments::plan::Plan;
use redquake_experiments::spec::Role;
use serde::{Deserialize, Serialize};

use super::exchange::{Exchange, Value};
use super::fault::FaultEvent;
use super::last::{Final, Members};
use super::load::{Decision, Keys, Paid, Payment, Query, Read};
use super::lock::{Access, Vote};
use super::objects::{ObjectEvent, ServerStall};
use super::op::{Op, Probe};
use super::servers::{ClusterEvent, RoleSample, SentinelEvent, Started};
use super::slots::SlotsLeft;

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
    /// A node was started again.
    Started(Started),
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
    /// A part of the lab is no longer as it was.
    Object(ObjectEvent),
    /// The machine kept a server from running.
    ServerStall(ServerStall),
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
    /// One independent primary's part in an attempt of a lock that asks several.
    Vote(Vote),
    /// What one holder did with what its lock guards.
    Access(Access),
    /// One server's attempt to pay a job.
    Payment(Payment),
    /// Payments found in the ledger in the end, or a part of them.
    Paid(Paid),
    /// Where the slots of a `reshard` were in the end.
    Slots(SlotsLeft),
    /// One call of a register or a counter.
    Exchange(Exchange),
    /// Final read of one register or counter.
    Value(Value),
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub at: u64,
    /// Number of `op` events written.
    pub ops: u64,
    /// Number of `probe` events written.
    pub probes: u64,
    /// Number of lines before this one, the header included. Histories of early versions do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
    /// XXH3 (64 bits, 16 hexadecimal digits) of the bytes of all lines before this one, and of this one without its `hash`.
    /// Histories of early versions do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}
