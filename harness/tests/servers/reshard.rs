//! Slots that move, on real servers, and a signal in the middle. Whole moves and those a kill cuts short are experiments of the catalogue.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use redquake_reports::history::{FaultState, Why};

use crate::support::{self, Reaped};

/// A key of shard 1, that nobody needs: it names the shard.
const MOVE: &str = "version: 1
name: move
topology: { kind: cluster, config: { redis: { cluster-node-timeout: 5000 } } }
duration: 27s
workloads:
  - { name: locks, kind: lock, clients: 4, rate: 400/s, keys: 480, ttl: 5s, hold: 20ms }
  - { name: writes, kind: set, clients: 4, rate: 400/s, keys: 480 }
faults:
  - name: move
    at: 500ms
    action: reshard
    from: { role: primary, shard-of: \"{user1000}.following\" }
    to: { role: primary, shard: 3 }
    slots: 12
    over: 24s
assert:
  - { metric: failover.open_slots, expect: \"max == 0\" }
";
/// Longest wait for a client that was sent on.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_move_that_a_signal_ends_finishes_its_slot_and_leaves_none_open() {
    let bench = support::bench_without_docker();
    let mut command = bench.run(&[&bench.experiment(MOVE), "--seed", "3", "--runtime", "process"]);
    let mut tool = Reaped(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"));
    let ledger = bench.out.path().join("latest/trial-001/ledger.ndjson");
    let began = Instant::now();
    while !std::fs::read_to_string(&ledger).is_ok_and(|text| text.contains("\"inject\"")) {
        assert!(began.elapsed() < LIMIT && tool.0.try_wait().expect("redquake").is_none(), "no slot ever began to move");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Each slot is open for 2 s: the signal comes in the second.
    std::thread::sleep(Duration::from_secs(3));
    let sent = Instant::now();
    assert!(Command::new("kill").args(["-s", "INT", &tool.0.id().to_string()]).status().expect("kill").success());
    assert_eq!(tool.0.wait().expect("redquake").code(), Some(130));
    assert!(sent.elapsed() < Duration::from_secs(15), "what was left of 24 s was not waited for");

    let text = std::fs::read_to_string(bench.results().join("trial-001/ledger.ndjson")).expect("the ledger");
    assert!(text.contains("\"revert\""), "{text}");
    let document = bench.document();
    let trial = &document.trials[0];
    let fault = &trial.faults[0];
    assert_eq!((fault.state, fault.targets.join(" ").as_str()), (FaultState::RevertProved, "redis-1 redis-3"), "{}", fault.proof);
    let moved = &trial.moves[0];
    assert_eq!((moved.planned, moved.moved, moved.open, moved.stranded_keys), (12, 2, 0, 0), "{}", fault.proof);
    assert!(moved.keys > 0 && moved.left.is_empty(), "{moved:?}");
    let key = "key `{user1000}.following` lies in slot 3443; redis-1 of shard 1 served it";
    assert!(trial.remarks.iter().any(|remark| remark.starts_with(key)), "{:?}", trial.remarks);
    // Locks come and go, so that those of an open slot are not at the source; writes to what moved are sent on for good.
    for (name, why) in [("locks", Why::Ask), ("writes", Why::Moved)] {
        let workload = trial.workloads.iter().find(|workload| workload.name == name).expect("the workload");
        assert!(workload.reasons.iter().any(|one| one.why == why), "no {why:?} of `{name}`: {:?}", workload.reasons);
    }
    assert_eq!(trial.metrics["locks.lost"].value(), 0.0);
    assert_eq!(trial.metrics["locks.double_acquired"].value(), 0.0);
}
