//! `kind: cache-aside`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::{Database, Duration, Rate};

/// Clients read through a cache: `GET`, on a miss or an error the database, then `SET EX`. The cache is warm when a trial begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CacheAsideWorkload {
    /// Number of distinct items.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub keys: u32,
    /// How reads are spread over the items.
    #[serde(default)]
    pub access: Access,
    /// Lifetime of a cached item (`PX`); default 1m.
    #[serde(default = "a_minute")]
    pub ttl: Duration,
    /// Each lifetime is longer or shorter by up to so much, drawn evenly, so that items do not expire together.
    #[serde(default)]
    pub jitter: Duration,
    /// The database behind the cache.
    #[serde(default)]
    pub database: Database,
    /// Clients of the workload that miss the same item at once share one query.
    #[serde(default)]
    pub single_flight: bool,
    /// Stops asking a database that fails; never stops when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// Where the database gives no answer, a client serves the value it saw last, however old.
    #[serde(default)]
    pub stale_if_error: bool,
    /// The database counts as overloaded above so many times its queries before the first fault.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 1000))]
    pub overload: u32,
    /// A production load to project the measured shares to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
}

fn a_minute() -> Duration {
    Duration::from_secs(60)
}

/// How reads are spread over the items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Each as often as any other.
    #[default]
    Uniform,
    /// The n-th most popular item in proportion to 1 / n^0.99, as YCSB has it.
    Zipf,
}

/// A circuit breaker in front of the database, one for all clients of the workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// It opens after so many queries in a row that were refused, failed or had no answer in time.
    #[schemars(range(min = 1, max = 100_000))]
    pub failures: u32,
    /// How long it stays open; then one query tries.
    #[serde(rename = "for")]
    pub lasts: Duration,
}

/// A production load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Reads per second.
    pub offered: Rate,
    /// Share of them that the cache answers, between 0 and 1.
    #[schemars(range(min = 0, max = 1))]
    pub hit_ratio: f64,
}

fn two() -> u32 {
    2
}
