//! Faults that meet: what one does is still there when another is over, and what one waits for holds up no other.

use redquake_reports::history::FaultState;
use redquake_reports::result::{Document, Trial, TrialStatus};

use super::common::{MS, SET, fault, run, span};
use crate::support;

/// The conclusive trial, or the last: what is told of faults is true on a busy machine too, where gaps are not.
fn told(document: &Document) -> &Trial {
    let trial = document.trials.iter().find(|trial| trial.status == TrialStatus::Conclusive);
    trial.or(document.trials.last()).expect("a trial")
}

#[test]
fn what_overlaps_on_one_node_ends_with_the_last_and_leaves_nothing() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: long, at: 500ms, for: 1s, action: pause, target: { node: redis-2 } }\n  \
                  - { name: longer, at: 1s, for: 1500ms, action: pause, target: { node: redis-2 } }\n  \
                  - { name: ahead, at: 500ms, for: 1s, by: +100s, action: clock-jump, target: { node: redis-1 } }\n  \
                  - { name: further, at: 1s, for: 1s, by: +1000s, action: clock-jump, target: { node: redis-1 } }\n  \
                  - { name: some, at: 500ms, for: 1s, action: config-set, target: { node: redis-1 }, set: { maxmemory: 100mb } }\n  \
                  - { name: more, at: 1s, for: 1s, action: config-set, target: { node: redis-1 }, set: { maxmemory: 200mb } }\n";
    run(&bench, "", "5s", SET, faults);
    let document = bench.document();
    let trial = told(&document);
    assert!(trial.faults.iter().all(|fault| fault.state == FaultState::RevertProved), "{:?}", trial.faults);
    let proof = |name: &str| fault(trial, name).proof.as_str();
    assert!(proof("long").contains("another pause holds redis-2"), "{}", proof("long"));
    assert!(proof("longer").contains("the process of redis-2 runs"), "{}", proof("longer"));
    // The answer takes up to a millisecond.
    let other = ["differs by +1000.0", "differs by +999.99"].iter().any(|text| proof("ahead").contains(text));
    assert!(other, "the other jump is still there: {}", proof("ahead"));
    assert!(proof("further").contains("differs by +0.0") || proof("further").contains("differs by -0.0"), "{}", proof("further"));
    assert!(proof("some").contains("maxmemory is `209715200`, as another fault set it"), "{}", proof("some"));
    assert!(proof("more").contains("maxmemory is `0` again"), "{}", proof("more"));
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn what_begins_as_another_ends_begins_after_it() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: one, at: 500ms, for: 1s, action: pause, target: { node: redis-3 } }\n  \
                  - { name: two, at: 1500ms, for: 1s, action: pause, target: { node: redis-3 } }\n  \
                  - { name: cut, at: 500ms, for: 1s, action: partition, from: { node: redis-1 }, to: { node: redis-2 } }\n  \
                  - { name: again, at: 1500ms, for: 1s, action: partition, from: { node: redis-1 }, to: { node: redis-2 } }\n";
    run(&bench, "", "5s", SET, faults);
    let document = bench.document();
    let trial = told(&document);
    assert!(trial.faults.iter().all(|fault| fault.state == FaultState::RevertProved), "{:?}", trial.faults);
    for (first, second) in [("one", "two"), ("cut", "again")] {
        let (ended, began) = (span(fault(trial, first)).1, span(fault(trial, second)).0);
        assert!(ended <= began, "{first} was over {} ns after {second} began", ended - began);
    }
}

#[test]
fn what_waits_for_a_fault_to_end_does_not_hold_up_that_end() {
    let bench = support::bench_without_docker();
    // A stopped process cannot shut down, and one that sleeps cannot say that its sleep is over.
    let faults = "  - { name: frozen, at: 500ms, for: 1500ms, action: pause, target: { node: redis-2 } }\n  \
                  - { name: again, at: 1s, stop: graceful, delay: 200ms, action: restart, target: { node: redis-2 } }\n  \
                  - { name: loop, at: 500ms, for: 1s, action: busy, target: { node: redis-3 } }\n  \
                  - { name: frozen-too, at: 1s, for: 1500ms, action: pause, target: { node: redis-3 } }\n";
    run(&bench, "", "6s", SET, faults);
    let document = bench.document();
    let trial = told(&document);
    assert!(trial.faults.iter().all(|fault| fault.state == FaultState::RevertProved), "{:?}", trial.faults);
    for name in ["frozen", "frozen-too"] {
        let (from, to) = span(fault(trial, name));
        assert!((1500 * MS..1900 * MS).contains(&(to - from)), "{name} lasted {} ms", (to - from) / MS);
    }
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_cut_on_links_that_lose_or_hold_back_packets_is_seen_to_be_gone() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: lossy, at: 500ms, for: 5s, percent: 60%, action: loss, from: { node: redis-1 }, to: { node: redis-2 } }\n  \
                  - { name: slow, at: 500ms, for: 5s, delay: 200ms, action: delay, from: { node: redis-1 }, to: { node: redis-3 } }\n  \
                  - { name: cut, at: 3s, for: 1s, action: partition, from: { node: redis-1 }, to: { role: replica } }\n";
    run(&bench, "", "9s", SET, faults);
    let document = bench.document();
    let cut = fault(told(&document), "cut");
    assert_eq!(cut.state, FaultState::RevertProved);
    assert!(cut.proof.contains("where another fault disturbs packets; the rules are gone"), "{}", cut.proof);
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_fault_that_another_one_joins_while_it_is_looked_at_is_looked_at_again() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: rain, at: 500ms, for: 4s, percent: 20%, action: loss, from: { node: redis-1 }, to: { role: replica } }\n  \
                  - { name: cut, at: 1s, for: 1s, action: partition, from: { node: redis-1 }, to: { role: replica } }\n";
    run(&bench, "", "6s", SET, faults);
    let document = bench.document();
    let trial = told(&document);
    assert!(trial.faults.iter().all(|fault| fault.state == FaultState::RevertProved), "{:?}", trial.faults);
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_limit_that_the_servers_own_traffic_fills_is_proved() {
    let bench = support::bench_without_docker();
    let load = "- { name: rows, kind: set, clients: 8, rate: 2000/s, keys: 4 }";
    let faults = "  - { name: narrow, at: 500ms, for: 3s, rate: 64kbit, action: bandwidth, target: { role: replica } }\n";
    run(&bench, "", "6s", load, faults);
    let document = bench.document();
    let narrow = fault(told(&document), "narrow");
    assert_eq!(narrow.state, FaultState::RevertProved);
    let (from, to) = span(narrow);
    assert!((3000 * MS..3400 * MS).contains(&(to - from)), "as long as it says, however many are measured: {} ms", (to - from) / MS);
}

#[test]
#[ignore = "seconds for a variant of what is tested by default: ci/test --all"]
fn a_pause_is_as_short_as_it_says() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: blink, at: 500ms, for: 100ms, action: pause, target: { node: redis-2 } }\n";
    run(&bench, "", "3s", SET, faults);
    let document = bench.document();
    let (from, to) = span(fault(told(&document), "blink"));
    assert!((100 * MS..200 * MS).contains(&(to - from)), "{} ms", (to - from) / MS);
}
