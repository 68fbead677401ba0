//! The traits `Runtime` and `Lab`, and the plain types they speak in.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use redquake_experiments::plan::RuntimeKind;
use redquake_experiments::spec::{Role, Server};

use super::{Fate, RuntimeError, ServerState, Sight};
use crate::namespace::Namespace;

/// Port every data node listens on.
pub const DATA_PORT: u16 = 6379;
/// Port every Sentinel listens on.
pub const SENTINEL_PORT: u16 = 26379;

/// Tells the user what is being done (pulling, building an image). Called with whole sentences without a final newline.
pub type Announce = Arc<dyn Fn(&str) + Send + Sync>;

/// A way to run servers on this machine.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// Which runtime this is, and its version for the report.
    fn info(&self) -> RuntimeInfo;

    /// Makes sure the server software is here: already present, else pulled, else built from distribution packages.
    async fn provide(&self, server: &Server, announce: &Announce) -> Result<ServerSource, RuntimeError>;

    /// Makes sure PostgreSQL of a major version is here, in the same order.
    async fn provide_postgres(&self, version: &str, announce: &Announce) -> Result<ServerSource, RuntimeError>;

    /// Creates the private network and every node's place on it, ready to be booted but not yet running a server.
    /// A call that fails removes what it had created.
    async fn open(&self, request: LabRequest) -> Result<Arc<dyn Lab>, RuntimeError>;

    /// Every object of this tool on this machine, of whichever run.
    async fn leftovers(&self) -> Result<Vec<Leftover>, RuntimeError>;

    /// Removes those that are meant, and tells what became of each. An error is an engine that could not be asked.
    async fn sweep(&self, which: Sweep) -> Result<Swept, RuntimeError>;

    /// Whether what is there belongs to this machine alone, as far as is known. Elsewhere nothing is removed unasked.
    fn is_local(&self) -> bool {
        true
    }

    /// Removes every object of one run, also what a dropped `open` was still creating; returns what is left, in words.
    /// Runtimes whose objects die with the process that made them have nothing to do.
    async fn sweep_run(&self, run: &str) -> Vec<String> {
        let _ = run;
        Vec::new()
    }
}

/// An object of this tool on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is, of which run, and who made it.
    pub what: String,
    /// What is known of its owner.
    pub fate: Fate,
}

/// Which objects a sweep removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Those whose owner is gone.
    Dead,
    /// Those, and what other boots left.
    OtherBootsToo,
    /// All.
    All,
}

impl Sweep {
    /// Whether it removes what belongs to an owner of that fate.
    pub fn takes(self, fate: Fate) -> bool {
        match self {
            Self::Dead => fate == Fate::Dead,
            Self::OtherBootsToo => matches!(fate, Fate::Dead | Fate::OtherBoot),
            Self::All => true,
        }
    }
}

/// What became of the objects that a sweep was to remove, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Those that are gone.
    pub removed: Vec<String>,
    /// Those that are not, each with the reason.
    pub left: Vec<String>,
}

/// Which runtime, in words for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeInfo {
    /// The kind.
    pub kind: RuntimeKind,
    /// For example `docker 20.10.24 (API 1.41)`.
    pub version: String,
}

/// Server software that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSource {
    /// What a lab starts: an image name.
    pub reference: String,
    /// Path of the server binary inside it (`redis-server` or `valkey-server`, absolute or found on its `PATH`).
    pub binary: String,
    /// In words for the report: where it came from and its digest or id.
    pub description: String,
}

/// The nodes of one trial.
#[derive(Debug, Clone)]
pub struct LabRequest {
    /// Run the objects belong to; every object carries it as a label.
    pub run: String,
    /// Trial number, part of object names.
    pub trial: u32,
    /// The server software.
    pub server: ServerSource,
    /// The nodes, data nodes first.
    pub nodes: Vec<NodeSpec>,
    /// Names of the zones: places on the network for clients that faults may cut off. No two alike.
    pub zones: Vec<String>,
}

/// A database to add to a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseNode {
    /// PostgreSQL's programs.
    pub source: ServerSource,
    /// Connections it accepts.
    pub max_connections: u32,
}

/// One node to make room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// `redis-1`, `sentinel-2`, ...
    pub name: String,
    /// Decides port and mode.
    pub role: Role,
    /// Bytes of a disk of its own, in memory, that holds what its server writes and can be [filled](Lab::fill_disk); whole pages
    /// only. Without one it shares what everybody has.
    pub disk: Option<u64>,
    /// Whether its wall clock can be [set](Lab::set_clock): a library between server and clock, which makes looking at it slower.
    pub clock: bool,
}

impl NodeSpec {
    /// A node that asks for nothing special.
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self { name: name.into(), role, disk: None, clock: false }
    }
}

/// Address of a node on the lab network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeAddress {
    /// Address; fixed for the life of the lab, also over kill and restart.
    pub ip: Ipv4Addr,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.ip, self.port)
    }
}

/// A node of an open lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabNode {
    /// Name.
    pub name: String,
    /// Role it was made for.
    pub role: Role,
    /// Address.
    pub address: NodeAddress,
}

/// A zone of an open lab: a network namespace of its own for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabZone {
    /// Name.
    pub name: String,
    /// Its only address on the lab network, and nobody else's; fixed for the life of the lab. Packets between zone and node can be
    /// told by it on both ends.
    pub address: Ipv4Addr,
}

/// A file put in front of a node's server before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFile {
    /// File name, without a folder.
    pub name: String,
    /// Content.
    pub content: String,
}

/// Which configuration a server that has ended is started with again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Configuration {
    /// That of its first start: what a supervisor with a static file does. What a failover wrote into the file is forgotten.
    Original,
    /// The file as `CONFIG REWRITE` or Sentinel left it.
    Rewritten,
}

/// A signal to a node's server process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGKILL`
    Kill,
    /// `SIGTERM`
    Terminate,
    /// `SIGSTOP`
    Stop,
    /// `SIGCONT`
    Continue,
}

/// One trial's private network with its nodes.
#[async_trait]
pub trait Lab: Send + Sync {
    /// The nodes, in the order of the request, with their addresses.
    fn nodes(&self) -> &[LabNode];

    /// The zones, in the order of the request, with their addresses.
    fn zones(&self) -> &[LabZone];

    /// The network namespace of a zone, for client threads to live in and for rules. Waits until the zone is there.
    async fn zone_namespace(&self, zone: &str) -> Result<Namespace, RuntimeError>;

    /// The namespace in which control, probes and clients without a zone live. It belongs to no zone and no node, so that no fault
    /// that names zones or nodes cuts it off. `None` when this process may not enter one and clients stay outside.
    fn client_namespace(&self) -> Option<Namespace>;

    /// Address on the lab network to which clients outside any namespace bind their sockets, so that nothing they send can
    /// leave the machine once the network is gone; `None` where clients live in a namespace.
    fn client_bind(&self) -> Option<Ipv4Addr> {
        None
    }

    /// Puts a file into the node's folder, which is its server's working directory. What was there under that name is replaced.
    async fn put(&self, node: &str, file: NodeFile) -> Result<(), RuntimeError>;

    /// Puts the configuration file in place and starts the node's server with it (`<binary> <file> [--sentinel]`).
    /// Returns when the start was handed over, not when the server answers. A node whose server has ended is started again,
    /// with its address and its data.
    async fn boot(&self, node: &str, config: NodeFile) -> Result<(), RuntimeError>;

    /// Adds a PostgreSQL server to the network, as the node [`postgres::NAME`](crate::postgres::NAME), and starts it. It is no node of the
    /// topology: [`nodes`](Lab::nodes) does not list it, everything else finds it by its name. Returns when the start was handed
    /// over, not when the server answers.
    async fn attach(&self, database: DatabaseNode) -> Result<NodeAddress, RuntimeError> {
        Err(RuntimeError::failed(format!("adding {}", database.source.description), "this lab takes no database"))
    }

    /// Starts the server of a node again that was booted and has ended, with its address and, unless [`wipe`](Self::wipe) was called,
    /// its data. Returns when the start was handed over.
    async fn restart(&self, node: &str, configuration: Configuration) -> Result<(), RuntimeError>;

    /// Makes the next start of a node whose server has ended find nothing that the server had written: snapshots, append-only files,
    /// whatever their names. The configuration stays, and so does `nodes.conf`, by which a Cluster node knows who it is.
    async fn wipe(&self, node: &str) -> Result<(), RuntimeError>;

    /// Sends a signal to the node's server process and returns the instant right before the signal was sent and right after.
    async fn signal(&self, node: &str, signal: Signal) -> Result<(Instant, Instant), RuntimeError>;

    /// Whether the node's server process exists.
    async fn alive(&self, node: &str) -> Result<bool, RuntimeError>;

    /// Fills the disk of a node that asked for one, up to the last page: whatever its server then writes to a new file, or to an old
    /// one beyond its last page, fails with `ENOSPC`. The disk of the machine is not touched. Also while the server has ended.
    async fn fill_disk(&self, node: &str) -> Result<(), RuntimeError>;

    /// Gives back the room that [`fill_disk`](Self::fill_disk) took; fine when it took none.
    async fn free_disk(&self, node: &str) -> Result<(), RuntimeError>;

    /// Sets the wall clock that the server of a node that asked for it sees, to so many nanoseconds ahead of the true one, or behind
    /// it where negative; 0 is the true one again. At once, and also for later starts. Its monotonic clock is not touched, and no
    /// other process sees anything of it.
    async fn set_clock(&self, node: &str, offset: i64) -> Result<(), RuntimeError>;

    /// What the kernel says of the node's server process: proof of a pause from the other end.
    async fn state(&self, node: &str) -> Result<ServerState, RuntimeError>;

    /// Every part of the lab as it is now, in no order. A part that was seen to change and to change back since the last call is
    /// there once for each state, the earlier one first; one that was never as it should be is not there yet. Cheap enough to be called
    /// fifty times a second, and for one caller at a time.
    fn look(&self) -> Vec<Sight> {
        Vec::new()
    }

    /// The node's network namespace, for rules applied from outside.
    async fn namespace(&self, node: &str) -> Result<Namespace, RuntimeError>;

    /// What the node's server printed so far, over all its starts.
    async fn logs(&self, node: &str) -> Result<String, RuntimeError>;

    /// Removes everything. Never fails half-way: goes on after an error, and returns what is left, in words; empty when nothing is.
    async fn close(&self) -> Vec<String>;
}
