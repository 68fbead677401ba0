//! Faults meet the servers' timers in every phase, and the figures are those of all phases.

use redquake_reports::history::Reader;
use redquake_reports::result::{Document, TrialStatus};

use crate::support::{self, Bench, finish};

const SECOND: u64 = 1_000_000_000;
/// How late a wait or an injection may be on a machine that does something else.
const LATE: u64 = 200_000_000;

/// The phase the plan in the history of a trial asks for.
fn planned(bench: &Bench, history: &str, index: u32) -> u64 {
    let file = std::fs::File::open(bench.results().join(history)).expect("a history");
    let reader = Reader::open(std::io::BufReader::new(file)).expect("a history");
    reader.header().plan.trials.iter().find(|trial| trial.index == index).expect("the trial in its own plan").phase
}

#[test]
fn every_trial_begins_at_its_own_phase_and_its_fault_at_the_planned_time() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(&support::quick("max < 5s"));
    let ended = finish(&mut bench.run(&[&file, "--trials", "4", "--jobs", "2", "--seed", "7", "--runtime", "process"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    assert_eq!(document.experiment["jitter"], "1s", "what is not written is recorded");
    let mut phases = Vec::new();
    for trial in &document.trials {
        let (planned, found) = (planned(&bench, &trial.history, trial.index), trial.phase.expect("a phase"));
        // It waits for its phase and is never early.
        let late = (found + SECOND - planned) % SECOND;
        assert!(late < LATE, "trial {}: {found} instead of {planned}", trial.index);
        let fault = &trial.faults[0];
        let injected = fault.injected_at.expect("injected") - trial.zero;
        assert!((SECOND / 2..SECOND / 2 + LATE).contains(&injected), "trial {}: {injected}", trial.index);
        if trial.repeats.is_none() {
            phases.push(planned);
        }
    }
    phases.sort_unstable();
    // Four phases a golden section apart: no two are nearer than 0.14 of the second.
    assert!(phases.len() == 4 && phases.windows(2).all(|pair| pair[1] - pair[0] > SECOND / 8), "{phases:?}");
}

#[test]
fn without_a_jitter_nothing_is_waited_for() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(&support::quick("max < 5s").replace("duration: 4s", "duration: 4s\njitter: 0s"));
    let ended = finish(&mut bench.run(&[&file, "--seed", "7", "--runtime", "process"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let trial = support::judged(&bench.document()).clone();
    assert_eq!((planned(&bench, &trial.history, trial.index), trial.phase), (0, None));
}

/// A primary without its replicas for 3.5 s, then dead: with `min-replicas-to-write` it stops to write at a whole number of the servers'
/// seconds, whenever it was cut off.
fn cut_and_killed(jitter: &str, at: [u32; 2]) -> String {
    let [cut, kill] = at;
    format!(
        "version: 1
name: cut-and-killed
topology:
  kind: sentinel
  config:
    redis: {{ appendonly: \"no\", save: \"\", min-replicas-max-lag: 1, min-replicas-to-write: 1 }}
    sentinel: {{ down-after-milliseconds: 1000, failover-timeout: 10000 }}
duration: 14s
jitter: {jitter}
workloads:
  - {{ name: locks, kind: lock, clients: 16, rate: 100/s, keys: 64, ttl: 8s, hold: 4s }}
faults:
  - {{ name: lag, at: {cut}ms, for: 5s, action: partition, from: {{ role: primary }}, to: {{ role: replica }} }}
  - {{ name: crash, at: {kill}ms, action: kill, target: {{ role: primary }} }}
assert:
  - {{ metric: failover.count, expect: \"min >= 1\" }}
"
    )
}

fn measured(text: &str, trials: &str) -> Document {
    let bench = support::bench_alone();
    let file = bench.experiment(text);
    let ended = finish(&mut bench.run(&[&file, "--trials", trials, "--jobs", "2", "--seed", "42", "--runtime", "process"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    assert!(document.trials.iter().filter(|trial| trial.status == TrialStatus::Conclusive).count() >= 10, "{}", ended.stdout);
    document
}

#[test]
#[ignore = "four runs of 12 trials: ci/test --all"]
fn when_in_the_file_a_cut_stands_moves_the_figures_of_one_phase_and_not_those_of_all() {
    let gap = |jitter: &str, at: [u32; 2]| measured(&cut_and_killed(jitter, at), "12").metrics["failover.write_gap"].clone();
    let times = [[2_000, 5_500], [2_750, 6_250]];
    let [early, late] = times.map(|at| gap("0s", at).median.value());
    assert!((late - early).abs() > 0.4e9, "0.75 s in the phase move the median of one phase: {early} {late}");

    let [one, other] = times.map(|at| gap("1s", at).median_interval.expect("an interval"));
    assert!(one.low <= other.high && other.low <= one.high, "the intervals of all phases meet: {one:?} {other:?}");
}

/// A frozen primary closes no connection: it is held for down once a `PING` of once a second has waited for long enough.
const FREEZE: &str = "version: 1
name: freeze
topology:
  kind: sentinel
  config:
    sentinel: { down-after-milliseconds: 1000, failover-timeout: 10000 }
duration: 6s
workloads:
  - { name: locks, kind: lock, clients: 4, rate: 100/s, keys: 8, ttl: 3s, hold: 20ms }
faults:
  - { name: freeze, at: 500ms, for: 4500ms, action: pause, target: { role: primary } }
assert:
  - { metric: failover.count, expect: \"min >= 1\" }
";

#[test]
#[ignore = "a run of 24 trials: ci/test --all"]
fn that_the_gap_of_a_freeze_depends_on_the_phase_is_told() {
    let document = measured(FREEZE, "24");
    let gap = &document.metrics["failover.write_gap"];
    let told = gap.phase.unwrap_or_else(|| panic!("it depends on the phase: {:?}", gap.samples));
    // The freeze meets the second between two PINGs anywhere; three Sentinels and their ticks blur the ends.
    assert!((0.4e9..1.1e9).contains(&(told.high - told.low)), "{told:?}");
}
