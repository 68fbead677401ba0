//! What servers do by themselves after a fault, and what only looks like a promotion, on real servers.

use redquake_reports::result::{Document, Sample, Trial, TrialStatus, Verdict};

use crate::support::{self, Ended, finish, judged};

/// One kill of the primary, watched for 15 s.
fn one_kill(down_after: u32) -> String {
    format!(
        "version: 1
name: one-kill
topology:
  kind: sentinel
  config:
    sentinel: {{ down-after-milliseconds: {down_after}, failover-timeout: 2000 }}
duration: 17s
workloads:
  - {{ name: locks, kind: lock, clients: 4, rate: 100/s, keys: 8, ttl: 3s, hold: 20ms }}
faults:
  - {{ name: crash, at: 2s, action: kill, target: {{ role: primary }} }}
assert:
  - {{ metric: failover.count, expect: \"max == 1\" }}
"
    )
}

/// Trials that proved nothing, other than because of the machine.
fn wrongly_discarded(document: &Document) -> Vec<&Vec<String>> {
    let machine = |trial: &&Trial| trial.status != TrialStatus::Conclusive && !trial.disturbed;
    document.trials.iter().filter(machine).map(|trial| &trial.reasons).collect()
}

fn value(trial: &Trial, metric: &str) -> f64 {
    trial.metrics.get(metric).unwrap_or_else(|| panic!("{metric}: {:?}", trial.metrics.keys())).value()
}

#[test]
#[ignore = "five trials of 17 s with nothing else going on: ci/test --all"]
fn a_failover_storm_at_a_short_down_after_is_counted_and_judged_and_never_discarded() {
    let bench = support::bench_alone();
    let file = bench.experiment(&one_kill(200));
    let ended = finish(&mut bench.run(&[&file, "--trials", "5", "--seed", "11", "--runtime", "process"]));
    let document = bench.document();
    assert_eq!(wrongly_discarded(&document), Vec::<&Vec<String>>::new());
    let conclusive: Vec<&Trial> = document.trials.iter().filter(|trial| trial.status == TrialStatus::Conclusive).collect();
    assert!(!conclusive.is_empty(), "{}{}", ended.stdout, ended.stderr);
    for trial in &conclusive {
        let (count, later) = (value(trial, "failover.count"), value(trial, "failover.aftershocks"));
        assert_eq!(trial.promotions.len() as f64, count, "trial {}", trial.index);
        assert_eq!(trial.promotions.iter().filter(|one| one.fault.as_deref() == Some("crash") && !one.aftershock).count(), 1);
        assert!(later >= count - 1.0, "trial {}: {count} changes, {later} aftershocks", trial.index);
    }
    let storm = conclusive.iter().any(|trial| value(trial, "failover.count") > 1.0);
    let verdict = document.assertions[0].verdict;
    assert_eq!(verdict == Verdict::Fail, storm, "{verdict:?}: {}{}", ended.stdout, ended.stderr);
    if storm {
        assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("changed"), "the first sentence tells it: {}", ended.stdout);
    }
}

#[test]
#[ignore = "three trials of 17 s with nothing else going on: ci/test --all"]
fn at_a_down_after_of_two_seconds_one_kill_is_one_change() {
    let bench = support::bench_alone();
    let file = bench.experiment(&one_kill(2000));
    let ended = finish(&mut bench.run(&[&file, "--trials", "3", "--seed", "12", "--runtime", "process"]));
    let document = bench.document();
    assert_eq!(wrongly_discarded(&document), Vec::<&Vec<String>>::new());
    let conclusive = document.trials.iter().filter(|trial| trial.status == TrialStatus::Conclusive);
    let counts: Vec<[f64; 2]> = conclusive.map(|trial| ["failover.count", "failover.aftershocks"].map(|name| value(trial, name))).collect();
    assert!(!counts.is_empty() && counts.iter().all(|count| *count == [1.0, 0.0]), "{counts:?}: {}{}", ended.stdout, ended.stderr);
}

fn in_a_cluster(text: &str) -> (Document, Ended) {
    let bench = support::bench_alone();
    let file = bench.experiment(text);
    let ended = finish(&mut bench.run(&[&file, "--seed", "13", "--runtime", "process"]));
    (bench.document(), ended)
}

#[test]
#[ignore = "ten seconds with nothing else going on: ci/test --all"]
fn a_restarted_replica_of_a_cluster_was_not_promoted() {
    let (document, ended) = in_a_cluster(
        "version: 1
name: replica-back
topology: { kind: cluster, config: { redis: { cluster-node-timeout: 2000 } } }
duration: 8s
workloads:
  - { name: locks, kind: lock, clients: 4, rate: 100/s, keys: 12, ttl: 5s, hold: 20ms }
faults:
  - { name: back, at: 2s, action: restart, target: { role: replica, shard: 1 }, delay: 500ms }
assert:
  - { metric: failover.count, expect: \"max == 0\" }
",
    );
    let trial = judged(&document);
    assert_eq!((value(trial, "failover.count"), trial.promotions.len()), (0.0, 0), "{}{}", ended.stdout, ended.stderr);
    assert!(trial.failovers.iter().all(|one| one.new_primary.is_none() && one.obstacle.is_none()), "{:?}", trial.failovers);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

#[test]
#[ignore = "fifteen seconds with nothing else going on: ci/test --all"]
fn shards_beside_one_that_is_lost_are_refused_for_coverage() {
    let (document, ended) = in_a_cluster(
        "version: 1
name: uncovered
topology: { kind: cluster, replicas_per_shard: 0, config: { redis: { cluster-node-timeout: 1000 } } }
duration: 10s
workloads:
  - { name: locks, kind: lock, clients: 4, rate: 100/s, keys: 12, ttl: 5s, hold: 20ms }
faults:
  - { name: crash, at: 2s, action: kill, target: { role: primary, shard: 1 } }
assert:
  - { metric: failover.blast_radius, expect: \"max < 1s\" }
",
    );
    let trial = judged(&document);
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    for shard in [2, 3] {
        let one = trial.failovers.iter().find(|one| one.shard == Some(shard)).expect("an outage of each shard");
        let refusal = one.refused_for_coverage.as_ref().unwrap_or_else(|| panic!("{one:?}"));
        assert_eq!((refusal.shards.as_slice(), one.fault.as_deref(), one.obstacle.as_deref()), ([1].as_slice(), Some("crash"), None));
        assert!(matches!(refusal.lasted, Sample::AtLeast(bound) if bound > 4e9), "{:?}", refusal.lasted);
        assert_eq!(one.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["coverage"]);
    }
    let lost = trial.failovers.iter().find(|one| one.shard == Some(1)).expect("the outage of the shard that was lost");
    assert_eq!(lost.obstacle.as_deref(), Some("shard 1 has no replica"));
    assert_eq!(value(trial, "failover.aftershocks"), 0.0);
}

#[test]
#[ignore = "a minute with nothing else going on: ci/test --all"]
fn sentinels_in_tilt_that_then_find_no_fit_replica_are_both_named() {
    let bench = support::bench_alone();
    let file = bench.experiment(
        "version: 1
name: tilt
topology:
  kind: sentinel
  config: { sentinel: { down-after-milliseconds: 1000, failover-timeout: 5000 } }
duration: 50s
workloads:
  - { name: locks, kind: lock, clients: 4, rate: 100/s, keys: 16, ttl: 2m, hold: 50ms }
faults:
  - { name: stall, at: 3s, for: 3s, action: pause, target: { role: sentinel } }
  - { name: crash, at: 8s, action: kill, target: { role: primary } }
assert:
  - { metric: failover.count, expect: \"count == 0\" }
",
    );
    let ended = finish(&mut bench.run(&[&file, "--seed", "14", "--runtime", "process"]));
    let document = bench.document();
    let trial = judged(&document);
    assert_eq!(value(trial, "failover.count"), 0.0, "{}{}", ended.stdout, ended.stderr);
    let why = trial.failovers.iter().find_map(|one| one.obstacle.as_deref()).expect("a reason");
    for wanted in [
        "were in TILT from T+",
        "-failover-abort-no-good-slave",
        "redis-2: its link to the primary had been down for",
        "longer than the limit",
    ] {
        assert!(why.contains(wanted), "{wanted}: {why}");
    }
    assert!(ended.stdout.contains("no replica was promoted"), "{}", ended.stdout);
}
