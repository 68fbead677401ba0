//! Both sides together.

pub use super::hits::Back;
use super::hits::hits;
use super::load::{DatabaseLoad, Period, Query, load, rates};
use super::stampede::duplicates;

/// One read of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// When it was meant to start.
    pub at: u64,
    /// Whether the cache had it.
    pub hit: bool,
}

/// What fell through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FallbackFindings {
    /// Load of the database.
    pub load: DatabaseLoad,
    /// Hit ratio before anything was broken.
    pub hit_ratio: Option<f64>,
    /// Lowest hit ratio of any second after that.
    pub lowest_hit_ratio: Option<f64>,
    /// Time from the first fault until the hit ratio was back for good.
    pub back: Option<Back>,
    /// Queries asked while another one for the same key was under way.
    pub duplicate_loads: u64,
    /// Most queries for one key at once.
    pub stampede: u64,
    /// Queries within one second from every tenth of a second, for the curve: start and count.
    pub curve: Vec<(u64, u64)>,
}

/// Measures what fell through a cache. `factor` is how many times its baseline a database takes before it counts as overloaded.
pub fn measure(mut queries: Vec<Query>, mut reads: Vec<Read>, period: Period, factor: f64) -> FallbackFindings {
    reads.sort_unstable_by_key(|read| read.at);
    let load = load(&mut queries, period, factor);
    let first = queries.partition_point(|query| query.asked < period.from);
    let last = queries.partition_point(|query| query.asked < period.to);
    let measured = &queries[first..last.max(first)];
    let hits = hits(&reads, period);
    let (duplicate_loads, stampede) = duplicates(measured);
    FallbackFindings {
        load,
        hit_ratio: hits.usual,
        lowest_hit_ratio: hits.lowest,
        back: hits.back,
        duplicate_loads,
        stampede,
        curve: rates(measured, period),
    }
}
