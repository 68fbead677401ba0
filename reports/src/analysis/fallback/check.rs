//! One cache-aside workload of a trial: its reads and queries taken in, measured and told.

use redquake_experiments::spec::{CacheAsideWorkload, Scale};

use super::{Back, FallbackFindings, Period, Query, Read, Served, measure, project, shares};
use crate::analysis::check::Checked;
use crate::analysis::packed::Packed;
use crate::history::{self, Queried, ReadFrom};
use crate::result::{CacheResult, Projection};

/// Points of the curve that are kept.
const POINTS: usize = 600;
/// From where a read may be answered, in the order of the figures.
const FROM: [ReadFrom; 5] = [ReadFrom::Cache, ReadFrom::Database, ReadFrom::Shared, ReadFrom::Stale, ReadFrom::Nowhere];

/// Takes in the reads and queries of a cache-aside workload, and says at the end what fell through.
#[derive(Debug)]
pub struct Caches {
    overload: f64,
    scale: Option<Scale>,
    queries: Vec<Query>,
    /// When each read was intended, and from where it was answered: its place in `FROM`.
    reads: Packed<2>,
}

impl Caches {
    /// For a workload as described.
    pub fn new(spec: &CacheAsideWorkload) -> Self {
        Self { overload: spec.overload.into(), scale: spec.scale, queries: Vec::new(), reads: Packed::default() }
    }

    /// Takes in one query.
    pub fn query(&mut self, query: &history::Query) {
        let served = match query.out {
            Queried::Ok => Served::Answered,
            Queried::Refused => Served::Refused,
            Queried::Timeout => Served::TimedOut,
            Queried::Failed => Served::Failed,
        };
        let [asked, ended] = query.at;
        self.queries.push(Query { key: query.key, asked, began: query.began, ended: ended.max(asked), served });
    }

    /// Takes in one read.
    pub fn read(&mut self, read: &history::Read) {
        let from = FROM.iter().position(|from| *from == read.from).unwrap_or_default();
        self.reads.push([read.at[0], from as u64]);
    }

    /// Measures.
    pub(in crate::analysis) fn finish(self, period: Period) -> Checked {
        let mut reads = [0; FROM.len()];
        for [_, from] in self.reads.iter().filter(|[at, _]| (period.from..period.to).contains(at)) {
            reads[from as usize] += 1;
        }
        let each: Vec<Read> = self.reads.iter().map(|[at, from]| Read { at, hit: FROM[from as usize] == ReadFrom::Cache }).collect();
        let shares = shares(&self.queries, &each, period);
        let found = measure(self.queries, each, period, self.overload);
        let load = found.load;
        let mut metrics = vec![
            ("failed_reads", reads[4] as f64),
            ("stale_reads", reads[3] as f64),
            ("db_peak", load.peak),
            ("db_extra", load.extra),
            ("db_overloaded", load.overloaded as f64),
            ("db_longest_wait", load.longest_wait as f64),
            ("db_queue", load.deepest_queue as f64),
            ("db_refused", load.refused as f64),
            ("db_timed_out", load.timed_out as f64),
            ("db_failed", load.failed as f64),
            ("duplicate_loads", found.duplicate_loads as f64),
            ("stampede", found.stampede as f64),
        ];
        let some = [
            ("hit_ratio", found.hit_ratio),
            ("lowest_hit_ratio", found.lowest_hit_ratio),
            ("db_baseline", load.baseline),
            ("db_peak_multiplier", load.multiplier),
            ("db_p99", load.p99.map(|p99| p99 as f64)),
        ];
        metrics.extend(some.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let mut bounds = Vec::new();
        match found.back {
            Some(Back::After(time)) => metrics.push(("hit_ratio_back", time as f64)),
            Some(Back::Never(time)) => bounds.push(("hit_ratio_back", time as f64)),
            None => {}
        }
        let projection = self.scale.zip(shares).map(|(scale, shares)| project(scale, &shares));
        if let Some(projection) = &projection {
            let Projection { baseline, peak, extra, .. } = *projection;
            metrics.extend([("projected_baseline", baseline), ("projected_peak", peak), ("projected_extra", extra)]);
            metrics.extend(projection.multiplier.map(|multiplier| ("projected_multiplier", multiplier)));
        }
        let cache = CacheResult {
            reads,
            hit_ratio: found.hit_ratio,
            queries: load.queries,
            baseline: load.baseline,
            peak: load.peak,
            curve: thinned(&found),
            projection,
        };
        Checked { metrics, bounds, cache: Some(cache), ..Checked::default() }
    }
}

/// The curve with no more points than are kept: of neighbours the largest.
fn thinned(found: &FallbackFindings) -> Vec<[u64; 2]> {
    let each = found.curve.len().div_ceil(POINTS).max(1);
    let largest = |points: &[(u64, u64)]| points.iter().max_by_key(|(_, count)| *count).map(|(at, count)| [*at, *count]);
    found.curve.chunks(each).filter_map(largest).collect()
}
