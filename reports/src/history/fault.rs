//! The steps of a fault.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A step of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultEvent {
    /// When: for `Injected`, the instant of the signal or of the rule.
    pub at: u64,
    /// Index of the fault in the plan's schedule.
    pub fault: u16,
    /// Which step.
    pub state: FaultState,
    /// What the selectors resolved to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// In words: what was done or found.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// The steps of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultState {
    /// It was done.
    Injected,
    /// It was seen to have taken effect.
    Proved,
    /// It could not be shown to have taken effect: the trial proves nothing.
    Unproved,
    /// It was reverted.
    Reverted,
    /// It was verified to be gone.
    RevertProved,
    /// It could not be shown to be gone: the trial proves nothing.
    RevertUnproved,
    /// It was not done, because the tool could not do it.
    Skipped,
    /// It was not done, because of the servers: no node was as its target asks, what it waits for did not come, or its order was refused or not
    /// carried out.
    Missed,
}
