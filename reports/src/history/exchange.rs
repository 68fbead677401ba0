//! What clients of registers and counters were told, and what was left of them.

use serde::{Deserialize, Serialize};

use super::op::Outcome;

/// Stands for a value that no client of ours wrote.
pub const FOREIGN: u64 = u64::MAX;

/// One call of a register or a counter, with its answer; its operation has the same identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Index of the workload in the plan.
    pub w: u16,
    /// Client within the workload, from 0.
    pub c: u16,
    /// Identity of the arrival it belongs to; what it writes into a register is this number.
    pub id: u64,
    /// Key number within the workload.
    pub key: u32,
    /// From when it may have taken effect, and when its answer, or that there will be none, was known.
    pub at: [u64; 2],
    /// What was called.
    pub call: Called,
    /// `Swap`: what it was to replace; absent for an empty register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u64>,
    /// What the answer told: the value a register had, absent when it was empty or nothing was told; the value of a counter after the increment.
    /// A swap took effect if it found what it wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// `ok`: executed and answered; `fail`: certainly not executed; `info`: unknown, or on too few replicas.
    pub out: Outcome,
    /// Index of the node that served it, where one was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u16>,
}

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Called {
    /// A register was read.
    Read,
    /// It was written.
    Write,
    /// It was written if it had a certain value.
    Swap,
    /// A counter was moved up by one.
    Increment,
}

/// Final read of one register or counter, on the primary of the end, after the clients stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// When it was asked for, and when it was known.
    pub at: [u64; 2],
    /// Index of the workload.
    pub w: u16,
    /// Key number.
    pub key: u32,
    /// What it had; absent when the key was absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
}
