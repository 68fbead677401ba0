//! What a machine can do, as found by looking at it. Plans are refused here rather than half-way through a run.

use serde::{Deserialize, Serialize};

/// Where servers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeKind {
    /// Containers of a Docker engine.
    Docker,
    /// Child processes in namespaces of the run; needs no engine.
    Process,
}

impl RuntimeKind {
    /// The word used in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Process => "process",
        }
    }
}

/// What this machine can do; each `Err` carries the reason, in words that end with the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The runtime that will be used.
    pub runtime: RuntimeKind,
    /// Whether the tool may enter the nodes' network namespaces (`CAP_SYS_ADMIN` here, and a local engine).
    pub enter_namespaces: Result<(), String>,
    /// Whether packets can be dropped in the nodes' network namespaces (`nft`, `CAP_NET_ADMIN`).
    pub drop_packets: Result<(), String>,
    /// Whether a share of the packets can be dropped (`nft` with `numgen`).
    pub lose_packets: Result<(), String>,
    /// Whether packets can be delayed, and by what.
    pub delay_packets: Result<DelayPath, String>,
    /// Whether the rate of what a node sends and receives can be limited (`tc`).
    pub limit_bandwidth: Result<(), String>,
}

/// What makes packets wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelayPath {
    /// `netem`, a queueing discipline of the kernel.
    Netem,
    /// `NFQUEUE`, a packet rule, with a thread of the tool's.
    Queue,
}

impl std::fmt::Display for DelayPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Netem => "tc netem",
            Self::Queue => "NFQUEUE",
        })
    }
}
