//! `kind: payment-job`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Lifetime;
use crate::spec::{Database, Duration};

/// Every client is a server that picks up every job: it takes the job's lock, asks the database whether the job is paid, works, and enters the
/// payment into the ledger of the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentJobWorkload {
    /// Whether servers take a lock at all.
    #[serde(default = "yes")]
    pub lock: bool,
    /// Lifetime of the lock (`PX`), or `none` for a lock that never expires.
    #[serde(default = "default_ttl")]
    pub ttl: Lifetime,
    /// Time between finding a job unpaid and charging it; default 100ms.
    #[serde(default = "default_work")]
    pub work: Duration,
    /// Replicas that must have the lock (`WAIT`) before its holder believes in it.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub wait: u32,
    /// With the lock comes a number that grows (`INCR` in the same script); the database refuses a payment whose number is not the newest it knows of
    /// the job.
    #[serde(default)]
    pub fencing: bool,
    /// The holder prolongs its lock every third of its lifetime, and stops working when it finds the lock gone.
    #[serde(default)]
    pub renew: bool,
    /// The database with the ledger.
    #[serde(default)]
    pub database: Database,
}

impl PaymentJobWorkload {
    /// Safety margin of a lease, ns: 1 % of the lifetime and 2 ms, as for locks.
    pub fn drift(&self) -> u64 {
        self.ttl.limit().map_or(0, |ttl| ttl.as_nanos() / 100 + 2_000_000)
    }
}

fn yes() -> bool {
    true
}

fn default_work() -> Duration {
    Duration::from_millis(100)
}

fn default_ttl() -> Lifetime {
    Duration::from_secs(10).into()
}
