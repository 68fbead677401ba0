//! Slots that change their owner.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::{Duration, Selector, SlotChoice};

/// Slots of one shard move to another, one after the other, while clients work. They stay there: nothing is reverted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reshard {
    /// The primary that gives slots away, resolved when the fault fires.
    pub from: Selector,
    /// The primary that gets them, resolved when the fault fires.
    pub to: Selector,
    /// How many slots, those the workloads' keys lie in first; or which.
    pub slots: SlotChoice,
    /// How long it takes: every slot is open, its keys on their way, for an equal share of it.
    #[serde(default = "two_seconds")]
    pub over: Duration,
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}
