//! A shard of a Cluster that loses its primary, on real servers.

use redquake_experiments::catalogue;
use redquake_reports::result::{Failover, Sample, Trial, TrialStatus, Verdict};

use crate::support::{self, Bench, Ended, finish};

#[test]
#[ignore = "serial trials in Docker: ci/test --all"]
fn a_shard_that_loses_its_primary_in_docker_fails_over_where_predicted_and_the_others_feel_it() {
    let Some(bench) = support::bench() else { return };
    let ended = finish(&mut bench.run(&["cluster/primary-kill", "--trials", "3", "--seed", "7", "--runtime", "docker"]));
    lie_where_predicted(&bench, &ended, 3);
}

#[test]
fn a_shard_that_loses_its_primary_without_docker_fails_over_where_predicted_and_the_others_feel_it() {
    let bench = support::bench_alone();
    let entry = catalogue::entries().find(|entry| entry.name == "cluster/primary-kill").expect("the experiment");
    let file = bench.experiment(&entry.text.replace("duration: 14s", "duration: 10s"));
    let ended = finish(&mut bench.run(&[&file, "--trials", "1", "--seed", "7", "--runtime", "process"]));
    lie_where_predicted(&bench, &ended, 1);
}

fn length(failover: &Failover) -> f64 {
    match failover.write_gap.as_ref().expect("a write gap").length {
        Sample::Exact(length) => length,
        Sample::AtLeast(length) => panic!("the gap of shard {:?} was still open after {length} ns", failover.shard),
    }
}

fn lie_where_predicted(bench: &Bench, ended: &Ended, trials: usize) {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    assert_eq!(document.verdict, Verdict::Pass);
    let predicted = &document.predictions["failover.write_gap"];
    let conclusive: Vec<&Trial> = document.trials.iter().filter(|trial| trial.status == TrialStatus::Conclusive).collect();
    assert_eq!(conclusive.len(), trials, "{:?}", document.trials.iter().map(|trial| &trial.reasons).collect::<Vec<_>>());
    for trial in conclusive {
        let failover = trial.failovers.iter().find(|failover| failover.shard == Some(2)).expect("the outage of shard 2");
        assert_eq!((failover.old_primary.as_deref(), failover.new_primary.as_deref()), (Some("redis-2"), Some("redis-5")));
        let gap = length(failover);
        assert!((predicted.low as f64..=predicted.high as f64).contains(&gap), "trial {}: {gap} outside {predicted:?}", trial.index);

        let names: Vec<&str> = failover.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names[..5], ["detection", "agreement", "delay", "election", "promotion"], "trial {}", trial.index);
        let to = failover.write_gap.as_ref().and_then(|gap| gap.to).expect("an end");
        let parts: u64 = failover.parts.iter().filter(|part| part.to <= to).map(|part| part.to - part.from).sum();
        assert_eq!(parts as f64, gap, "trial {}: the parts up to promotion add up to the gap", trial.index);
        // CLUSTER_FAILOVER_DELAY and its random part, and a tick of 100 ms to see that it is over.
        let delay = trial.metrics["failover.delay"].value();
        assert!((400e6..1_400e6).contains(&delay), "trial {}: a delay of {delay}", trial.index);
        assert!(failover.parts[3].ended_by.contains("with the votes of "), "{}", failover.parts[3].ended_by);

        // Full coverage is required: from FAIL until the promotion nobody is served.
        for shard in [1, 3] {
            let other = trial.failovers.iter().find(|failover| failover.shard == Some(shard)).expect("an outage of the others");
            assert!(length(other) < gap, "shard {shard} was out for longer than the one that lost its primary");
            assert_eq!(other.new_primary, None, "shard {shard} lost no primary");
        }
        assert_eq!(trial.metrics["shard-2.write_gap"], trial.metrics["failover.write_gap"]);
        assert_eq!(trial.metrics["failover.count"].value(), 1.0);
    }
    assert_eq!(ended.residue, Vec::<String>::new());
}

#[test]
#[ignore = "ten seconds with nothing else going on: ci/test --all"]
fn a_shard_whose_replica_may_not_stand_stays_down_and_the_assertion_fails() {
    let bench = support::bench_alone();
    let file = bench.experiment(
        "version: 1
name: nobody-stands
topology:
  kind: cluster
  config: { redis: { cluster-node-timeout: 1000, cluster-replica-no-failover: \"yes\", cluster-require-full-coverage: \"no\" } }
duration: 8s
workloads:
  - { name: locks, kind: lock, clients: 4, rate: 100/s, keys: 12, ttl: 5s, hold: 20ms }
faults:
  - { name: crash, at: 2s, action: kill, target: { role: primary, shard: 1 } }
assert:
  - { metric: shard-1.write_gap, expect: \"max < 5s\" }
  - { metric: failover.blast_radius, expect: \"max < 1s\" }
",
    );
    let ended = finish(&mut bench.run(&[&file, "--runtime", "process"]));
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    let verdicts: Vec<Verdict> = document.assertions.iter().map(|assertion| assertion.verdict).collect();
    assert_eq!(verdicts, [Verdict::Fail, Verdict::Pass], "without full coverage required the other shards feel nothing");
    let failover = &document.trials.last().expect("a trial").failovers[0];
    assert!(matches!(failover.write_gap.as_ref().expect("a gap").length, Sample::AtLeast(_)));
    assert_eq!(failover.new_primary, None);
    assert_eq!(failover.obstacle.as_deref(), Some("redis-4 did not stand for election"));
}
