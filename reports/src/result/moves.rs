//! Slots that were to move.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::history::SlotLeft;

/// What became of the slots of a `reshard`, asked when the trial had recovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlotMove {
    /// Name of the fault.
    pub fault: String,
    /// The node that gave them away.
    pub from: String,
    /// The node that was to get them.
    pub to: String,
    /// Slots that were to move.
    pub planned: u32,
    /// Those that a node of the shard they were to go to serves.
    pub moved: u32,
    /// Keys that `MIGRATE` brought over.
    pub keys: u64,
    /// Slots that some node still holds for on their way.
    pub open: u32,
    /// Keys of those slots on a primary that neither serves the slot nor is where its owner sends clients.
    pub stranded_keys: u64,
    /// The slots that are not simply where they belong; nodes by index.
    pub left: Vec<SlotLeft>,
}
