//! Where slots were in the end that were to move.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the slots of a `reshard` were when the trial had recovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotsLeft {
    /// When the nodes were asked.
    pub at: u64,
    /// Index of the fault in the plan's schedule.
    pub fault: u16,
    /// Index of the node that gave them away.
    pub from: u16,
    /// Index of the node that was to get them.
    pub to: u16,
    /// How many were to move.
    pub planned: u32,
    /// How many of them a node of the shard they were to go to serves.
    pub moved: u32,
    /// Keys that `MIGRATE` brought over.
    pub keys: u64,
    /// Those that are not simply where they belong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<SlotLeft>,
}

/// A slot in which something was left: a node holds it for on its way, it has keys where it is not served, or nobody serves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlotLeft {
    /// The slot.
    pub slot: u16,
    /// Index of the node that serves it, by the newest claim among the nodes that answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u16>,
    /// Nodes that hold it for leaving, and to whom (`[slot->-node]`); a node that is not known has no index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<(u16, Option<u16>)>,
    /// Nodes that hold it for arriving, and from whom (`[slot-<-node]`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arriving: Vec<(u16, Option<u16>)>,
    /// Keys of the slot by primary; those without any are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<(u16, u64)>,
}

impl SlotLeft {
    /// Whether some node holds it for on its way.
    pub fn is_open(&self) -> bool {
        !self.leaving.is_empty() || !self.arriving.is_empty()
    }

    /// Keys on primaries that neither serve it nor are where its owner sends clients (`ASK`).
    pub fn stranded(&self) -> u64 {
        let reached = |node: u16| {
            let sent = self.leaving.iter().any(|(from, to)| Some(*from) == self.owner && *to == Some(node));
            Some(node) == self.owner || (sent && self.arriving.iter().any(|(at, _)| *at == node))
        };
        self.keys.iter().filter(|(node, _)| !reached(*node)).map(|(_, keys)| keys).sum()
    }
}
