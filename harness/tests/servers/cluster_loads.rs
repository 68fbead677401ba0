//! Every kind of load on a Cluster, on real servers: keys on all shards, what belongs together in one slot, a database beside it.

use redquake_reports::history::Why;
use redquake_reports::result::{Trial, Verdict};

use crate::support::{self, finish};

#[test]
fn every_kind_of_load_has_keys_on_every_shard_and_is_read_back_from_their_owners() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(
        "version: 1
name: loads
topology: { kind: cluster, config: { redis: { cluster-node-timeout: 2000 } } }
duration: 5s
workloads:
  - { name: waited, kind: lock, clients: 2, rate: 60/s, keys: 12, ttl: 5s, hold: 5ms, wait: 1 }
  - { name: routed, kind: lock, clients: 2, rate: 60/s, keys: 12, ttl: 5s, hold: 5ms, wait: 1, client: library-tuned }
  - { name: writes, kind: set, clients: 2, rate: 100/s, keys: 9 }
  - { name: counts, kind: counter, clients: 2, rate: 60/s, keys: 6, wait: 1 }
  - { name: registers, kind: register, clients: 2, rate: 60/s, keys: 6 }
  - { name: fixed, kind: fixed-window-limiter, clients: 2, rate: 60/s, subjects: 6, limit: 50, window: 1s, on_error: deny }
  - { name: sliding, kind: sliding-window-limiter, clients: 2, rate: 60/s, subjects: 6, limit: 50, window: 1s, by: multi, on_error: deny, client: library }
  - { name: asking, kind: sliding-window-limiter, clients: 2, rate: 60/s, subjects: 6, limit: 50, window: 1s, by: multi, on_error: deny }
  - { name: cache, kind: cache-aside, clients: 2, rate: 100/s, keys: 60, ttl: 1s }
  - { name: jobs, kind: payment-job, clients: 2, rate: 15/s, work: 5ms, ttl: 5s, fencing: true, wait: 1, database: postgres }
faults:
  - { name: planned, at: 1s, action: failover, target: { role: replica, shard: 2 } }
assert:
  - { metric: shard-2.writes.lost, expect: \"count == 0\" }
  - { metric: shard-2.counts.lost, expect: \"count == 0\" }
  - { metric: shard-2.registers.violations, expect: \"count == 0\" }
  - { metric: jobs.charged_twice, expect: \"count == 0\" }
",
    );
    let ended = finish(&mut bench.run(&[&file, "--runtime", "process", "--seed", "5"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    assert_eq!(document.verdict, Verdict::Pass);
    let trial = document.trials.last().expect("a trial");
    let total = |name: &str| trial.metrics.get(name).map_or(f64::NAN, |sample| sample.value());
    for metric in [
        "waited.acquired",
        "routed.acquired",
        "writes.acknowledged",
        "counts.acknowledged",
        "registers.acknowledged",
        "fixed.admitted",
        "sliding.admitted",
        "asking.admitted",
        "jobs.paid",
    ] {
        let each: Vec<f64> = (1..=3).map(|shard| total(&format!("shard-{shard}.{metric}"))).collect();
        assert!(each.iter().all(|value| *value > 0.0), "{metric}: {each:?}");
        assert_eq!(each.iter().sum::<f64>(), total(metric), "the shards are the whole of {metric}: {each:?}");
    }
    for metric in ["writes.never_read", "writes.lost", "counts.never_read", "counts.lost", "registers.never_read", "registers.violations"] {
        assert_eq!(total(metric), 0.0, "{metric}");
    }
    assert_eq!(total("cache.failed_reads"), 0.0);
    assert_eq!(with(trial, Why::Redirected), Vec::<&str>::new(), "keys of one operation lie in one slot");
    // A transaction that the demoted node discarded tells why, and its client asks for the new one.
    assert_eq!(with(trial, Why::Other), Vec::<&str>::new());
    assert!(with(trial, Why::Moved).contains(&"asking"), "{:?}", trial.workloads);
    assert!(total("asking.error_rate") < 0.1, "{}", total("asking.error_rate"));
    let page = std::fs::read_to_string(bench.results().join("report.html")).expect("report.html");
    assert!(page.contains("<th scope=\"row\"><code>writes.acknowledged</code></th>"), "the table of the shards");
    assert!(page.contains("redis-5, shard 2"), "lanes of nodes name their shard");
}

/// The workloads some operation of which ended for this reason.
fn with(trial: &Trial, why: Why) -> Vec<&str> {
    let found = trial.workloads.iter().filter(|workload| workload.reasons.iter().any(|reason| reason.why == why));
    found.map(|workload| workload.name.as_str()).collect()
}
