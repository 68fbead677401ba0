//! What a plan says of every action, trigger and repetition.

use redquake_experiments::plan::{self, Capabilities, DelayPath, RuntimeKind};
use redquake_experiments::spec;

const EVERYTHING: &str = "version: 1
name: everything
topology: { kind: sentinel, config: { sentinel: { down-after-milliseconds: 1000 } } }
duration: 2m
seed: 1
workloads:
  - { name: locks, kind: lock, zone: a, clients: 8, rate: 200/s, keys: 16, ttl: 3s, hold: 50ms }
  - { name: sets, kind: set, zone: [a, b], clients: 4, rate: 100/s }
faults:
  - { name: kill, at: 1s, action: kill, target: { role: primary } }
  - { name: stop, at: 2s, action: stop, target: { role: replica, pick: one } }
  - { name: restart, at: 3s, action: restart, target: { node: redis-1 }, delay: 500ms, data: wipe, config: original }
  - { name: redeploy, at: 4s, action: restart, target: { node: redis-2 }, delay: 1s, stop: graceful }
  - { name: pause, at: 5s, for: 6s, action: pause, target: { role: primary } }
  - { name: split, at: 12s, for: 2s, action: partition, from: [{ role: primary }, { zone: a }], to: { role: sentinel } }
  - { name: one-way, at: 14s, for: 2s, action: partition, from: { role: primary }, to: { zone: b }, direction: from }
  - { name: groups, at: 16s, for: 2s, action: partition, groups: [{ node: redis-1 }, [{ node: redis-2 }, { zone: b }]] }
  - { name: shape, at: 18s, for: 2s, action: partition, shape: bridge, of: { role: data } }
  - { name: anywhere, at: 20s, for: 2s, action: partition, shape: random }
  - { name: loss, at: 22s, for: 2s, action: loss, percent: 20%, from: { role: primary }, to: { role: replica } }
  - { name: delay, at: 24s, for: 2s, action: delay, delay: 50ms, jitter: 10ms, direction: to, from: { role: primary }, to: { zone: a } }
  - { name: late, at: 26s, for: 2s, action: delay, delay: 50ms, from: { role: primary }, to: { zone: a } }
  - { name: bandwidth, at: 28s, for: 2s, action: bandwidth, rate: 10mbit, direction: from, target: { role: replica, pick: 2 } }
  - { name: busy, at: 30s, for: 2s, action: busy, target: { role: primary } }
  - { name: sleep, at: 32s, for: 2s, action: busy, how: sleep, target: { role: primary } }
  - { name: clients-pause, at: 34s, for: 2s, action: clients-pause, mode: all, target: { role: primary } }
  - { name: client-crash, at: 36s, action: client-crash, workload: locks, pick: 2 }
  - { name: failover, at: 38s, action: failover }
  - { name: asked, at: 40s, action: failover, target: { node: sentinel-2 } }
  - { name: set, at: 42s, for: 2s, action: config-set, target: { role: data }, set: { save: \"\", maxmemory: 100mb } }
  - { name: sentinel-crash, at: 44s, action: sentinel-crash, point: after-promotion, target: { role: sentinel } }
  - { name: disk-full, at: 46s, for: 2s, action: disk-full, target: { role: primary } }
  - { name: clock-jump, at: 48s, action: clock-jump, by: -10s, target: { role: primary } }
  - { name: flap, at: 50s, every: 4s, times: 3, for: 2s, action: pause, target: { role: any, pick: one } }
  - { name: leader, when: event +elected-leader, within: 30s, action: kill, target: { role: leader-sentinel } }
  - { name: behind, when: replica_lag > 1MB, for: 3s, every: 5s, times: 2, action: pause, target: { role: replica } }
  - { name: then, after: leader + 1s, action: stop, target: { role: primary } }
  - { name: at-once, after: leader, action: client-crash, workload: locks }
assert:
  - { metric: failover.count, expect: \"max < 20\" }
";

#[test]
fn every_action_is_told_in_plain_words() {
    let loaded = spec::load("everything.yaml", EVERYTHING.as_bytes(), &|_| Err("nothing is read".to_owned()));
    assert!(!loaded.has_errors(), "{}", loaded.render_human(false));
    let capable = Capabilities {
        runtime: RuntimeKind::Process,
        enter_namespaces: Ok(()),
        drop_packets: Ok(()),
        lose_packets: Ok(()),
        delay_packets: Ok(DelayPath::Queue),
        limit_bandwidth: Ok(()),
    };
    let plan = plan::plan(&loaded.experiment.unwrap(), 1, None, &capable).unwrap();
    let text = plan::render(&plan);
    for fault in &plan.faults {
        let label = format!("{}: ", fault.label());
        assert!(text.contains(&label), "{label}");
        assert!(!text.contains(&format!("{label}{} of", fault.fault.action.word())), "no words for {label}");
    }
    insta::assert_snapshot!(text);
}
