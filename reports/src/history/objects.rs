//! What became of the parts of a lab, whatever they themselves answered, and how long the machine kept servers waiting.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of the lab is no longer as it was at the look before. The first look at each part is recorded as well: it shows that the part
/// was watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectEvent {
    /// Between when and when it changed: the look before, and the one that found it.
    pub at: [u64; 2],
    /// What it is.
    pub kind: ObjectKind,
    /// The node or the zone; of a link, whose it is; empty where there is only one of its kind.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What has become of it.
    pub state: ObjectState,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Its exit code, where it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// Whether the kernel ended it for want of memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out_of_memory: bool,
    /// By what means, where that is known: `docker pause`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub how: String,
    /// The last lines of its log that matter: of a server that ended, wrote a crash report or was told to end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// A part of a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// The process of a node's server.
    Server,
    /// The process of the database.
    Database,
    /// The place where control, probes and clients without a zone live.
    Clients,
    /// A zone.
    Zone,
    /// What holds the disks of the nodes.
    Disks,
    /// The link of a node or place to the network of the lab.
    Link,
    /// The network of the lab.
    Network,
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectState {
    /// As it should be. With lines of a log: it wrote a crash report, or was told to end, and had not ended when the trial did.
    Running,
    /// A process that is stopped, a container that is paused, a link that is down.
    Stopped,
    /// A process that has ended.
    Ended,
    /// It is no longer there.
    Missing,
}

/// The machine kept a server from running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStall {
    /// The two looks between which the wait ended.
    pub at: [u64; 2],
    /// The node, or the database.
    pub node: String,
    /// How long its first thread waited for a processor between them, ns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waited: u64,
    /// For how long every look found that thread blocked, ns: it waited for a disk, most likely.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub blocked: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
