//! Buckets merged until they fit a chart. Counts are added, latencies keep their extremes: a mean would hide what the chart is for.

use crate::result::{OpBucket, WorkloadSeries};

/// Columns of equal width without holes.
pub struct Columns {
    /// Start of the first column, ns since the trial began.
    pub from: u64,
    /// Width of a column, ns.
    pub width: u64,
    /// The columns; empty ones have no operations.
    pub list: Vec<OpBucket>,
}

impl Columns {
    /// The buckets that begin inside `[from, to)`, at most `most` columns.
    pub fn new(series: &WorkloadSeries, bucket: u64, [from, to]: [u64; 2], most: usize) -> Self {
        let bucket = bucket.max(1);
        let first = series.buckets.iter().map(|b| b.at).filter(|at| at.saturating_add(bucket) > from).min().unwrap_or(from);
        let span = to.saturating_sub(first);
        let merge = span.div_ceil(bucket).div_ceil(most.max(1) as u64).max(1);
        let width = bucket.saturating_mul(merge);
        let mut list = vec![OpBucket::default(); span.div_ceil(width) as usize];
        for one in series.buckets.iter().filter(|b| b.at >= first) {
            let Some(column) = list.get_mut(((one.at - first) / width) as usize) else { continue };
            let empty = total(column) == 0;
            column.ok = column.ok.saturating_add(one.ok);
            column.held = column.held.saturating_add(one.held);
            column.fail = column.fail.saturating_add(one.fail);
            column.info = column.info.saturating_add(one.info);
            column.min = if empty { one.min } else { column.min.min(one.min) };
            column.max = column.max.max(one.max);
        }
        Self { from: first, width, list }
    }

    /// Counts by bucket as counts by column; what begins outside the columns is left out.
    pub fn counts(&self, buckets: &[[u64; 2]]) -> Vec<u64> {
        let mut counts = vec![0_u64; self.list.len()];
        for [at, count] in buckets {
            let column = at.checked_sub(self.from).and_then(|after| counts.get_mut((after / self.width) as usize));
            if let Some(column) = column {
                *column = column.saturating_add(*count);
            }
        }
        counts
    }

    /// Start of a column, ns.
    pub fn start(&self, index: usize) -> u64 {
        self.from + self.width * index as u64
    }

    /// Attempts per second of the busiest column.
    pub fn busiest(&self) -> f64 {
        self.list.iter().map(|column| self.per_second(total(column))).fold(0.0, f64::max)
    }

    /// A number of attempts in one column as a rate.
    pub fn per_second(&self, attempts: u64) -> f64 {
        attempts as f64 * 1e9 / self.width as f64
    }

    /// Smallest and largest latency, ns.
    pub fn latency(&self) -> Option<(u64, u64)> {
        let busy = || self.list.iter().filter(|column| total(column) > 0);
        Some((busy().map(|column| column.min).min()?, busy().map(|column| column.max).max()?))
    }
}

/// All attempts of a bucket.
pub fn total(bucket: &OpBucket) -> u64 {
    [bucket.ok, bucket.held, bucket.fail, bucket.info].into_iter().map(u64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_adds_counts_and_keeps_extremes() {
        let bucket = |at, ok, min, max| OpBucket { at, ok, min, max, ..OpBucket::default() };
        let series = WorkloadSeries {
            name: "w".into(),
            buckets: vec![bucket(100, 3, 5, 9), bucket(110, 4, 2, 7), bucket(140, 1, 1, 1)],
            ..WorkloadSeries::default()
        };
        let columns = Columns::new(&series, 10, [100, 150], 3);
        assert_eq!(columns.width, 20);
        assert_eq!(columns.list.iter().map(|c| c.ok).collect::<Vec<_>>(), [7, 0, 1]);
        assert_eq!((columns.list[0].min, columns.list[0].max), (2, 9));
        assert_eq!(columns.latency(), Some((1, 9)));
    }

    #[test]
    fn counts_fall_into_the_columns_of_the_outcomes() {
        let bucket = |at| OpBucket { at, ok: 1, ..OpBucket::default() };
        let series = WorkloadSeries { name: "w".into(), buckets: vec![bucket(100), bucket(140)], ..WorkloadSeries::default() };
        let columns = Columns::new(&series, 10, [100, 150], 3);
        assert_eq!(columns.counts(&[[90, 9], [100, 1], [110, 2], [140, 4], [160, 9]]), [3, 0, 4]);
    }

    #[test]
    fn a_series_without_buckets_is_empty_columns() {
        let columns = Columns::new(&WorkloadSeries::default(), 0, [0, 10], 4);
        assert_eq!(columns.busiest(), 0.0);
        assert_eq!(columns.latency(), None);
    }
}
