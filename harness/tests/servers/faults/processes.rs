//! Processes that end, freeze and come back, with or without their data.

use redquake_reports::history::{Event, FaultState, NodeRole, Outcome};

use super::common::{MS, SET, acknowledged, events, fault, judged, operations, run, span};
use crate::support;

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_primary_paused_for_longer_than_its_detection_comes_back_as_a_second_one() {
    let bench = support::bench_without_docker();
    let ended = run(&bench, "", "6s", SET, "  - { name: zombie, at: 500ms, for: 3s, action: pause, target: { role: primary } }\n");
    let document = bench.document();
    let trial = judged(&document, &ended);
    let zombie = fault(trial, "zombie");
    assert_eq!((zombie.state, zombie.targets.as_slice()), (FaultState::RevertProved, ["redis-1".to_owned()].as_slice()), "{zombie:?}");
    assert!(zombie.proof.contains("every thread of redis-1 stopped") && zombie.proof.contains("+PONG"), "{}", zombie.proof);
    let (from, to) = span(zombie);
    assert!(to - from >= 3_000 * MS, "{zombie:?}");
    let events = events(&bench, trial);
    assert_eq!(acknowledged(&events, 0, from + 5 * MS, to), 0, "a stopped process acknowledges nothing");
    assert_eq!(trial.metrics["failover.count"].value(), 1.0);
    assert!(trial.metrics["failover.split_brain"].value() > 1e9, "the zombie took writes: {:?}", trial.metrics["failover.split_brain"]);
}

#[test]
fn a_pause_shorter_than_the_detection_is_no_failover() {
    let bench = support::bench_without_docker();
    let ended = run(&bench, "", "4s", SET, "  - { name: nap, at: 500ms, for: 300ms, action: pause, target: { role: primary } }\n");
    let document = bench.document();
    let trial = judged(&document, &ended);
    assert_eq!(fault(trial, "nap").state, FaultState::RevertProved);
    assert_eq!(trial.metrics["failover.count"].value(), 0.0);
    let gap = trial.failovers[0].write_gap.as_ref().expect("a gap").length.value();
    assert!((290e6..900e6).contains(&gap), "about as long as the pause: {gap} ns");
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn what_is_killed_while_it_is_paused_has_nothing_to_resume_and_can_be_started_again() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: nap, at: 500ms, for: 2s, action: pause, target: { node: redis-2 } }\n  \
                  - { name: crash, at: 1500ms, action: kill, target: { node: redis-2 } }\n  \
                  - { name: up, after: crash + 1500ms, data: wipe, action: restart, target: { node: redis-2 } }\n";
    let ended = run(&bench, "", "4s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    let nap = fault(trial, "nap");
    assert_eq!((nap.state, fault(trial, "crash").state), (FaultState::RevertProved, FaultState::Proved));
    assert!(nap.proof.contains("the process of redis-2 is gone"), "{}", nap.proof);
    let up = fault(trial, "up");
    assert_eq!(up.state, FaultState::RevertProved, "{up:?}");
    assert!(up.proof.contains("redis-2 was down already"), "{}", up.proof);
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn what_is_restarted_while_it_is_paused_comes_back_unpaused() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: nap, at: 500ms, for: 2s, action: pause, target: { node: redis-2 } }\n  \
                  - { name: again, at: 1200ms, delay: 200ms, action: restart, target: { node: redis-2 } }\n";
    let ended = run(&bench, "", "4s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    assert_eq!((fault(trial, "nap").state, fault(trial, "again").state), (FaultState::RevertProved, FaultState::RevertProved));
}

#[test]
fn a_stopped_primary_shuts_down_in_good_order_and_is_replaced_without_loss() {
    let bench = support::bench_without_docker();
    let ended = run(&bench, "", "6s", SET, "  - { name: bye, at: 500ms, action: stop, target: { role: primary } }\n");
    let document = bench.document();
    let trial = judged(&document, &ended);
    let bye = fault(trial, "bye");
    assert_eq!(bye.state, FaultState::Proved);
    assert!(bye.proof.contains("of SIGTERM"), "{}", bye.proof);
    assert_eq!(trial.workloads[0].set.as_ref().map(|set| set.lost), Some(0), "it waited for its replicas");
    let log = std::fs::read_to_string(bench.results().join("trial-001/logs/redis-1.log")).expect("a log");
    assert!(log.contains("ready to exit, bye bye"), "{log}");
}

#[test]
fn a_primary_restarted_without_its_data_before_anybody_noticed_empties_its_replicas() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: quick, at: 1500ms, delay: 100ms, data: wipe, action: restart, target: { role: primary } }\n";
    let ended = run(&bench, "", "5s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    let quick = fault(trial, "quick");
    assert_eq!(quick.state, FaultState::RevertProved);
    assert!(quick.proof.contains("another run than before") && quick.proof.contains("read no data from its disk"), "{}", quick.proof);
    let set = trial.workloads[0].set.as_ref().expect("a set");
    assert_eq!(trial.metrics["failover.count"].value(), 0.0);
    let before = operations(&events(&bench, trial)).filter(|op| op.out == Outcome::Ok && Some(op.at[2]) < quick.injected_at).count() as u64;
    assert!(set.lost >= before && before > 50, "all of {before} are gone: {set:?}");
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_primary_restarted_with_its_data_has_it() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: quick, at: 1500ms, delay: 100ms, stop: graceful, action: restart, target: { role: primary } }\n";
    // A server that may snapshot does so when it is told to end.
    let ended = run(&bench, ", save: \"3600 1\"", "5s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    let quick = fault(trial, "quick");
    assert_eq!(quick.state, FaultState::RevertProved);
    assert!(quick.proof.contains("DB loaded from disk"), "{}", quick.proof);
    assert_eq!(trial.workloads[0].set.as_ref().map(|set| set.lost), Some(0));
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_node_that_flaps_is_down_and_back_each_time() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: flap, at: 500ms, every: 1s, times: 3, delay: 200ms, action: restart, target: { node: redis-3 } }\n";
    let ended = run(&bench, "", "5s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    assert_eq!(trial.faults.len(), 3);
    assert!(trial.faults.iter().all(|fault| fault.state == FaultState::RevertProved), "{:?}", trial.faults);
    let events = events(&bench, trial);
    for fault in &trial.faults {
        let (from, to) = span(fault);
        assert!((200 * MS..900 * MS).contains(&(to - from)), "{fault:?}");
        let gone = events.iter().any(|event| {
            matches!(event, Event::Role(role) if role.node == 2 && role.role == NodeRole::Unreachable && (from..=to).contains(&role.at[1]))
        });
        assert!(gone, "an observer saw it gone: {fault:?}");
    }
}
