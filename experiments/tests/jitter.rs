//! Phases of the servers' timers: every trial has its own, all of them cover the window, and nothing else moves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proptest::prelude::*;
use redquake_experiments::plan::{self, Capabilities, DelayPath, Plan, RuntimeKind};
use redquake_experiments::spec::{self, Experiment};

const SECOND: u64 = 1_000_000_000;
const KILL: &str = "at: 4s, action: kill, target: { role: primary }";
const SEEN: &str = "when: full-sync, action: kill, target: { role: primary }";

fn experiment(jitter: Option<&str>, replicas: u32, faults: &[&str]) -> Experiment {
    let jitter = jitter.map(|jitter| format!("jitter: {jitter}\n")).unwrap_or_default();
    let faults: String = faults.iter().enumerate().map(|(index, fault)| format!("  - {{ name: f{index}, {fault} }}\n")).collect();
    let faults = if faults.is_empty() { String::new() } else { format!("faults:\n{faults}") };
    let text = format!("version: 1\nname: phases\ntopology: {{ kind: sentinel, replicas: {replicas} }}\nduration: 50s\n{jitter}{faults}");
    let loaded = spec::load("phases.yaml", text.as_bytes(), &|_| Err("nothing is read".to_owned()));
    let report = loaded.render_human(false);
    loaded.experiment.unwrap_or_else(|| panic!("{report}"))
}

fn planned(experiment: &Experiment, seed: u64, trials: u32) -> Plan {
    let capable = Capabilities {
        runtime: RuntimeKind::Process,
        enter_namespaces: Ok(()),
        drop_packets: Ok(()),
        lose_packets: Ok(()),
        delay_packets: Ok(DelayPath::Queue),
        limit_bandwidth: Ok(()),
    };
    plan::plan(experiment, seed, Some(trials), &capable).unwrap()
}

fn phases(plan: &Plan) -> Vec<u64> {
    plan.trials.iter().map(|trial| trial.phase).collect()
}

proptest! {
    #[test]
    fn phases_lie_in_the_window_and_leave_no_wide_gap(seed: u64, trials in 1..200_u32, window in 1..60_u64) {
        let plan = planned(&experiment(Some(&format!("{window}s")), 2, &[KILL]), seed, trials);
        let window = window * SECOND;
        prop_assert_eq!(plan.window(), window);
        let mut sorted = phases(&plan);
        prop_assert!(sorted.iter().all(|phase| *phase < window));
        sorted.sort_unstable();
        sorted.push(sorted[0] + window);
        let widest = sorted.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        // Perfectly even phases would be one part of the window apart.
        prop_assert!(widest as f64 <= 2.0 * window as f64 / f64::from(trials), "{widest} of {trials} in {window}");
    }

    #[test]
    fn trials_of_one_number_have_one_phase_in_all_cells_however_many_are_run(seed: u64, few in 1..20_u32, more in 1..20_u32) {
        let one = phases(&planned(&experiment(None, 2, &[KILL]), seed, few));
        let other = phases(&planned(&experiment(None, 5, &[KILL, "at: 9s, action: kill, target: { role: primary }"]), seed, few + more));
        prop_assert_eq!(&one[..], &other[..one.len()]);
    }

    #[test]
    fn a_trial_waits_for_its_phase_and_never_longer_than_the_window(seed: u64, window in 1..60_u64, since_ready in 0..100 * SECOND) {
        let plan = planned(&experiment(Some(&format!("{window}s")), 2, &[KILL]), seed, 3);
        for trial in &plan.trials {
            let wait = plan.wait(trial, since_ready);
            prop_assert!(wait < window * SECOND);
            prop_assert_eq!((since_ready + wait) % (window * SECOND), trial.phase);
        }
    }

    #[test]
    fn a_repeat_and_its_repeat_have_the_phase_of_the_trial_they_stand_for(seed: u64, trials in 1..10_u32, place: prop::sample::Index) {
        let mut plan = planned(&experiment(None, 2, &[KILL]), seed, trials);
        let first = plan.trials[place.index(plan.trials.len())];
        for repeated in [first.index, trials + 1] {
            let again = plan.next_trial(Some(repeated));
            prop_assert_eq!((again.repeats, again.phase), (Some(repeated), first.phase));
            prop_assert!(plan.trials.iter().all(|trial| trial.seed != again.seed && trial.index != again.index));
            plan.trials.push(again);
        }
    }

    #[test]
    fn the_window_moves_no_fault(seed: u64, window in 0..60_u64) {
        let faults = [KILL, SEEN, "after: f0 + 3s, action: kill, target: { role: primary }"];
        let without = planned(&experiment(Some("0s"), 2, &faults), seed, 3);
        let with = planned(&experiment(Some(&format!("{window}s")), 2, &faults), seed, 3);
        prop_assert_eq!(&with.faults, &without.faults);
        prop_assert_eq!(with.experiment.duration, without.experiment.duration);
    }
}

#[test]
fn the_first_phase_is_drawn_from_the_seed() {
    let kill = experiment(None, 2, &[KILL]);
    let mut tenths = [0; 10];
    for seed in 0..500 {
        tenths[(planned(&kill, seed, 1).trials[0].phase / (SECOND / 10)) as usize] += 1;
    }
    // 50 are expected in each; 20 and 80 are more than four standard errors away.
    assert!(tenths.iter().all(|count| (20..80).contains(count)), "{tenths:?}");
}

#[test]
fn without_a_jitter_or_a_fault_at_a_fixed_time_nothing_is_waited_for() {
    for (jitter, faults) in [(Some("0s"), &[KILL][..]), (None, &[SEEN][..]), (None, &[][..])] {
        let plan = planned(&experiment(jitter, 2, faults), 42, 3);
        assert_eq!((plan.window(), phases(&plan)), (0, vec![0; 3]));
        assert_eq!(plan.wait(&plan.trials[2], 1_234_567), 0);
        assert_eq!(plan.experiment.jitter.map(|jitter| jitter.to_string()).as_deref(), Some("0s"));
    }
}

#[test]
fn the_default_covers_a_second_and_is_told() {
    let plan = planned(&experiment(None, 2, &[KILL]), 42, 3);
    assert_eq!(plan.window(), SECOND);
    let text = plan::render(&plan);
    let told: Vec<String> = plan.trials.iter().map(|trial| format!("{:.2} s", trial.phase as f64 / 1e9)).collect();
    assert!(text.contains(&format!("{} in trials 1 to 3", told.join(", "))), "{text}");
}

#[test]
fn a_plan_from_before_there_was_a_jitter_has_no_window() {
    let mut json = serde_json::to_value(planned(&experiment(None, 2, &[KILL]), 42, 2)).unwrap();
    json["experiment"].as_object_mut().unwrap().remove("jitter");
    for trial in json["trials"].as_array_mut().unwrap() {
        trial.as_object_mut().unwrap().remove("phase");
    }
    let plan: Plan = serde_json::from_value(json).unwrap();
    assert_eq!((plan.window(), phases(&plan), plan.wait(&plan.trials[1], 77)), (0, vec![0, 0], 0));
}
