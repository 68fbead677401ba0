//! Locks that are prolonged, fenced, or granted by independent primaries, on real servers.

use redquake_reports::result::{AnomalyKind, Trial};

use crate::support;

const EXPERIMENT: &str = "version: 1
name: kinds
topology:
  kind: sentinel
  replicas: 1
  independent: 5
  config:
    redis: { appendonly: \"no\", save: \"\" }
    sentinel: { down-after-milliseconds: 2000, failover-timeout: 10000 }
duration: 5s
workloads:
  - { name: renewed, kind: lock, clients: 4, rate: 40/s, keys: 8, ttl: 600ms, hold: 2s, resource: true, renew: true }
  - { name: outlived, kind: lock, clients: 4, rate: 40/s, keys: 8, ttl: 600ms, hold: 2s, resource: true }
  - { name: fenced, kind: lock, clients: 4, rate: 40/s, keys: 8, ttl: 600ms, hold: 2s, fencing: refuse-older }
  - { name: redlock, kind: lock, clients: 4, rate: 40/s, keys: 8, ttl: 4s, hold: 2s, resource: true, quorum: 3, timeout: 50ms }
  - { name: endless, kind: lock, clients: 4, rate: 60/s, keys: 20, ttl: none, hold: 10ms, wait: 1 }
faults:
  - { name: one, at: 500ms, action: kill, target: { node: independent-1 } }
  - { name: amnesia, at: 2500ms, action: restart, target: { role: independent, pick: 3 }, delay: 100ms, data: wipe }
assert:
  - { metric: renewed.lost_updates, expect: \"count == 0\" }
  - { metric: outlived.lost_updates, expect: \"min > 0\" }
  - { metric: fenced.lost_updates, expect: \"count == 0\" }
  - { metric: fenced.fenced_out, expect: \"min > 0\" }
  - { metric: redlock.double_acquired, expect: \"min > 0\" }
  - { metric: endless.stuck, expect: \"count == 0\" }
";

#[test]
fn each_kind_of_lock_keeps_what_it_promises_and_no_more() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(EXPERIMENT);
    let ended = support::finish(&mut bench.run(&[&file, "--runtime", "process", "--seed", "5"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    let trial = support::judged(&document);
    let locks = |name: &str| trial.workloads.iter().find(|one| one.name == name).and_then(|one| one.locks.clone()).expect("lock counts");

    let renewed = locks("renewed");
    assert!(renewed.acquired > 8 && renewed.updates > 0, "{renewed:?}");
    assert_eq!((renewed.ttl_overrun, renewed.lost, renewed.double_acquired), (0, 0, 0), "held for three lifetimes: {renewed:?}");
    assert!(locks("outlived").ttl_overrun > 0, "{:?}", locks("outlived"));
    assert_eq!(locks("fenced").token_regressions, 0, "nothing happened to the set: {:?}", locks("fenced"));
    assert_eq!((locks("endless").possible, locks("endless").stuck), (0, 0), "`WAIT` was answered from the first lock on");
    only_forgetful_primaries_grant_twice(trial);
}

/// The death of one of five primaries did no harm; three that came back empty granted locks that were held.
fn only_forgetful_primaries_grant_twice(trial: &Trial) {
    let amnesia = trial.faults.iter().find(|fault| fault.name == "amnesia").and_then(|fault| fault.injected_at).expect("injected");
    let of_redlock: Vec<_> = trial.anomalies.iter().filter(|one| one.workload == "redlock").collect();
    let doubles: Vec<_> = of_redlock.iter().filter(|one| one.kind == AnomalyKind::DoubleAcquired).collect();
    assert!(doubles.iter().all(|one| one.text.contains("granted both")), "{:#?}", doubles[0]);
    assert!(of_redlock.iter().all(|one| one.to.is_some_and(|to| to > amnesia)), "{of_redlock:#?}");
}
