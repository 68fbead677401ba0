//! The cache's side: its hit ratio, and when it was back.

use super::load::{LONGEST, Period, STEP, WINDOW};
use super::measure::Read;

/// Share of the usual hit ratio from which the cache counts as warm again.
const WARM: f64 = 0.95;

/// The hit ratio before anything was broken, the lowest of any second after it, and the time from the first fault until the ratio was
/// back for good.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Hits {
    pub(super) usual: Option<f64>,
    pub(super) lowest: Option<f64>,
    pub(super) back: Option<Back>,
}

/// How long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// This long, ns; 0 when it never went down.
    After(u64),
    /// Not before the end: at least this long, ns.
    Never(u64),
}

/// Judges reads sorted by their time.
pub(super) fn hits(reads: &[Read], period: Period) -> Hits {
    let counts = |from: u64, to: u64| {
        let inside = &reads[reads.partition_point(|read| read.at < from)..reads.partition_point(|read| read.at < to)];
        (inside.iter().filter(|read| read.hit).count(), inside.len())
    };
    let ratio = |(hit, all): (usize, usize)| (all > 0).then(|| hit as f64 / all as f64);
    let usual = ratio(counts(period.from, period.broken));
    if period.broken >= period.to || period.to - period.broken > LONGEST {
        return Hits { usual, ..Hits::default() };
    }
    let starts = (period.broken..=period.to.saturating_sub(WINDOW).max(period.broken)).step_by(STEP as usize);
    let (mut lowest, mut cold): (Option<f64>, Option<u64>) = (None, None);
    for start in starts {
        let end = (start + WINDOW).min(period.to);
        let Some(now) = ratio(counts(start, end)) else { continue };
        lowest = Some(lowest.map_or(now, |lowest: f64| lowest.min(now)));
        if usual.is_some_and(|usual| now < usual * WARM) {
            cold = Some(end);
        }
    }
    let back = usual.map(|_| match cold {
        None => Back::After(0),
        Some(end) if end + STEP > period.to => Back::Never(period.to - period.broken),
        Some(end) => Back::After(end - period.broken),
    });
    Hits { usual, lowest, back }
}
