//! `kind: register`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Clients read registers (`GET`), write them (`SET`) and replace what they have read (compare-and-set by script). Each value is written once. Whether
/// what they were told can have been one register a key is judged at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegisterWorkload {
    /// Number of distinct registers.
    #[serde(default = "sixteen")]
    #[schemars(range(min = 1, max = 100_000))]
    pub keys: u32,
    /// How often clients do which.
    #[serde(default)]
    pub mix: Mix,
    /// Replicas that must have a value (`WAIT`) before its write counts as acknowledged.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub wait: u32,
}

/// Shares of what clients of registers do, in proportion to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// Read.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    pub read: u32,
    /// Write, whatever is there.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    pub write: u32,
    /// Read, and replace what was read if it is still there.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    pub swap: u32,
}

impl Mix {
    /// All shares together.
    pub fn sum(&self) -> u32 {
        self.read + self.write + self.swap
    }
}

impl Default for Mix {
    fn default() -> Self {
        Self { read: 1, write: 1, swap: 1 }
    }
}

fn sixteen() -> u32 {
    16
}

fn one() -> u32 {
    1
}
