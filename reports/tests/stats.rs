//! How sure a number is: laws of the intervals, and values known from elsewhere.

use Sample::{AtLeast, Exact};
use proptest::prelude::*;
use redquake_experiments::spec::Aggregate;
use redquake_reports::analysis::stats::{LEAST, aggregate, median_interval, share, summarise};
use redquake_reports::result::{Interval, MetricUnit, Sample};

fn exact(values: &[f64]) -> Vec<Sample> {
    values.iter().copied().map(Exact).collect()
}

fn numbered(samples: Vec<Sample>) -> Vec<(u32, Sample)> {
    (1..).zip(samples).collect()
}

/// Evenly spread values: what a sample of that size from one distribution looks like without its chance.
fn even(n: u32) -> Vec<Sample> {
    (0..n).map(|k| Exact((f64::from(k) + 0.5) / f64::from(n))).collect()
}

fn width(interval: Interval) -> f64 {
    interval.high - interval.low
}

/// `P(X = k)`, by a product instead of logarithms.
fn exactly(k: u32, n: u32, p: f64) -> f64 {
    let ways: f64 = (0..k).map(|i| f64::from(n - i) / f64::from(k - i)).product();
    ways * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32)
}

proptest! {
    // Every interval takes two thousand draws.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_interval_contains_the_median_and_lies_within_the_samples(values in prop::collection::vec(0.0..1e10_f64, LEAST..60)) {
        let samples = exact(&values);
        let Interval { low, high } = median_interval(&samples).unwrap();
        let median = aggregate(Aggregate::Median, &samples).unwrap().low;
        prop_assert!(low <= median && median <= high);
        let end = |how| aggregate(how, &samples).unwrap().low;
        prop_assert!(end(Aggregate::Min) <= low && high <= end(Aggregate::Max));
    }

    #[test]
    fn the_order_of_the_samples_does_not_matter(values in prop::collection::vec(0.0..1e10_f64, LEAST..40)) {
        let mut turned = values.clone();
        turned.reverse();
        prop_assert_eq!(median_interval(&exact(&values)), median_interval(&exact(&turned)));
    }

    #[test]
    fn a_lower_bound_only_widens_the_interval(values in prop::collection::vec(0.0..1e10_f64, LEAST..40), which in any::<prop::sample::Index>()) {
        let known = median_interval(&exact(&values)).unwrap();
        let mut samples = exact(&values);
        let which = which.index(values.len());
        samples[which] = AtLeast(values[which]);
        if let Some(open) = median_interval(&samples) {
            prop_assert_eq!(open.low, known.low);
            prop_assert!(open.high >= known.high);
        }
    }
}

proptest! {
    #[test]
    fn the_bounds_of_a_share_contain_it_and_grow_with_what_was_seen(n in 1..400_u32, seen in any::<prop::sample::Index>()) {
        let seen = seen.index(n as usize) as u32;
        let (one, next) = (share(seen, n).unwrap(), share(seen + 1, n).unwrap());
        let observed = f64::from(seen) / f64::from(n);
        prop_assert!(0.0 <= one.low && one.low <= observed && observed < one.high && one.high <= 1.0);
        prop_assert!(one.low < next.low && (one.high < next.high || next.high == 1.0));
        let longer = share(seen, n + 1).unwrap();
        prop_assert!(longer.high < one.high, "more trials with as many events rule out more");
    }

    #[test]
    fn each_end_of_a_share_leaves_the_tail_it_is_defined_by(n in 2..60_u32, seen in any::<prop::sample::Index>()) {
        let seen = 1 + seen.index(n as usize - 1) as u32;
        let Interval { low, high } = share(seen, n).unwrap();
        let below: f64 = (0..=seen).map(|k| exactly(k, n, high)).sum();
        let above: f64 = (seen..=n).map(|k| exactly(k, n, low)).sum();
        prop_assert!((below - 0.025).abs() < 1e-9 || seen == n, "{below}");
        prop_assert!((above - if seen == n { 0.05 } else { 0.025 }).abs() < 1e-9, "{above}");
    }

    #[test]
    fn what_happens_and_what_does_not_mirror_each_other(n in 1..300_u32, seen in any::<prop::sample::Index>()) {
        let seen = seen.index(n as usize + 1) as u32;
        let (one, other) = (share(seen, n).unwrap(), share(n - seen, n).unwrap());
        prop_assert!((one.low - (1.0 - other.high)).abs() < 1e-12 && (one.high - (1.0 - other.low)).abs() < 1e-12);
    }
}

#[test]
fn the_interval_shrinks_with_the_number_of_samples() {
    let widths: Vec<f64> = [5, 10, 20, 50, 100, 200, 500].map(|n| width(median_interval(&even(n)).unwrap())).into();
    assert!(widths.is_sorted_by(|one, next| one > next), "{widths:?}");
    // The median of n uniform values has a standard error of 1 / (2 √n): 1.96 of them to either side.
    let expected = 2.0 * 1.96 * 0.5 / 500_f64.sqrt();
    assert!((widths[6] / expected - 1.0).abs() < 0.15, "{} against {expected}", widths[6]);
}

#[test]
fn the_interval_of_five_is_their_range_and_fewer_have_none() {
    assert_eq!(median_interval(&exact(&[3.0, 1.0, 5.0, 2.0, 4.0])), Some(Interval { low: 1.0, high: 5.0 }));
    assert_eq!(median_interval(&exact(&[3.0, 1.0, 5.0, 2.0])), None);
    assert_eq!(median_interval(&[Exact(7.0); 9]), Some(Interval { low: 7.0, high: 7.0 }));
}

#[test]
fn the_interval_covers_the_true_median_about_as_often_as_it_says() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let runs = 200;
    let covered = (0..runs).filter(|_| {
        let samples: Vec<Sample> = (0..15).map(|_| Exact(-rng.random_range(f64::MIN_POSITIVE..1.0_f64).ln())).collect();
        let Interval { low, high } = median_interval(&samples).unwrap();
        (low..=high).contains(&std::f64::consts::LN_2)
    });
    let covered = f64::from(covered.count() as u32) / f64::from(runs);
    println!("{runs} runs of 15 exponential values: {:.1} % of the intervals contain the median", covered * 100.0);
    assert!((0.90..=0.99).contains(&covered), "{covered}");
}

#[test]
fn a_few_that_had_not_ended_leave_an_interval_and_many_leave_none() {
    let mut samples = even(40);
    let known = median_interval(&samples).unwrap();
    samples[39] = AtLeast(0.99);
    assert_eq!(median_interval(&samples), Some(known), "one of the longest changes nothing");
    for sample in &mut samples[20..] {
        *sample = AtLeast(sample.value());
    }
    assert_eq!(median_interval(&samples), None);
}

#[test]
fn the_same_samples_give_the_same_bytes() {
    // Pinned: a change of the draws changes results that are already published.
    let interval = median_interval(&exact(&[1.31, 1.36, 1.29, 1.40, 1.33, 1.38, 1.30, 1.34])).unwrap();
    assert_eq!(serde_json::to_string(&interval).unwrap(), r#"{"low":1.3,"high":1.38}"#);
}

#[test]
fn shares_agree_with_published_tables() {
    let close = |seen, n, low: f64, high: f64| {
        let found = share(seen, n).unwrap();
        assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{seen} of {n}: {found:?}");
    };
    close(0, 200, 0.0, 0.014_87);
    close(0, 1, 0.0, 0.95);
    close(3, 3, 0.368_40, 1.0);
    // Clopper-Pearson, as R's binom.test gives them.
    close(1, 10, 0.002_53, 0.445_02);
    close(5, 20, 0.086_57, 0.491_05);
    close(50, 100, 0.398_32, 0.601_68);
    assert_eq!(share(0, 0), None);
}

#[test]
fn many_trials_are_counted_without_losing_the_tail() {
    let Interval { low, high } = share(5_000, 100_000).unwrap();
    assert!((low - 0.0487).abs() < 1e-4 && (high - 0.0514).abs() < 1e-4, "{low} {high}");
}

#[test]
fn a_percentile_is_told_from_twenty_samples_on() {
    let p95 = |n| summarise("failover.write_gap", MetricUnit::Ns, "", numbered(even(n))).unwrap().p95;
    assert_eq!(p95(19), None);
    assert_eq!(p95(20), Some(Exact(18.5 / 20.0)), "the 19th of 20");
}

#[test]
fn only_counts_of_what_should_never_happen_have_a_share_of_trials() {
    let rare = |name| summarise(name, MetricUnit::Count, "", numbered(exact(&[0.0, 3.0, 0.0, 1.0]))).unwrap().rare;
    assert_eq!(rare("locks.acquired"), None);
    assert_eq!(rare("failover.count"), None);
    let lost = rare("locks.lost").unwrap();
    assert_eq!((lost.trials, lost.per_trial), (2, 1.0));
    assert_eq!(Some(lost.share), share(2, 4));
}
