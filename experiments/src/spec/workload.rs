//! What real clients do while the servers are being broken.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, Rate};

/// A kind of client load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Workload {
    /// Clients take a lock, hold it for a while and give it back.
    Lock(LockWorkload),
}

impl Workload {
    /// The name given in the file; metrics of the workload start with it.
    pub fn name(&self) -> &str {
        match self {
            Self::Lock(lock) => &lock.name,
        }
    }
}

/// `SET key token NX PX ttl`, hold, compare-and-delete by script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockWorkload {
    /// Name of the workload; its metrics are `<name>.double_acquired` and so on.
    #[schemars(schema_with = "super::schema::name_schema")]
    pub name: String,
    /// Number of clients, each with connections of its own.
    #[schemars(range(min = 1, max = 1000))]
    pub clients: u32,
    /// Acquire attempts per second, all clients together. Arrivals are open loop: a stalled server does not slow them.
    pub rate: Rate,
    /// Number of distinct locks.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub keys: u32,
    /// Lifetime of a lock (`PX`).
    pub ttl: Duration,
    /// How long a holder keeps a lock before it gives it back; longer than `ttl` overruns the lease on purpose.
    pub hold: Duration,
    /// Safety margin taken off the lifetime when a hold's core is computed; default 1 % of `ttl` plus 2 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Duration>,
    /// What a client does to find the primary again.
    #[serde(default)]
    pub client: ClientPolicy,
    /// Longest wait for a reply before its outcome counts as unknown; default 250ms.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// Longest wait for a connection; default 250ms.
    #[serde(default = "default_timeout")]
    pub connect_timeout: Duration,
}

impl LockWorkload {
    /// The drift margin in force: as written, else the margin of the Redlock description, 1 % of `ttl` + 2 ms
    /// (redis.io, "Distributed Locks with Redis", `CLOCK_DRIFT`).
    pub fn drift(&self) -> Duration {
        self.drift.unwrap_or_else(|| Duration::from_nanos(self.ttl.as_nanos() / 100 + 2_000_000))
    }
}

/// What a client does after an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientPolicy {
    /// Ask the Sentinels again and build a new connection after an error.
    #[default]
    Rebuild,
    /// Leave everything to the redis crate as shipped.
    Library,
}

fn default_timeout() -> Duration {
    Duration::from_millis(250)
}
