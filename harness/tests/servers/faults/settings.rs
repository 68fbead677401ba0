//! Servers that are told something: to pause, to be busy, to change a directive, to fail over, that their disk is full, that it is later.

use redquake_reports::history::{FaultState, Outcome, Why};

use super::common::{MS, SET, acknowledged, events, fault, judged, operations, run, span};
use crate::support;

#[test]
fn a_primary_that_holds_back_writes_answers_reads_and_lets_go_in_time() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: hold, at: 500ms, for: 700ms, action: clients-pause, target: { role: primary } }\n  \
                  - { name: all, at: 2500ms, for: 600ms, mode: all, action: clients-pause, target: { role: replica } }\n";
    let ended = run(&bench, "", "5s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    let hold = fault(trial, "hold");
    assert_eq!((hold.state, fault(trial, "all").state), (FaultState::RevertProved, FaultState::RevertProved));
    assert!(hold.proof.contains("held back a write for 300ms and answered a read"), "{}", hold.proof);
    let (from, to) = span(hold);
    assert_eq!(acknowledged(&events(&bench, trial), 0, from + 5 * MS, to - 5 * MS), 0, "no write was acknowledged");
    let gap = trial.failovers[0].write_gap.as_ref().expect("a gap").length.value();
    assert!((690e6..1200e6).contains(&gap), "about as long as the pause: {gap} ns");
}

#[test]
fn a_busy_server_answers_nobody_until_its_script_ends() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: loop, at: 500ms, for: 600ms, action: busy, target: { role: primary } }\n  \
                  - { name: nap, at: 2500ms, for: 500ms, how: sleep, action: busy, target: { role: replica } }\n";
    let ended = run(&bench, ", busy-reply-threshold: 100, enable-debug-command: \"yes\"", "5s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    let busy = fault(trial, "loop");
    assert_eq!((busy.state, fault(trial, "nap").state), (FaultState::RevertProved, FaultState::RevertProved));
    let (from, to) = span(busy);
    let events = events(&bench, trial);
    assert_eq!(acknowledged(&events, 0, from + 5 * MS, to - 5 * MS), 0, "no write was acknowledged");
    assert!(operations(&events).any(|op| op.why == Some(Why::Busy)), "clients were told -BUSY");
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_server_that_does_not_obey_debug_is_told_with_the_way_out() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: nap, at: 500ms, for: 500ms, how: sleep, action: busy, target: { role: replica } }\n";
    let ended = run(&bench, "", "3s", SET, faults);
    assert_eq!(ended.code, Some(3), "{}{}", ended.stdout, ended.stderr);
    assert!(bench.document().trials[0].reasons.iter().any(|reason| reason.contains("enable-debug-command: \"yes\"")), "{}", ended.stdout);
}

#[test]
fn a_directive_is_set_has_its_effect_and_has_its_former_value_again() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: small, at: 500ms, for: 1s, action: config-set, target: { role: primary }, set: { maxmemory: 1kb } }\n";
    let ended = run(&bench, "", "4s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    let small = fault(trial, "small");
    assert_eq!(small.state, FaultState::RevertProved);
    assert!(small.proof.contains("maxmemory is `1024`") && small.proof.contains("maxmemory is `0` again"), "{}", small.proof);
    let (from, to) = span(small);
    let events = events(&bench, trial);
    let full: Vec<u64> = operations(&events).filter(|op| op.why == Some(Why::Oom)).map(|op| op.at[2]).collect();
    assert!(full.len() > 50 && full.iter().all(|at| (from..to + 20 * MS).contains(at)), "{} refusals", full.len());
    assert!(operations(&events).any(|op| op.out == Outcome::Ok && op.at[1] > to), "writes are taken again");
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_directive_the_server_does_not_have_is_told_and_proves_nothing() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: odd, at: 500ms, action: config-set, target: { role: primary }, set: { no-such-thing: \"1\" } }\n";
    let ended = run(&bench, "", "3s", SET, faults);
    assert_eq!(ended.code, Some(3), "{}{}", ended.stdout, ended.stderr);
    assert!(bench.document().trials[0].reasons.iter().any(|reason| reason.contains("no directive `no-such-thing`")), "{}", ended.stdout);
}

#[test]
fn an_armed_sentinel_crashes_once_it_is_elected_and_is_named_in_the_end() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: armed, at: 200ms, action: sentinel-crash, point: after-election, target: { role: sentinel } }\n  \
                  - { name: crash, at: 500ms, action: kill, target: { role: primary } }\n";
    let ended = run(&bench, "", "5s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    assert_eq!((fault(trial, "armed").state, fault(trial, "crash").state), (FaultState::Proved, FaultState::Proved));
    let named = trial.remarks.iter().find(|remark| remark.contains("crashed at the point crash-after-election"));
    assert!(named.is_some_and(|remark| remark.starts_with("sentinel-")), "{:?}", trial.remarks);
    assert_eq!(trial.metrics["failover.count"].value(), 0.0, "its failover ended with it, and the next attempt takes 20 s");
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn after_one_armed_leader_the_others_can_be_spared_and_replace_the_primary() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: armed, at: 200ms, for: 3500ms, action: sentinel-crash, point: after-election, target: { role: sentinel } }\n  \
                  - { name: crash, at: 500ms, action: kill, target: { role: primary } }\n";
    let text = format!(
        "version: 1\nname: nodes\ntopology:\n  kind: sentinel\n  config:\n    redis: {{ appendonly: \"no\" }}\n    \
         sentinel: {{ down-after-milliseconds: 1000, failover-timeout: 2000 }}\nduration: 12s\nworkloads:\n  {SET}\nfaults:\n{faults}"
    );
    let ended = support::finish(&mut bench.run(&[&bench.experiment(&text), "--runtime", "process"]));
    let document = bench.document();
    let trial = judged(&document, &ended);
    let armed = fault(trial, "armed");
    assert_eq!(armed.state, FaultState::RevertProved);
    assert!(armed.proof.contains("agreed to forget it: sentinel-"), "{}", armed.proof);
    assert_eq!(trial.metrics["failover.count"].value(), 1.0, "{:?}", trial.remarks);
    assert!(trial.metrics["failover.write_gap"].value() > 4e9, "twice the failover-timeout passed first");
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_server_whose_disk_is_full_cannot_persist_and_can_again_when_there_is_room() {
    let bench = support::bench_without_docker();
    // The replicas take snapshots only, of which the tool asks for one; the primary appends what it is told.
    let faults = "  - { name: appends, at: 0s, action: config-set, target: { node: redis-1 }, set: { appendonly: \"yes\" } }\n  \
                  - { name: append, at: 1s, for: 700ms, action: disk-full, target: { node: redis-1 } }\n  \
                  - { name: snapshot, at: 1s, for: 700ms, action: disk-full, target: { node: redis-2 } }\n";
    let ended = run(&bench, "", "6s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    let (append, snapshot) = (fault(trial, "append"), fault(trial, "snapshot"));
    assert_eq!((append.state, snapshot.state), (FaultState::RevertProved, FaultState::RevertProved));
    assert!(append.proof.contains("cannot write its append-only file: `No space left on device`"), "{}", append.proof);
    assert!(snapshot.proof.contains("could not write it: `No space left on device`"), "{}", snapshot.proof);
    let (from, _) = span(append);
    let refused = operations(&events(&bench, trial)).filter(|op| op.why == Some(Why::Misconf) && op.at[1] > from).count();
    assert!(refused > 10, "the primary refuses writes it cannot persist: {refused}");
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_full_disk_shows_on_a_replica_that_is_cut_off_and_has_nothing_to_append_too() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: appends, at: 0s, action: config-set, target: { role: replica }, set: { appendonly: \"yes\" } }\n  \
                  - { name: cut, at: 1500ms, for: 4s, action: partition, from: { node: redis-2 }, to: { role: data } }\n  \
                  - { name: full, at: 2500ms, for: 2s, action: disk-full, target: { node: redis-2 } }\n";
    let ended = run(&bench, "", "8s", SET, faults);
    let document = bench.document();
    let full = fault(judged(&document, &ended), "full");
    assert_eq!(full.state, FaultState::RevertProved);
    assert!(full.proof.contains("was asked for a snapshot and could not write it"), "{}", full.proof);
    let (from, to) = span(full);
    assert!(to - from < 3000 * MS, "it is not kept for want of something to see: {} ms", (to - from) / MS);
}

#[test]
fn a_clock_that_jumps_ahead_ends_leases_early_and_is_right_again() {
    let bench = support::bench_without_docker();
    let locks = "- { name: locks, kind: lock, clients: 4, rate: 100/s, keys: 2, ttl: 3s, hold: 300ms }";
    let faults = "  - { name: jump, at: 1s, for: 1s, by: +10s, action: clock-jump, target: { role: primary } }\n";
    let ended = run(&bench, "", "4s", locks, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    let jump = fault(trial, "jump");
    assert_eq!(jump.state, FaultState::RevertProved);
    assert!(jump.proof.contains("differs by +10."), "{}", jump.proof);
    let held = trial.workloads[0].locks.as_ref().expect("locks");
    assert!(held.lost > 0, "whoever held a lock when its server lived 10 s in an instant lost it: {held:?}");
}

#[test]
fn a_planned_failover_promotes_another_node_while_clients_stay_on_the_old_one() {
    let bench = support::bench_without_docker();
    let ended = run(&bench, "", "5s", SET, "  - { name: planned, at: 500ms, action: failover }\n");
    let document = bench.document();
    let trial = judged(&document, &ended);
    let planned = fault(trial, "planned");
    assert_eq!(planned.state, FaultState::Proved);
    assert!(planned.proof.contains("says that it is the primary"), "{}", planned.proof);
    assert_eq!(trial.metrics["failover.count"].value(), 1.0);
    assert!(trial.workloads[0].set.as_ref().is_some_and(|set| set.lost > 100), "{:?}", trial.workloads[0].set);
}
