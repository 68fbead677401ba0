//! Faults that wait for something, and what they resolve to.

use redquake_reports::history::FaultState;
use redquake_reports::result::{Sample, TrialStatus, Verdict};

use super::common::{MS, SET, events, fault, judged, published, run, span};
use crate::support;

#[test]
fn a_leader_is_found_by_the_event_that_follows_a_fault_and_what_follows_it_in_turn_is_on_time() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: crash, at: 500ms, action: kill, target: { role: primary } }\n  \
                  - { name: leader, when: event +elected-leader, action: kill, target: { role: leader-sentinel } }\n  \
                  - { name: later, after: leader + 300ms, for: 200ms, action: pause, target: { role: sentinel, pick: one } }\n";
    let ended = run(&bench, "", "6s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    let leader = fault(trial, "leader");
    assert_eq!(leader.state, FaultState::Proved);
    let events = events(&bench, trial);
    let elected = published(&events, "+elected-leader").next().expect("an election");
    let killed = leader.injected_at.expect("an injection");
    assert!(killed >= elected && killed - elected < 500 * MS, "{killed} after {elected}");
    assert!(leader.targets[0].starts_with("sentinel-"), "{leader:?}");
    let later = fault(trial, "later").injected_at.expect("an injection") - killed;
    assert!((300 * MS..900 * MS).contains(&later), "{later} ns after");
}

#[test]
fn a_lagging_replica_and_a_full_copy_are_seen_by_what_waits_for_them() {
    let bench = support::bench_without_docker();
    // 0.2 s a key: the copy takes long enough for an observer to see it.
    let faults = "  - { name: slow, at: 0s, action: config-set, target: { role: primary }, set: { rdb-key-save-delay: \"200000\" } }\n  \
                  - { name: cut, at: 100ms, for: 3s, action: partition, from: { node: redis-1 }, to: { node: redis-2 } }\n  \
                  - { name: behind, when: replica_lag > 96KB, data: wipe, action: restart, target: { node: redis-3 } }\n  \
                  - { name: copying, when: full-sync, for: 100ms, action: pause, target: { role: sentinel, pick: one } }\n";
    // A primary sends a new replica nothing for up to a second, in which it writes some 50 kB: less than that is no lag of the cut's.
    let ended = run(&bench, "", "6s", SET, faults);
    let document = bench.document();
    let trial = judged(&document, &ended);
    let (cut, behind, copying) = (span(fault(trial, "cut")), span(fault(trial, "behind")), span(fault(trial, "copying")).0);
    assert!(cut.0 < behind.0 && behind.0 < cut.1, "the lag came of the cut: {cut:?} {behind:?}");
    assert!(behind.1 < copying, "the copy came of the empty disk: {behind:?} {copying}");
}

#[test]
fn a_trigger_that_is_missed_or_a_target_that_matches_nobody_is_a_result_that_fails_and_says_why() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: never, when: event +odown, within: 1s, action: kill, target: { role: primary } }\n  \
                  - { name: nobody, at: 500ms, action: kill, target: { role: leader-sentinel } }\n  \
                  - { name: orphan, after: never + 100ms, action: kill, target: { role: primary } }\n";
    let ended = run(&bench, "", "3s", SET, faults);
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    let trial = &document.trials[0];
    assert_eq!((trial.status, trial.metrics["failover.missed_faults"]), (TrialStatus::Conclusive, Sample::Exact(3.0)), "{trial:?}");
    assert!(document.assertions.iter().any(|one| one.implicit && one.metric == "failover.missed_faults" && one.verdict == Verdict::Fail));
    let reasons = &trial.remarks;
    let told = |text: &str| reasons.iter().any(|reason| reason.contains(text));
    assert!(told("fault `never` was not injected: `event +odown` was not seen within 1.0 s"), "{reasons:?}");
    assert!(told("fault `nobody` was not injected: the target matched 0 of 1 nodes"), "{reasons:?}");
    assert!(told("fault `orphan` was not injected: the fault it follows was not injected"), "{reasons:?}");
}

#[test]
fn an_order_that_the_servers_refuse_is_a_result_that_fails_and_says_why() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: ordered, at: 500ms, action: failover }\n";
    // No replica may be promoted.
    let ended = run(&bench, ", replica-priority: 0", "3s", SET, faults);
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    let trial = judged(&document, &ended);
    assert_eq!((trial.metrics["failover.missed_faults"], trial.metrics["failover.count"]), (Sample::Exact(1.0), Sample::Exact(0.0)));
    assert_eq!(fault(trial, "ordered").state, FaultState::Missed);
    assert!(trial.remarks.iter().any(|remark| remark.contains("NOGOODSLAVE")), "{:?}", trial.remarks);
}
