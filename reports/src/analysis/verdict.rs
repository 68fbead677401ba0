//! Assertions judged over the trials of a run. Rules: docs/definitions.md.

use redquake_experiments::spec::{Aggregate, Assertion, Comparison, Expectation, Limit};

use super::stats::{Bounds, aggregate, wanted};
use super::words::{count, sample_text, value_text};
use crate::result::{AssertionResult, Location, MetricUnit, Sample, Verdict};

/// What an assertion is judged on.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What the metric's numbers are.
    pub unit: MetricUnit,
    /// Its value in each conclusive trial that has one.
    pub samples: &'a [Sample],
    /// Trials that were planned.
    pub planned: usize,
}

/// Judges one assertion.
///
/// A lower bound decides only where every value above it would decide the same. Fewer values than half of the planned
/// trials, or than a percentile wants, decide only a limit that is already broken for good.
pub fn judge(assertion: &Assertion, evidence: Evidence<'_>, location: Option<Location>) -> AssertionResult {
    let expect = &assertion.expect;
    let bounds = aggregate(expect.aggregate, evidence.samples);
    let (verdict, reason) = match bounds {
        None => (Verdict::Inconclusive, format!("no conclusive trial has a value of `{}`", assertion.metric)),
        Some(bounds) => {
            let kept = compare(expect.comparison, bounds, limit(expect.limit));
            match (kept, enough(expect, evidence)) {
                (Some(false), Err(_)) if for_good(expect) => (Verdict::Fail, broken(expect, bounds, evidence.unit)),
                (_, Err(why)) => (Verdict::Inconclusive, why),
                (Some(true), Ok(())) => (Verdict::Pass, String::new()),
                (Some(false), Ok(())) => (Verdict::Fail, broken(expect, bounds, evidence.unit)),
                (None, Ok(())) => (Verdict::Inconclusive, open(expect, bounds, evidence.unit)),
            }
        }
    };
    AssertionResult {
        metric: assertion.metric.clone(),
        expect: expect.to_string(),
        severity: assertion.severity,
        verdict,
        actual: bounds.map(Bounds::sample),
        actual_text: bounds.map_or_else(|| "no value".to_owned(), |bounds| actual_text(expect.aggregate, bounds, evidence)),
        margin: bounds.map(|bounds| margin(expect, bounds.low)),
        location,
        implicit: false,
        reason,
        vacuous: None,
    }
}

fn limit(limit: Limit) -> f64 {
    match limit {
        Limit::Time(nanos) => nanos as f64,
        Limit::Number(number) => number,
        Limit::Share(share) => share,
        Limit::Rate(rate) => rate.as_per_second(),
    }
}

/// Whether the comparison holds for every value within the bounds (`true`), for none (`false`), or for some (`None`).
fn compare(comparison: Comparison, bounds: Bounds, limit: f64) -> Option<bool> {
    let Bounds { low, high } = bounds;
    let (all, none) = match comparison {
        Comparison::Less => (high < limit, low >= limit),
        Comparison::AtMost => (high <= limit, low > limit),
        Comparison::Greater => (low > limit, high <= limit),
        Comparison::AtLeast => (low >= limit, high < limit),
        Comparison::Equal => (low == limit && high == limit, limit < low || limit > high),
        Comparison::NotEqual => (limit < low || limit > high, low == limit && high == limit),
    };
    match (all, none) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

fn enough(expect: &Expectation, evidence: Evidence<'_>) -> Result<(), String> {
    let have = evidence.samples.len();
    if have * 2 < evidence.planned {
        return Err(format!(
            "only {have} of {} have a value to judge; at least half must",
            count(evidence.planned as u64, "planned trial")
        ));
    }
    match expect.aggregate {
        Aggregate::Percentile(percent) if have < wanted(percent) => {
            Err(format!("p({percent}) wants at least {} conclusive trials; there are {have}", wanted(percent)))
        }
        _ => Ok(()),
    }
}

/// Whether a limit that is broken now would stay broken whatever further trials showed.
fn for_good(expect: &Expectation) -> bool {
    let upper = matches!(expect.comparison, Comparison::Less | Comparison::AtMost);
    let lower = matches!(expect.comparison, Comparison::Greater | Comparison::AtLeast);
    match expect.aggregate {
        Aggregate::Max => upper,
        Aggregate::Min => lower,
        // Counts only grow: once above zero they never equal it again.
        Aggregate::Count => upper || (expect.comparison == Comparison::Equal && limit(expect.limit) == 0.0),
        Aggregate::Mean | Aggregate::Median | Aggregate::Percentile(_) => false,
    }
}

fn broken(expect: &Expectation, bounds: Bounds, unit: MetricUnit) -> String {
    format!("{} is {}, expected {} {}", expect.aggregate, sample_text(unit, bounds.sample()), expect.comparison, expect.limit)
}

fn open(expect: &Expectation, bounds: Bounds, unit: MetricUnit) -> String {
    format!(
        "{} is {}: it had not ended with the trial, so whether it is {} {} is not known",
        expect.aggregate,
        sample_text(unit, bounds.sample()),
        expect.comparison,
        expect.limit
    )
}

/// `median 2.21 s of 5 trials (2.18 s to 2.29 s)`.
fn actual_text(how: Aggregate, bounds: Bounds, evidence: Evidence<'_>) -> String {
    let range = |how| aggregate(how, evidence.samples).map(Bounds::sample);
    let actual = sample_text(evidence.unit, bounds.sample());
    let trials = count(evidence.samples.len() as u64, "trial");
    match range(Aggregate::Min).zip(range(Aggregate::Max)) {
        Some((min, max)) if evidence.samples.len() > 1 && min != max => {
            format!("{how} {actual} of {trials} ({} to {})", value_text(evidence.unit, min.value()), sample_text(evidence.unit, max))
        }
        _ => format!("{how} {actual} of {trials}"),
    }
}

fn margin(expect: &Expectation, actual: f64) -> f64 {
    let limit = limit(expect.limit);
    match expect.comparison {
        Comparison::Less | Comparison::AtMost => limit - actual,
        Comparison::Greater | Comparison::AtLeast => actual - limit,
        Comparison::Equal => -(actual - limit).abs(),
        Comparison::NotEqual => (actual - limit).abs(),
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use redquake_experiments::spec::Severity;

    use super::{Aggregate, Assertion, AssertionResult, Comparison, Evidence, Expectation, MetricUnit, Sample, Verdict, judge, limit};
    use Sample::{AtLeast, Exact};

    const S: f64 = 1e9;

    fn judged(expect: &str, samples: &[Sample], planned: usize) -> AssertionResult {
        let assertion = Assertion { metric: "failover.write_gap".to_owned(), expect: expect.parse().unwrap(), severity: Severity::Error };
        judge(&assertion, Evidence { unit: MetricUnit::Ns, samples, planned }, None)
    }

    fn verdict(expect: &str, samples: &[Sample]) -> Verdict {
        judged(expect, samples, samples.len()).verdict
    }

    #[test]
    fn a_lower_bound_above_the_limit_fails_and_one_below_it_proves_nothing() {
        assert_eq!(verdict("max < 5s", &[Exact(2.0 * S), AtLeast(6.0 * S)]), Verdict::Fail);
        assert_eq!(verdict("max < 5s", &[Exact(2.0 * S), AtLeast(3.0 * S)]), Verdict::Inconclusive);
        assert_eq!(verdict("max > 2s", &[Exact(S), AtLeast(3.0 * S)]), Verdict::Pass);
        assert_eq!(verdict("median < 5s", &[Exact(S), Exact(2.0 * S), AtLeast(9.0 * S)]), Verdict::Pass);
        assert_eq!(verdict("min < 5s", &[Exact(S), AtLeast(3.0 * S)]), Verdict::Pass);
    }

    #[test]
    fn the_values_are_told_in_words() {
        let result = judged("median < 2s", &[Exact(2.18 * S), Exact(2.21 * S), Exact(2.29 * S)], 3);
        assert_eq!(result.verdict, Verdict::Fail);
        assert_eq!(result.actual_text, "median 2.21 s of 3 trials (2.18 s to 2.29 s)");
        assert_eq!(result.reason, "median is 2.21 s, expected < 2s");
        assert!((result.margin.unwrap() + 0.21 * S).abs() < 1.0);
        let open = judged("max < 5s", &[AtLeast(3.0 * S)], 1);
        assert_eq!(open.reason, "max is ≥ 3.00 s: it had not ended with the trial, so whether it is < 5s is not known");
    }

    #[test]
    fn without_a_value_or_with_too_few_trials_nothing_is_proved() {
        assert_eq!(verdict("max < 5s", &[]), Verdict::Inconclusive);
        let few = judged("max < 5s", &[Exact(S), Exact(S)], 5);
        assert_eq!(
            (few.verdict, few.reason.as_str()),
            (Verdict::Inconclusive, "only 2 of 5 planned trials have a value to judge; at least half must")
        );
        assert_eq!(judged("max < 5s", &[Exact(S), Exact(S), Exact(S)], 5).verdict, Verdict::Pass);
    }

    #[test]
    fn a_limit_broken_for_good_fails_even_with_few_trials() {
        assert_eq!(judged("max < 5s", &[Exact(6.0 * S)], 5).verdict, Verdict::Fail);
        assert_eq!(judged("median < 5s", &[Exact(6.0 * S)], 5).verdict, Verdict::Inconclusive, "others could pull it down");
        assert_eq!(judged("count == 0", &[Exact(1.0)], 5).verdict, Verdict::Fail);
        assert_eq!(judged("count == 3", &[Exact(4.0)], 5).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_percentile_wants_enough_trials() {
        assert_eq!(verdict("p(95) < 5s", &[Exact(S); 19]), Verdict::Inconclusive);
        assert_eq!(verdict("p(95) < 5s", &[Exact(S); 20]), Verdict::Pass);
    }

    /// The aggregate of plain numbers, and whether it keeps a limit: as the words say it.
    fn keeps(expect: &Expectation, values: &[f64]) -> bool {
        let mut values = values.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        let (count, sum) = (values.len(), values.iter().sum::<f64>());
        let value = match expect.aggregate {
            Aggregate::Min => values[0],
            Aggregate::Max => values[count - 1],
            Aggregate::Count => sum,
            Aggregate::Mean => sum / count as f64,
            _ => (values[(count - 1) / 2] + values[count / 2]) / 2.0,
        };
        let limit = limit(expect.limit);
        match expect.comparison {
            Comparison::Less => value < limit,
            Comparison::AtMost => value <= limit,
            Comparison::Greater => value > limit,
            Comparison::AtLeast => value >= limit,
            Comparison::Equal => value == limit,
            Comparison::NotEqual => value != limit,
        }
    }

    #[test]
    fn a_verdict_is_that_of_every_way_in_which_what_had_not_ended_may_end() {
        let mut rng = ChaCha8Rng::seed_from_u64(91);
        let mut seen = [0; 3];
        for _ in 0..2_000 {
            let how = ["min", "max", "count", "mean", "median"][rng.random_range(0..5)];
            let comparison = ["<", "<=", ">", ">=", "==", "!="][rng.random_range(0..6)];
            let expect = format!("{how} {comparison} {}", rng.random_range(0..6));
            let words: Expectation = expect.parse().unwrap();
            let sample = |open: bool, value: u32| if open { AtLeast(value.into()) } else { Exact(value.into()) };
            // At most two had not ended, so that every pair of ends can be tried.
            let open = rng.random_range(0..3);
            let samples: Vec<Sample> = (0..rng.random_range(1..5)).map(|place| sample(place < open, rng.random_range(0..5))).collect();
            let ends = |sample: Option<&Sample>| match sample {
                Some(AtLeast(value)) => (0..40).map(|half| value + f64::from(half) / 2.0).chain([1e12]).collect(),
                Some(Exact(value)) => vec![*value],
                None => vec![],
            };
            let rest: Vec<f64> = samples.iter().skip(2).map(|sample| sample.value()).collect();
            let mut kept = Vec::new();
            for one in ends(samples.first()) {
                let others = ends(samples.get(1));
                let pairs = if others.is_empty() { vec![vec![one]] } else { others.into_iter().map(|other| vec![one, other]).collect() };
                kept.extend(pairs.into_iter().map(|pair| keeps(&words, &[pair, rest.clone()].concat())));
            }
            let wanted = match (kept.contains(&true), kept.contains(&false)) {
                (true, false) => Verdict::Pass,
                (false, true) => Verdict::Fail,
                _ => Verdict::Inconclusive,
            };
            assert_eq!(verdict(&expect, &samples), wanted, "{expect} of {samples:?}");
            seen[[Verdict::Pass, Verdict::Fail, Verdict::Inconclusive].iter().position(|one| *one == wanted).unwrap()] += 1;
        }
        assert!(seen.iter().all(|often| *often > 200), "{seen:?}");
    }
}
