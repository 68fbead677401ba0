//! Faults of processes, their disks and clocks, and of clients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Offset;
use crate::spec::{Duration, Pick, Selector};

/// `SIGKILL` to every node the target resolves to at that instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Kill {
    /// Whom, resolved when the fault fires.
    pub target: Selector,
}

/// `SIGTERM`: the server shuts down in good order, as for a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stop {
    /// Whom, resolved when the fault fires.
    pub target: Selector,
}

/// The process ends and is started again after a delay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Restart {
    /// Whom, resolved when the fault fires.
    pub target: Selector,
    /// From the end of the process until it is started again.
    #[serde(default)]
    pub delay: Duration,
    /// What the server finds on its disk.
    #[serde(default)]
    pub data: DataAfter,
    /// How it ends.
    #[serde(default)]
    pub stop: HowStopped,
    /// The configuration it comes back with.
    #[serde(default)]
    pub config: RestartConfig,
}

/// What a restarted server finds on its disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataAfter {
    /// What it had written before it ended.
    #[default]
    Keep,
    /// Nothing.
    Wipe,
}

/// How a process is ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HowStopped {
    /// `SIGKILL`.
    #[default]
    Kill,
    /// `SIGTERM`, in good order.
    Graceful,
}

/// The configuration file a restarted server reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RestartConfig {
    /// The file as Sentinel and `CONFIG REWRITE` left it.
    #[default]
    Rewritten,
    /// The file it was first started with, as a supervisor with a static one does.
    Original,
}

/// `SIGSTOP`, and `SIGCONT` when it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Whom, resolved when the fault fires.
    pub target: Selector,
}

/// The disk a node writes to has no room left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiskFull {
    /// Whom, resolved when the fault fires; data nodes only.
    pub target: Selector,
}

/// The wall clock a server sees jumps (libfaketime), and back when it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockJump {
    /// Whom, resolved when the fault fires.
    pub target: Selector,
    /// How far, like `+10s` or `-10s`.
    pub by: Offset,
}

/// Clients of a workload die at once: their connections close, and what they hold is never given back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientCrash {
    /// Name of the workload.
    pub workload: String,
    /// How many of its clients; clients that hold something come first.
    #[serde(default = "one")]
    pub pick: Pick,
}

fn one() -> Pick {
    Pick::One
}
