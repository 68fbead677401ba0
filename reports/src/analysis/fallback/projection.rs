//! What the shares that were measured would make of another load. Nobody has measured that load: this is an extrapolation, and told as one.

use redquake_experiments::spec::Scale;

use super::load::{Period, Query, WINDOW};
use super::measure::Read;
use crate::result::Projection;

/// What an extrapolation rests on.
pub const ASSUMES: &str = "assumes that at that rate the same share of what the cache answers in calm falls through, for as long as it did here; that reads \
     are spread over items alike; that clients wait, repeat and share queries as they did here; and that the database keeps up: where it does not, \
     queues and refusals grow faster than the rate";

/// Queries by read: in calm, and in each second from the first fault on.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    /// Before the first fault.
    pub calm: f64,
    /// In each second from then on.
    pub after: Vec<f64>,
}

/// Takes the shares; `None` without a second of calm, or without reads in it.
pub fn shares(queries: &[Query], reads: &[Read], period: Period) -> Option<Shares> {
    let calm = period.broken.saturating_sub(period.from);
    if calm < WINDOW {
        return None;
    }
    let inside = |from: u64, to: u64| move |at: &u64| (from..to).contains(at);
    let asked = |from: u64, to: u64| queries.iter().map(|query| query.asked).filter(inside(from, to)).count() as f64;
    let read = reads.iter().map(|read| read.at).filter(inside(period.from, period.broken)).count() as f64;
    if read == 0.0 {
        return None;
    }
    // Reads are open loop: a second has as many as any other, whatever happens. Counting its own would make the border of a second a peak.
    let each = read / (calm as f64 / WINDOW as f64);
    let seconds = (period.broken..period.to).step_by(WINDOW as usize).filter(|start| start.saturating_add(WINDOW) <= period.to);
    let after = seconds.map(|start| asked(start, start + WINDOW) / each).collect();
    Some(Shares { calm: asked(period.from, period.broken) / read, after })
}

/// The load of a database behind a cache with another rate of reads and another hit ratio, through the same misfortune.
///
/// Of what a cache answers in calm, the share `f = (s − c) / (1 − c)` became queries in a second with `s` queries a read, where calm has `c`. So the
/// projected load is `offered × ((1 − hit_ratio) + hit_ratio × f)`.
pub fn project(scale: Scale, shares: &Shares) -> Projection {
    let offered = scale.offered.as_per_second();
    let answered = (1.0 - shares.calm).max(f64::EPSILON);
    let fell = |share: &f64| (share - shares.calm) / answered;
    let most = shares.after.iter().map(fell).fold(0.0, f64::max).min(1.0);
    let in_all = shares.after.iter().map(fell).sum::<f64>().max(0.0);
    let baseline = offered * (1.0 - scale.hit_ratio);
    let cached = offered * scale.hit_ratio;
    let peak = baseline + cached * most;
    Projection {
        offered,
        hit_ratio: scale.hit_ratio,
        fell_through: most,
        baseline,
        peak,
        multiplier: (baseline > 0.0).then(|| peak / baseline),
        extra: cached * in_all,
        assumes: ASSUMES.to_owned(),
    }
}
