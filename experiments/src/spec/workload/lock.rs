//! `kind: lock`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Lifetime;
use crate::spec::Duration;

/// Clients take a lock (`SET key token NX PX ttl`), hold it for a while and give it back (compare-and-delete by script).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LockWorkload {
    /// Number of distinct locks.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub keys: u32,
    /// Lifetime of a lock (`PX`), or `none` for a lock that never expires.
    pub ttl: Lifetime,
    /// How long a holder keeps a lock before it gives it back; longer than `ttl` overruns the lease on purpose.
    pub hold: Duration,
    /// Safety margin taken off the lifetime when a hold's core is computed; default 1 % of `ttl` plus 2 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Duration>,
    /// Replicas that must have the lock (`WAIT`) before its holder believes in it.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub wait: u32,
}

impl LockWorkload {
    /// The drift margin in force: as written, else the margin of the Redlock description, 1 % of `ttl` + 2 ms
    /// (redis.io, "Distributed Locks with Redis", `CLOCK_DRIFT`). A lock without expiry has none.
    pub fn drift(&self) -> Duration {
        let Some(ttl) = self.ttl.limit() else { return Duration::default() };
        self.drift.unwrap_or_else(|| Duration::from_nanos(ttl.as_nanos() / 100 + 2_000_000))
    }
}
