//! Many samples made into one, where a sample may be only a lower bound.
//!
//! Every aggregate here grows with each of its samples, so its bounds are the aggregate of the lower ends and that of
//! the upper ends; `AtLeast(v)` reaches from `v` to infinity.

use redquake_experiments::spec::Aggregate;

use crate::result::Sample;

/// Where the true value lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// It is not smaller.
    pub low: f64,
    /// It is not larger; infinite for what had not ended.
    pub high: f64,
}

impl Bounds {
    /// As a sample: exact when the bounds are one value, else at least the lower one.
    pub fn sample(self) -> Sample {
        if self.low == self.high { Sample::Exact(self.low) } else { Sample::AtLeast(self.low) }
    }
}

/// The aggregate of some samples; `None` without any.
pub fn aggregate(how: Aggregate, samples: &[Sample]) -> Option<Bounds> {
    let low: Vec<f64> = samples.iter().map(|sample| sample.value()).collect();
    let high: Vec<f64> = samples.iter().map(|sample| if let Sample::Exact(value) = sample { *value } else { f64::INFINITY }).collect();
    Some(Bounds { low: of_numbers(how, low)?, high: of_numbers(how, high)? })
}

/// The aggregate of plain numbers; `None` without any.
pub(super) fn of_numbers(how: Aggregate, mut numbers: Vec<f64>) -> Option<f64> {
    if numbers.is_empty() {
        return None;
    }
    numbers.sort_unstable_by(f64::total_cmp);
    let count = numbers.len();
    Some(match how {
        Aggregate::Min => numbers[0],
        Aggregate::Max => numbers[count - 1],
        Aggregate::Count => numbers.iter().sum(),
        Aggregate::Mean => numbers.iter().sum::<f64>() / count as f64,
        // The mean of the two middle ones for an even number.
        Aggregate::Median if count.is_multiple_of(2) => (numbers[count / 2 - 1] + numbers[count / 2]) / 2.0,
        Aggregate::Median => numbers[count / 2],
        Aggregate::Percentile(percent) => numbers[nearest_rank(percent, count) - 1],
    })
}

/// Rank from 1 of a percentile: the smallest value that at least that share of all does not exceed.
fn nearest_rank(percent: f64, count: usize) -> usize {
    // Rounded first: 95 % of 20 is 19, though 0.95 * 20 may come out above it.
    let exact = (percent * count as f64 / 100.0 * 1e9).round() / 1e9;
    (exact.ceil() as usize).clamp(1, count)
}

/// Samples a percentile needs so that its rank is not simply the largest: `1 / (1 - percent/100)`.
pub fn wanted(percent: f64) -> usize {
    (100.0 / (100.0 - percent) - 1e-9).ceil() as usize
}

/// The largest of some samples.
pub fn max(samples: impl Iterator<Item = Sample>) -> Option<Sample> {
    aggregate(Aggregate::Max, &samples.collect::<Vec<_>>()).map(Bounds::sample)
}

#[cfg(test)]
mod tests {
    use super::{Aggregate, Sample, aggregate, nearest_rank, wanted};
    use Sample::{AtLeast, Exact};

    fn of(how: Aggregate, samples: &[Sample]) -> Sample {
        aggregate(how, samples).unwrap().sample()
    }

    #[test]
    fn the_middle_of_an_even_number_is_the_mean_of_two() {
        assert_eq!(of(Aggregate::Median, &[Exact(4.0), Exact(1.0), Exact(2.0), Exact(9.0)]), Exact(3.0));
        assert_eq!(of(Aggregate::Median, &[Exact(4.0), Exact(1.0), Exact(9.0)]), Exact(4.0));
        assert_eq!(of(Aggregate::Mean, &[Exact(4.0), Exact(1.0), Exact(1.0)]), Exact(2.0));
        assert_eq!(of(Aggregate::Count, &[Exact(4.0), Exact(1.0)]), Exact(5.0));
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        assert_eq!([(95.0, 20), (95.0, 21), (50.0, 5), (99.0, 100), (1.0, 5)].map(|(p, n)| nearest_rank(p, n)), [19, 20, 3, 99, 1]);
        assert_eq!([95.0, 99.0, 50.0, 99.9].map(wanted), [20, 100, 2, 1000]);
    }

    #[test]
    fn a_lower_bound_stays_one_where_it_matters() {
        assert_eq!(of(Aggregate::Max, &[Exact(5.0), AtLeast(3.0)]), AtLeast(5.0), "the open one may be larger");
        assert_eq!(of(Aggregate::Max, &[Exact(5.0), AtLeast(8.0)]), AtLeast(8.0));
        assert_eq!(of(Aggregate::Min, &[Exact(2.0), AtLeast(3.0)]), Exact(2.0));
        assert_eq!(of(Aggregate::Min, &[Exact(5.0), AtLeast(3.0)]), AtLeast(3.0));
        assert_eq!(of(Aggregate::Median, &[Exact(1.0), Exact(2.0), AtLeast(9.0)]), Exact(2.0));
        assert_eq!(of(Aggregate::Mean, &[Exact(1.0), AtLeast(3.0)]), AtLeast(2.0));
    }

    #[test]
    fn nothing_has_no_aggregate() {
        assert_eq!(aggregate(Aggregate::Max, &[]), None);
    }
}
