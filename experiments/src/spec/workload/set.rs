//! `kind: set`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Clients add elements that are never added again (`SADD key element`); an acknowledged element that the set lacks in the end was lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetWorkload {
    /// Number of sets the elements are spread over.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10_000))]
    pub keys: u32,
    /// Replicas that must have an element (`WAIT`) before it counts as acknowledged.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub wait: u32,
}

fn one() -> u32 {
    1
}
