//! `kind: counter`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Clients count (`INCR`); an acknowledged increment that the counter lacks in the end was lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CounterWorkload {
    /// Number of counters the increments are spread over.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10_000))]
    pub keys: u32,
    /// Replicas that must have an increment (`WAIT`) before it counts as acknowledged.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub wait: u32,
}

fn one() -> u32 {
    1
}
