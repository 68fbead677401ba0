//! Experiments unlike the shipped ones: what they mean must be told as truly.

use crate::support::{self, Bench, Ended};

/// Runs an experiment of the given length with a lock workload; `rest` is what comes after the workloads.
fn run(bench: &Bench, redis: &str, duration: &str, rest: &str) -> Ended {
    let text = format!(
        "version: 1\nname: other\ntopology:\n  kind: sentinel\n  config:\n    redis: {{ appendonly: \"no\"{redis} }}\n    \
         sentinel: {{ down-after-milliseconds: 1000, failover-timeout: 10000 }}\nduration: {duration}\nworkloads:\n  \
         - {{ name: locks, kind: lock, clients: 8, rate: 200/s, keys: 16, ttl: 3s, hold: 50ms }}\n{rest}"
    );
    let file = bench.experiment(&text);
    support::finish(&mut bench.run(&[&file, "--runtime", "process"]))
}

#[test]
fn a_healthy_set_has_a_gap_to_judge() {
    let bench = support::bench_without_docker();
    let ended = run(&bench, "", "3s", "assert:\n  - { metric: failover.write_gap, expect: \"max < 250ms\" }\n");
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    // Where the tool itself was late in that pause, the sentence says so.
    let told = ["Writes were never down: the longest time without one was", "Writes were never down (longest pause of the probes"];
    assert!(told.iter().any(|text| ended.stdout.contains(text)), "{}", ended.stdout);
    assert!(support::judged(&bench.document()).failovers.is_empty());
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn partitions_that_overlap_are_proved_and_proved_to_be_gone() {
    let bench = support::bench_without_docker();
    let faults = "faults:\n  \
         - { name: all, at: 500ms, for: 2s, action: partition, from: { role: primary }, to: { role: replica } }\n  \
         - { name: one, at: 1500ms, for: 2s, action: partition, from: { node: redis-1 }, to: { node: redis-2 } }\n  \
         - { name: other-side, at: 1600ms, for: 1s, action: partition, from: { node: redis-3 }, to: { node: redis-1 } }\n\
         assert:\n  - { metric: failover.count, expect: \"count == 0\" }\n";
    let ended = run(&bench, "", "6s", faults);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn a_false_failover_is_the_doing_of_its_partition_and_shows_two_primaries() {
    let bench = support::bench_without_docker();
    let faults = "faults:\n  \
         - { name: split, at: 500ms, for: 4s, action: partition, from: { role: primary }, to: { role: sentinel } }\n\
         assert:\n  - { metric: failover.count, expect: \"count == 1\" }\n  \
         - { metric: failover.split_brain, expect: \"max > 2s\" }\n";
    let ended = run(&bench, "", "6s", faults);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    let trial = support::judged(&document);
    assert!(trial.remarks.iter().any(|remark| remark.contains("acknowledged writes at the same time")), "{:?}", trial.remarks);
}

#[test]
fn clients_leave_a_primary_that_lost_its_replicas_to_a_failover() {
    let bench = support::bench_without_docker();
    let faults = "faults:\n  \
         - { name: split, at: 500ms, for: 5s, action: partition, from: { role: primary }, to: { role: sentinel } }\n\
         assert:\n  - { metric: failover.client_gap, expect: \"max < 2s\" }\n  \
         - { metric: failover.split_brain, expect: \"max < 500ms\" }\n";
    let ended = run(&bench, ", min-replicas-to-write: 1, min-replicas-max-lag: 2", "7s", faults);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn each_of_two_kills_answers_for_its_own_outage() {
    let bench = support::bench_without_docker();
    let faults = "faults:\n  - { name: replica, at: 500ms, action: kill, target: { role: replica, pick: one } }\n  \
         - { name: primary, at: 1500ms, action: kill, target: { role: primary } }\n\
         assert:\n  - { metric: failover.count, expect: \"count == 1\" }\n";
    let ended = run(&bench, "", "6s", faults);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    let trial = support::judged(&document);
    let outages: Vec<_> = trial.failovers.iter().filter(|one| !one.parts.is_empty()).map(|one| one.fault.as_deref()).collect();
    assert_eq!(outages, [Some("primary")], "{:#?}", trial.failovers);
}

#[test]
fn a_directive_the_server_refuses_is_a_mistake_of_the_file_shown_in_the_servers_words() {
    let bench = support::bench_without_docker();
    let ended = run(&bench, ", appendfsync: sometimes", "3s", "assert:\n  - { metric: failover.count, expect: \"count == 0\" }\n");
    assert_eq!(ended.code, Some(2), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("redis-1 refuses `appendfsync sometimes`: argument(s) must be one of"), "{}", ended.stderr);
}
