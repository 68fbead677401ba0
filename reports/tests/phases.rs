//! Figures that depend on the phase of the servers' timers: found where they do, and not told where they do not.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::Duration;
use redquake_reports::analysis::stats::{Sawtooth, sawtooth};
use redquake_reports::analysis::{Assembly, analyze_events, assemble};
use redquake_reports::history::{Event, PhaseName};
use redquake_reports::render::{html, summary, terminal};
use redquake_reports::result::{Document, Sample};
use redquake_reports::testing::{FailoverParams, assembly, failover_history};

const SECOND: u64 = 1_000_000_000;

/// Phases as trials have them: a golden section apart, from any first one.
fn phases(first: f64, n: usize) -> Vec<f64> {
    (0..n).map(|k| (first + 0.618_033_988_749_895 * k as f64).fract()).collect()
}

/// A number of a distribution with a long tail, as times have.
fn noise(rng: &mut ChaCha8Rng) -> f64 {
    -(1.0 - rng.random_range(0.0..1.0_f64)).ln()
}

/// What a straight rise over the window with a jump at its end gives, beside some noise.
fn rising(first: f64, n: usize, rng: &mut ChaCha8Rng) -> Vec<(f64, f64)> {
    phases(first, n).into_iter().map(|phase| (phase, 3.8 + 0.8 * (phase + 0.3).fract() + 0.02 * noise(rng))).collect()
}

/// The share of the ranks explained by a straight line with a jump back, wherever that is.
fn explained(pairs: &[(f64, f64)]) -> f64 {
    shares(pairs).into_iter().fold(f64::NEG_INFINITY, f64::max)
}

/// The share that each line explains by itself.
fn shares(pairs: &[(f64, f64)]) -> Vec<f64> {
    let n = pairs.len() as f64;
    let middle = |values: &[f64]| values.iter().sum::<f64>() / n;
    let count = |is: &dyn Fn(f64) -> bool| pairs.iter().filter(|(_, value)| is(*value)).count() as f64;
    let y: Vec<f64> = pairs.iter().map(|(_, value)| count(&|other| other < *value) + count(&|other| other == *value) / 2.0).collect();
    let all: f64 = y.iter().map(|value| (value - middle(&y)).powi(2)).sum();
    let left = pairs.iter().map(|(jump, _)| {
        let x: Vec<f64> = pairs.iter().map(|(phase, _)| if phase < jump { phase + 1.0 } else { *phase }).collect();
        let (mx, my) = (middle(&x), middle(&y));
        let slope = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / x.iter().map(|x| (x - mx).powi(2)).sum::<f64>();
        x.iter().zip(&y).map(|(x, y)| (y - my - slope * (x - mx)).powi(2)).sum::<f64>()
    });
    left.map(|left| 1.0 - left / all).collect()
}

/// Every order of some values.
fn orders(values: &[f64]) -> Vec<Vec<f64>> {
    if values.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for place in 0..values.len() {
        let mut rest = values.to_vec();
        let first = rest.remove(place);
        all.extend(orders(&rest).into_iter().map(|order| [vec![first], order].concat()));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_share_explained_is_that_of_least_squares_and_the_chance_that_of_all_orders(first in 0.0..1.0_f64, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let pairs: Vec<(f64, f64)> = phases(first, 6).into_iter().map(|phase| (phase, noise(&mut rng))).collect();
        let found = sawtooth(&pairs).expect("six different values");
        let wanted = explained(&pairs);
        prop_assert!((found.r2 - wanted).abs() < 1e-9, "{} is {wanted}", found.r2);
        let values: Vec<f64> = pairs.iter().map(|(_, value)| *value).collect();
        let every = orders(&values);
        let as_much = every.iter().filter(|order| {
            let turned: Vec<(f64, f64)> = pairs.iter().map(|(phase, _)| *phase).zip(order.iter().copied()).collect();
            explained(&turned) >= wanted * (1.0 - 1e-9)
        });
        let chance = as_much.count() as f64 / every.len() as f64;
        // Four standard errors of 2,000 draws are 0.045 at most.
        prop_assert!((found.p - chance).abs() < 0.05, "{} is {chance}", found.p);
    }

    #[test]
    fn where_the_window_begins_and_the_unit_do_not_matter(first in 0.0..1.0_f64, turn in 0.0..1.0_f64, factor in 0.1..1e9_f64, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let pairs: Vec<(f64, f64)> = phases(first, 12).into_iter().map(|phase| (phase, noise(&mut rng))).collect();
        let moved: Vec<(f64, f64)> = pairs.iter().map(|(phase, value)| ((phase + turn).fract(), value * factor)).collect();
        // Of two lines that explain as much, rounding decides.
        let mut each = shares(&pairs);
        each.sort_by(f64::total_cmp);
        prop_assume!(each[11] - each[10] > 1e-9);
        let (one, other) = (sawtooth(&pairs).unwrap(), sawtooth(&moved).unwrap());
        prop_assert!((one.r2 - other.r2).abs() < 1e-6 && (one.p - other.p).abs() < 0.05, "{one:?} {other:?}");
        prop_assert!((one.low * factor - other.low).abs() < 1e-6 * factor && (one.high * factor - other.high).abs() < 1e-6 * factor);
    }

    #[test]
    fn a_rise_with_a_jump_is_found_wherever_the_jump_is(first in 0.0..1.0_f64, n in 8..40_usize, seed: u64) {
        let pairs = rising(first, n, &mut ChaCha8Rng::seed_from_u64(seed));
        let Sawtooth { r2, p, low, high } = sawtooth(&pairs).unwrap();
        prop_assert!(p < 0.01 && r2 > 0.9, "{p} {r2}");
        // It rises by 0.8 in all, between the first of n phases and the last by a little less.
        prop_assert!((0.55..0.9).contains(&(high - low)) && low > 3.75 && high < 4.8, "{low} to {high}");
    }
}

#[test]
fn what_depends_on_nothing_is_taken_for_dependent_as_rarely_as_told() {
    const TRIES: u32 = 400;
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let alarms = (0..TRIES).filter(|_| {
        let first = rng.random_range(0.0..1.0);
        let pairs: Vec<(f64, f64)> = phases(first, 12).into_iter().map(|phase| (phase, noise(&mut rng))).collect();
        sawtooth(&pairs).is_some_and(|found| found.p <= 0.05)
    });
    // 20 are expected; the bounds are four standard errors away.
    let alarms = alarms.count();
    assert!((3..=37).contains(&alarms), "{alarms} of {TRIES}");
}

#[test]
fn a_sine_and_a_step_are_found_as_well_and_explained_as_told() {
    let of =
        |shape: fn(f64) -> f64| sawtooth(&phases(0.2, 200).into_iter().map(|phase| (phase, shape(phase))).collect::<Vec<_>>()).unwrap();
    let (sine, step) = (of(|phase| (phase * std::f64::consts::TAU).sin()), of(|phase| f64::from(u8::from(phase < 0.5))));
    assert!(sine.r2 > 0.5 && sine.p < 0.001, "{sine:?}");
    assert!((step.r2 - 0.75).abs() < 0.02 && step.p < 0.001, "{step:?}");
}

#[test]
fn a_few_values_that_another_cause_moved_hide_nothing() {
    let mut pairs = rising(0.2, 24, &mut ChaCha8Rng::seed_from_u64(1));
    for place in [3, 11, 17] {
        pairs[place].1 -= 1.0;
    }
    let found = sawtooth(&pairs).unwrap();
    assert!(found.p < 0.01 && found.high - found.low > 0.25, "{found:?}");
}

#[test]
fn phases_or_values_that_are_alike_tell_nothing() {
    assert_eq!(sawtooth(&[(0.1, 1.0), (0.5, 2.0), (0.8, 3.0)]), None, "too few");
    assert_eq!(sawtooth(&[(0.3, 1.0), (0.3, 2.0), (0.3, 3.0), (0.3, 4.0), (0.3, 9.0)]), None, "one phase");
    assert_eq!(sawtooth(&[(0.30, 1.0), (0.31, 2.0), (0.32, 3.0), (0.33, 4.0), (0.34, 9.0)]), None, "nearly one phase");
    assert_eq!(sawtooth(&[(0.1, 7.0), (0.3, 7.0), (0.5, 7.0), (0.7, 7.0), (0.9, 7.0)]), None, "one value");
}

/// A run of so many trials with phases a golden section apart.
fn run(trials: u32, window: u64) -> Assembly {
    let mut run = assembly(&FailoverParams::default(), trials);
    run.plan.experiment.jitter = Some(Duration::from_nanos(window));
    for (trial, phase) in run.trials.iter_mut().zip(phases(0.2, trials as usize)) {
        trial.phase = (window > 0).then_some((phase * window as f64) as u64);
    }
    run
}

/// The same with a write gap that rises by 0.8 s over the window, and lost locks in a part of it.
fn dependent(trials: u32) -> Document {
    let mut run = run(trials, SECOND);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for (trial, (phase, gap)) in run.trials.iter_mut().zip(rising(0.2, trials as usize, &mut rng)) {
        trial.metrics.insert("failover.write_gap".to_owned(), Sample::Exact(gap * 1e9));
        trial.metrics.insert("locks.lost".to_owned(), Sample::Exact(if phase < 0.4 { 14.0 } else { 0.0 }));
    }
    assemble(run)
}

#[test]
fn a_run_tells_which_figures_depend_on_the_phase_everywhere() {
    let document = dependent(20);
    let gap = document.metrics["failover.write_gap"].phase.expect("it depends on the phase");
    assert_eq!(gap.window, SECOND);
    assert!(gap.low > 3.75e9 && gap.high < 4.8e9 && gap.high - gap.low > 0.6e9, "{gap:?}");
    let lost = document.metrics["locks.lost"].phase.expect("so do lost locks");
    assert!(lost.low >= 0.0 && lost.high <= 14.0 && lost.high > 8.0, "{lost:?}");
    assert!(document.metrics["failover.detection"].phase.is_none(), "what is the same at all phases is not told");

    let (text, page) = (terminal::render(&document, &terminal::Options::default()), html::render(&document));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("failover.write_gap depends on the phase of the servers' timers: 3."), "{text}");
    assert!(text.contains("locks.lost depends on the phase of the servers' timers: 0 to 1"), "{text}");
    assert!(summary::render(&document).contains("depends on the phase of the servers' timers"));
    assert!(page.contains("Values by phase") && page.contains("trial 20, phase "), "the page draws the values by phase");
}

#[test]
fn too_few_trials_and_a_run_without_a_window_tell_nothing() {
    assert!(dependent(5).metrics.values().all(|metric| metric.phase.is_none()), "of five values any order is likely");
    let without = assemble(run(12, 0));
    assert!(without.metrics.values().all(|metric| metric.phase.is_none()));
    assert!(!html::render(&without).contains("Values by phase"));
}

#[test]
fn a_small_dependence_is_not_told_however_sure() {
    let mut run = run(40, SECOND);
    for (trial, phase) in run.trials.iter_mut().zip(phases(0.2, 40)) {
        trial.metrics.insert("failover.write_gap".to_owned(), Sample::Exact(4e9 + 40e6 * phase));
    }
    assert!(assemble(run).metrics["failover.write_gap"].phase.is_none());
}

#[test]
fn runs_in_which_nothing_depends_on_the_phase_rarely_say_so() {
    const RUNS: usize = 40;
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let forged = run(8, SECOND);
    let alarms = (0..RUNS).filter(|_| {
        let mut run = forged.clone();
        for trial in &mut run.trials {
            for sample in trial.metrics.values_mut() {
                *sample = Sample::Exact(1e9 * noise(&mut rng));
            }
        }
        assemble(run).metrics.values().any(|metric| metric.phase.is_some())
    });
    // 2 are expected at most; 8 are more than four standard errors above.
    let alarms = alarms.count();
    assert!(alarms <= 8, "{alarms} of {RUNS}");
}

#[test]
fn the_phase_of_a_trial_is_read_from_its_history() {
    let events = failover_history(&FailoverParams::default());
    let Some(Event::Header(header)) = events.first() else { panic!("the first event is the header") };
    let mut header = header.as_ref().clone();
    assert_eq!(analyze_events(&header, &events).phase, None, "plans from before there was a jitter have none");
    let at = |wanted: PhaseName| {
        let found = events.iter().find_map(|event| match event {
            Event::Phase(phase) if phase.name == wanted => Some(phase.at),
            _ => None,
        });
        found.expect("a phase of the trial")
    };
    let since_ready = at(PhaseName::Baseline) - at(PhaseName::Settle);
    for window in [SECOND, 7_777_777, 10 * SECOND] {
        header.plan.experiment.jitter = Some(Duration::from_nanos(window));
        assert_eq!(analyze_events(&header, &events).phase, Some(since_ready % window));
    }
}
