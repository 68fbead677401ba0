//! The traits `Runtime` and `Lab`, and the plain types they speak in.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use redquake_experiments::plan::RuntimeKind;
use redquake_experiments::spec::{Role, Server};

use super::RuntimeError;
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

    /// Creates the private network and every node's place on it, ready to be booted but not yet running a server.
    /// A call that fails removes what it had created.
    async fn open(&self, request: LabRequest) -> Result<Arc<dyn Lab>, RuntimeError>;

    /// Objects on this machine left by runs whose owner no longer lives (`only_dead`) or by any run, in words.
    async fn leftovers(&self, only_dead: bool) -> Result<Vec<String>, RuntimeError>;

    /// Removes the same objects; returns what was removed, and an error naming what could not be.
    async fn sweep(&self, only_dead: bool) -> Result<Vec<String>, RuntimeError>;

    /// Removes every object of one run, also what a dropped `open` was still creating; returns what is left, in words.
    /// Runtimes whose objects die with the process that made them have nothing to do.
    async fn sweep_run(&self, run: &str) -> Vec<String> {
        let _ = run;
        Vec::new()
    }
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
}

/// One node to make room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// `redis-1`, `sentinel-2`, ...
    pub name: String,
    /// Decides port and mode.
    pub role: Role,
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

/// A file put in front of a node's server before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFile {
    /// File name, without a folder.
    pub name: String,
    /// Content.
    pub content: String,
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

    /// The namespace in which clients live; `None` when this process may not enter one and clients stay outside.
    fn client_namespace(&self) -> Option<Namespace>;

    /// Address on the lab network to which clients outside any namespace bind their sockets, so that nothing they send can
    /// leave the machine once the network is gone; `None` where clients live in a namespace.
    fn client_bind(&self) -> Option<Ipv4Addr> {
        None
    }

    /// Puts the configuration file in place and starts the node's server with it (`<binary> <file> [--sentinel]`).
    /// Returns when the start was handed over, not when the server answers. A node whose server has ended is started again,
    /// with its address and its data.
    async fn boot(&self, node: &str, config: NodeFile) -> Result<(), RuntimeError>;

    /// Sends a signal to the node's server process and returns the instant right before the signal was sent and right after.
    async fn signal(&self, node: &str, signal: Signal) -> Result<(Instant, Instant), RuntimeError>;

    /// Whether the node's server process exists.
    async fn alive(&self, node: &str) -> Result<bool, RuntimeError>;

    /// The node's network namespace, for rules applied from outside.
    async fn namespace(&self, node: &str) -> Result<Namespace, RuntimeError>;

    /// What the node's server printed so far.
    async fn logs(&self, node: &str) -> Result<String, RuntimeError>;

    /// Removes everything. Never fails half-way: goes on after an error, and returns what is left, in words; empty when nothing is.
    async fn close(&self) -> Vec<String>;
}
