//! The database's side: how many queries, how long they took, who got no answer.

/// One query, as the workload's client saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// What was looked up.
    pub key: u32,
    /// When it was asked.
    pub asked: u64,
    /// When it got a connection; `None` when it never did.
    pub began: Option<u64>,
    /// When its answer, or that there will be none, was known.
    pub ended: u64,
    /// What became of it.
    pub served: Served,
}

/// What became of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Served {
    /// It was answered.
    Answered,
    /// The pool or the server had no room.
    Refused,
    /// Its time was over.
    TimedOut,
    /// Another error.
    Failed,
}

/// The measured time and the part of it before anything was broken, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Start of the measured time.
    pub from: u64,
    /// The first fault; the end where there is none.
    pub broken: u64,
    /// End of the measured time.
    pub to: u64,
}

/// Width of the windows in which a rate is taken.
pub const WINDOW: u64 = 1_000_000_000;
/// Step between two windows.
pub const STEP: u64 = 100_000_000;

/// A trial longer than this, a month, is a damaged history.
pub(super) const LONGEST: u64 = 31 * 24 * 3600 * 1_000_000_000;

/// Load of a database over the measured time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DatabaseLoad {
    /// Queries asked in the measured time.
    pub queries: u64,
    /// Queries a second before anything was broken; `None` with less than a second of that.
    pub baseline: Option<f64>,
    /// Most queries asked within any second.
    pub peak: f64,
    /// Peak by baseline; `None` without a baseline or with one of zero.
    pub multiplier: Option<f64>,
    /// Queries after the first fault beyond what the baseline makes of that time.
    pub extra: f64,
    /// Time after the first fault in which the rate was above `factor` times the baseline, ns.
    pub overloaded: u64,
    /// 99th percentile from asking to the answer, of answered queries, ns.
    pub p99: Option<u64>,
    /// Longest wait for a connection, ns; of queries that never got one too.
    pub longest_wait: u64,
    /// Most queries that waited for a connection at once.
    pub deepest_queue: u64,
    /// Queries refused.
    pub refused: u64,
    /// Queries without an answer in time.
    pub timed_out: u64,
    /// Queries that failed otherwise.
    pub failed: u64,
}

/// Sums up the load; `queries` are sorted by [`Query::asked`] here.
pub(super) fn load(queries: &mut [Query], period: Period, factor: f64) -> DatabaseLoad {
    queries.sort_unstable_by_key(|query| (query.asked, query.key));
    let first = queries.partition_point(|query| query.asked < period.from);
    let last = queries.partition_point(|query| query.asked < period.to);
    let measured = &queries[first..last.max(first)];
    let before = measured.partition_point(|query| query.asked < period.broken);
    let calm = period.broken.saturating_sub(period.from);
    let baseline = (calm >= WINDOW).then(|| before as f64 / (calm as f64 / 1e9));
    let rates = rates(measured, period);
    let peak = rates.iter().map(|(_, count)| *count).max().unwrap_or_default() as f64;
    let rest = period.to.saturating_sub(period.broken) as f64 / 1e9;
    let after = (measured.len() - before) as f64;
    let limit = baseline.map(|baseline| baseline * factor);
    let over = |(start, count): &&(u64, u64)| *start + WINDOW > period.broken && limit.is_some_and(|limit| *count as f64 > limit);
    let count = |served: Served| measured.iter().filter(|query| query.served == served).count() as u64;
    let wait = |query: &Query| query.began.unwrap_or(query.ended).saturating_sub(query.asked);
    DatabaseLoad {
        queries: measured.len() as u64,
        baseline,
        peak,
        multiplier: baseline.filter(|baseline| *baseline > 0.0).map(|baseline| peak / baseline),
        extra: baseline.map_or(0.0, |baseline| (after - baseline * rest).max(0.0)),
        overloaded: covered(rates.iter().filter(over).map(|(start, _)| *start)),
        p99: percentile(measured),
        longest_wait: measured.iter().filter(|query| query.served != Served::Refused).map(wait).max().unwrap_or_default(),
        deepest_queue: deepest(measured),
        refused: count(Served::Refused),
        timed_out: count(Served::TimedOut),
        failed: count(Served::Failed),
    }
}

/// Queries asked within one second, from every tenth of a second of the measured time.
pub(super) fn rates(measured: &[Query], period: Period) -> Vec<(u64, u64)> {
    let starts = (period.from..=period.to.saturating_sub(WINDOW)).step_by(STEP as usize);
    let asked = |at: u64| measured.partition_point(|query| query.asked < at) as u64;
    let whole = (WINDOW..LONGEST).contains(&period.to.saturating_sub(period.from));
    starts.filter(|_| whole).map(|start| (start, asked(start + WINDOW) - asked(start))).collect()
}

/// Length of what windows of these starts cover together: each stands for the step in its middle.
fn covered(starts: impl Iterator<Item = u64>) -> u64 {
    starts.count() as u64 * STEP
}

/// Nearest rank; with fewer than 100 answers there is no 99th percentile.
fn percentile(measured: &[Query]) -> Option<u64> {
    let answered = measured.iter().filter(|query| query.served == Served::Answered);
    let mut times: Vec<u64> = answered.map(|query| query.ended.saturating_sub(query.asked)).collect();
    times.sort_unstable();
    (times.len() >= 100).then(|| times[(times.len() * 99).div_ceil(100) - 1])
}

fn deepest(measured: &[Query]) -> u64 {
    let waited = measured.iter().filter(|query| query.served != Served::Refused);
    let waits = waited.map(|query| (query.asked, query.began.unwrap_or(query.ended))).filter(|(from, to)| from < to);
    // Who leaves at an instant makes room before who comes.
    let mut steps: Vec<(u64, i64)> = waits.flat_map(|(from, to)| [(from, 1), (to, -1)]).collect();
    steps.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, step) in steps {
        now += step;
        most = most.max(now);
    }
    u64::try_from(most).unwrap_or_default()
}
