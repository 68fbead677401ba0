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
}
