//! Clients that die.

use redquake_reports::history::{FaultState, Op, OpKind, Outcome, Why};

use super::common::{events, fault, judged, operations, run};
use crate::support;

#[test]
fn a_client_that_dies_holding_leaves_its_lock_to_its_time_to_live() {
    let bench = support::bench_without_docker();
    let locks = "- { name: locks, kind: lock, clients: 4, rate: 40/s, keys: 1, ttl: 1500ms, hold: 100ms }";
    let ended = run(&bench, "", "5s", locks, "  - { name: death, at: 1s, action: client-crash, workload: locks }\n");
    let document = bench.document();
    let trial = judged(&document, &ended);
    let death = fault(trial, "death");
    assert_eq!(death.state, FaultState::Proved, "{death:?}");
    assert!(death.proof.contains("no longer lists"), "{}", death.proof);
    let [dead] = death.targets.as_slice() else { panic!("{:?}", death.targets) };
    let dead: u16 = dead.strip_prefix("locks/").and_then(|number| number.parse().ok()).expect("a client");
    let at = death.injected_at.expect("an injection");

    let events = events(&bench, trial);
    assert!(operations(&events).all(|op| op.c != dead || op.at[1] <= at), "the dead do nothing");
    let taken: Vec<&Op> = operations(&events).filter(|op| op.op == OpKind::Acquire && op.out == Outcome::Ok).collect();
    let last = taken.iter().filter(|op| op.at[2] <= at).max_by_key(|op| op.at[2]).expect("a hold before");
    assert_eq!(last.c, dead, "the one who held the lock died");
    let next = taken.iter().filter(|op| op.at[2] > at).map(|op| op.at[2]).min().expect("a hold after");
    let free_after = (next - last.at[1]) as f64 / 1e9;
    assert!((1.499..3.0).contains(&free_after), "free again {free_after} s after it was taken for 1.5 s");
    let refused = operations(&events).filter(|op| op.why == Some(Why::Held) && op.at[1] > at && op.at[2] < next).count();
    assert!(refused > 10, "the others tried: {refused}");
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_client_that_dies_holding_a_lock_without_expiry_leaves_it_taken_for_ever() {
    let bench = support::bench_without_docker();
    let locks = "- { name: locks, kind: lock, clients: 4, rate: 40/s, keys: 1, ttl: none, hold: 100ms }";
    let ended = run(&bench, "", "4s", locks, "  - { name: death, at: 1s, action: client-crash, workload: locks }\n");
    let document = bench.document();
    let trial = judged(&document, &ended);
    let at = fault(trial, "death").injected_at.expect("an injection");
    let events = events(&bench, trial);
    assert!(!operations(&events).any(|op| op.op == OpKind::Acquire && op.out == Outcome::Ok && op.at[2] > at), "nobody ever got it");
    assert_eq!(trial.workloads[0].locks.as_ref().map(|locks| locks.stuck), Some(1));
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn clients_that_hold_nothing_die_too_and_the_others_go_on() {
    let bench = support::bench_without_docker();
    let brief = "  - { name: rows, kind: lock, clients: 8, rate: 40/s, keys: 500, ttl: 3s, hold: 1ms }\n";
    let ended = run(&bench, "", "4s", brief, "  - { name: death, at: 1s, action: client-crash, workload: rows, pick: 3 }\n");
    let document = bench.document();
    let trial = judged(&document, &ended);
    let death = fault(trial, "death");
    assert_eq!((death.state, death.targets.len()), (FaultState::Proved, 3), "{death:?}");
    let later: Vec<u16> = operations(&events(&bench, trial)).filter(|op| Some(op.at[1]) > death.injected_at).map(|op| op.c).collect();
    assert!(!later.is_empty() && later.iter().all(|client| !death.targets.contains(&format!("rows/{client}"))), "{:?}", death.targets);
}
