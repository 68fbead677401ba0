//! How far two groups of trials may really lie apart: the percentile bootstrap of a difference, each group drawn from by itself.
//!
//! Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 and 13.

use redquake_experiments::spec::Aggregate;

use super::bootstrap::{self, CUT, DRAWS, LEAST};
use crate::result::{Interval, OpenInterval, Sample};

/// Draws of the second group, other than those of the first.
const SECOND: u64 = 1;

/// The 95 % interval of `after` minus `before`; `None` for fewer than [`LEAST`] samples on either side. An end that rests on values
/// that had not ended is unbounded.
pub fn difference(how: Aggregate, before: &[Sample], after: &[Sample]) -> Option<OpenInterval> {
    if before.len() < LEAST || after.len() < LEAST {
        return None;
    }
    let ends = |samples: &[Sample], stream| bootstrap::ends(samples).map(|values| bootstrap::draw(how, &values, stream));
    let ([low_before, high_before], [low_after, high_after]) = (ends(before, 0), ends(after, SECOND));
    let sorted = |one: &[f64], other: &[f64]| {
        let mut apart: Vec<f64> = one.iter().zip(other).map(|(one, other)| one - other).collect();
        apart.sort_unstable_by(f64::total_cmp);
        apart
    };
    let low = sorted(&low_after, &high_before)[CUT - 1];
    let high = sorted(&high_after, &low_before)[DRAWS - CUT];
    Some(OpenInterval { low: low.is_finite().then_some(low), high: high.is_finite().then_some(high) })
}

/// The 95 % interval of an aggregate; `None` for fewer than [`LEAST`] samples, and where an end is unbounded.
pub fn interval(how: Aggregate, samples: &[Sample]) -> Option<Interval> {
    if samples.len() < LEAST {
        return None;
    }
    let [low, high] = bootstrap::ends(samples).map(|values| {
        let mut drawn = bootstrap::draw(how, &values, 0);
        drawn.sort_unstable_by(f64::total_cmp);
        drawn
    });
    let interval = Interval { low: low[CUT - 1], high: high[DRAWS - CUT] };
    interval.high.is_finite().then_some(interval)
}
