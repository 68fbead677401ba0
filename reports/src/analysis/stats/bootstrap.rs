//! How far the median of other trials of the same kind may lie: the percentile bootstrap.
//!
//! Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::Aggregate;

use super::aggregate::{aggregate, of_numbers};
use crate::result::{Interval, Sample};

/// Samples below which there is no interval. Even of five it is their whole range, which covers the median in
/// 1 − 2 / 2⁵ = 94 % of cases; fewer cannot come near 95 %.
pub const LEAST: usize = 5;

/// Draws: enough that another seed moves the ends by no more than a neighbouring sample.
pub(super) const DRAWS: usize = 2_000;

/// Medians cut off at either end: 2.5 % of the draws.
pub(super) const CUT: usize = DRAWS / 40;

/// A constant, so that the same samples give the same bytes whenever they are analysed.
const SEED: u64 = 0x5eed_0095;

/// The 95 % interval of the median. `None` for fewer than [`LEAST`] samples.
///
/// A lower bound `AtLeast(v)` may be anything from `v` on, so the low end is that of the smallest possible values and the
/// high end that of the largest. Where so many had not ended that the high end is unbounded, there is no interval.
pub fn median_interval(samples: &[Sample]) -> Option<Interval> {
    if samples.len() < LEAST {
        return None;
    }
    let [low, high] = ends(samples);
    let lowest = medians(&low);
    // Without lower bounds both are the same.
    let highest = if high == low { lowest.clone() } else { medians(&high) };
    let ends = Interval { low: lowest[CUT - 1], high: highest[DRAWS - CUT] };
    // That the median lies inside is nearly certain, and made certain here.
    let median = aggregate(Aggregate::Median, samples)?;
    let interval = Interval { low: ends.low.min(median.low), high: ends.high.max(median.high) };
    interval.high.is_finite().then_some(interval)
}

/// How far the interval of the median reaches from it, as a share of it; `None` where there is no interval, or nothing to be a share of.
pub fn precision(samples: &[Sample]) -> Option<f64> {
    let Interval { low, high } = median_interval(samples)?;
    match aggregate(Aggregate::Median, samples)?.sample() {
        Sample::Exact(median) if median != 0.0 => Some((high - median).max(median - low) / median.abs()),
        _ => None,
    }
}

/// Medians of samples drawn with replacement, sorted.
fn medians(sorted: &[f64]) -> Vec<f64> {
    if sorted.first() == sorted.last() {
        return vec![sorted[0]; DRAWS];
    }
    let mut medians = draw(Aggregate::Median, sorted, 0);
    medians.sort_unstable_by(f64::total_cmp);
    medians
}

/// The smallest and the largest values the samples may stand for, each sorted: the order in which trials ended must not matter.
pub(super) fn ends(samples: &[Sample]) -> [Vec<f64>; 2] {
    let mut low: Vec<f64> = samples.iter().map(|sample| sample.value()).collect();
    let mut high: Vec<f64> = samples.iter().map(|sample| if let Sample::Exact(value) = sample { *value } else { f64::INFINITY }).collect();
    low.sort_unstable_by(f64::total_cmp);
    high.sort_unstable_by(f64::total_cmp);
    [low, high]
}

/// Aggregates of samples drawn with replacement. Draws of one stream are the same for groups of the same size.
pub(super) fn draw(how: Aggregate, sorted: &[f64], stream: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    rng.set_stream(stream);
    (0..DRAWS)
        .filter_map(|_| {
            let drawn = (0..sorted.len()).map(|_| sorted[rng.random_range(0..sorted.len())]).collect();
            of_numbers(how, drawn)
        })
        .collect()
}
