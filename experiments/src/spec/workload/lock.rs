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
    /// The holder prolongs its lock every third of its lifetime (`PEXPIRE` by script, while the key has its token), and stops when it finds it gone.
    #[serde(default)]
    pub renew: bool,
    /// Independent primaries that must grant a lock (Redlock); all of the topology are asked. 0 for a lock of the Sentinel set or Cluster.
    #[serde(default)]
    #[schemars(range(min = 0, max = 15))]
    pub quorum: u32,
    /// Whether the lock guards something: a value in the tool's memory that a holder reads when it gets the lock, and writes before it gives it back.
    #[serde(default)]
    pub resource: bool,
    /// With the lock comes a number that grows (`INCR` in the same script); what the guarded value refuses because of it. Asks for `resource`.
    #[serde(default)]
    pub fencing: Fencing,
}

/// What a guarded value refuses because of a fencing token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fencing {
    /// Nothing: there are no tokens.
    #[default]
    None,
    /// Who has a token lower than the newest it has seen.
    RefuseOlder,
    /// Who has a token lower than the newest it has seen, or comes with one that another came with.
    RefuseRepeated,
}

impl LockWorkload {
    /// Whether holders use something the lock guards.
    pub fn guards(&self) -> bool {
        self.resource || self.fenced()
    }

    /// Whether a number that grows comes with the lock.
    pub fn fenced(&self) -> bool {
        self.fencing != Fencing::None
    }

    /// Whether independent primaries are asked.
    pub fn asks_independent(&self) -> bool {
        self.quorum > 0
    }

    /// The drift margin in force: as written, else the margin of the Redlock description, 1 % of `ttl` + 2 ms
    /// (redis.io, "Distributed Locks with Redis", `CLOCK_DRIFT`). A lock without expiry has none.
    pub fn drift(&self) -> Duration {
        let Some(ttl) = self.ttl.limit() else { return Duration::default() };
        self.drift.unwrap_or_else(|| Duration::from_nanos(ttl.as_nanos() / 100 + 2_000_000))
    }
}
