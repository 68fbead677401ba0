//! Faults of servers and clients, each on a set of its own: proved, with the effect it must have, taken back and proved to be gone.

use std::fs::File;
use std::io::BufReader;

use redquake_reports::history::{Event, FaultState, NodeRole, Op, OpKind, Outcome, Probe, ProbeKind, Reader, Why};
use redquake_reports::result::{Document, FaultOutcome, Trial, TrialStatus};

use crate::support::{self, Bench, Ended};

/// A workload whose clients hold nothing and whose writes must not vanish.
const SET: &str = "- { name: rows, kind: set, clients: 4, rate: 200/s, keys: 4 }";

/// Runs an experiment of the given length; `redis` is more of the servers' configuration, `faults` are the lines below `faults:`.
fn run(bench: &Bench, redis: &str, duration: &str, workload: &str, faults: &str) -> Ended {
    let text = format!(
        "version: 1\nname: nodes\ntopology:\n  kind: sentinel\n  config:\n    redis: {{ appendonly: \"no\"{redis} }}\n    \
         sentinel: {{ down-after-milliseconds: 1000, failover-timeout: 10000 }}\nduration: {duration}\nworkloads:\n  {workload}\n\
         faults:\n{faults}assert:\n  - {{ metric: failover.count, expect: \"count < 9\" }}\n"
    );
    let file = bench.experiment(&text);
    support::finish(&mut bench.run(&[&file, "--runtime", "process"]))
}

/// The trial that counts, whether or not a busy machine spoilt the one before it.
fn judged<'d>(document: &'d Document, ended: &Ended) -> &'d Trial {
    let trial = document.trials.iter().find(|trial| trial.status == TrialStatus::Conclusive);
    trial.unwrap_or_else(|| panic!("{}{}", ended.stdout, ended.stderr))
}

/// Everything that happened in a trial.
fn events(bench: &Bench, trial: &Trial) -> Vec<Event> {
    let file = File::open(bench.results().join(&trial.history)).expect("a history");
    Reader::open(BufReader::new(file)).expect("a history").collect::<Result<_, _>>().expect("events")
}

fn operations(events: &[Event]) -> impl Iterator<Item = &Op> {
    events.iter().filter_map(|event| if let Event::Op(op) = event { Some(op) } else { None })
}

fn fault<'t>(trial: &'t Trial, name: &str) -> &'t FaultOutcome {
    trial.faults.iter().find(|fault| fault.name == name).unwrap_or_else(|| panic!("no fault {name}: {:?}", trial.faults))
}

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

fn published<'e>(events: &'e [Event], name: &'e str) -> impl Iterator<Item = u64> + 'e {
    events.iter().filter_map(move |event| match event {
        Event::Sentinel(message) if message.event == name => Some(message.at),
        _ => None,
    })
}

/// Probe writes that a node acknowledged between two instants.
fn acknowledged(events: &[Event], node: u16, from: u64, to: u64) -> usize {
    let inside = |probe: &Probe| probe.node == node && probe.at[1] >= from && probe.at[2] <= to && probe.out == Outcome::Ok;
    events.iter().filter(|event| matches!(event, Event::Probe(probe) if probe.op == ProbeKind::Write && inside(probe))).count()
}

/// When a fault was there.
fn span(fault: &FaultOutcome) -> (u64, u64) {
    (fault.injected_at.expect("an injection"), fault.reverted_at.expect("a reversal"))
}

const MS: u64 = 1_000_000;

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
fn a_trigger_that_is_missed_or_a_target_that_matches_nobody_makes_the_trial_inconclusive_and_says_why() {
    let bench = support::bench_without_docker();
    let faults = "  - { name: never, when: event +odown, within: 1s, action: kill, target: { role: primary } }\n  \
                  - { name: nobody, at: 500ms, action: kill, target: { role: leader-sentinel } }\n  \
                  - { name: orphan, after: never + 100ms, action: kill, target: { role: primary } }\n";
    let ended = run(&bench, "", "3s", SET, faults);
    assert_eq!(ended.code, Some(3), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    let reasons = &document.trials[0].reasons;
    let told = |text: &str| reasons.iter().any(|reason| reason.contains(text));
    assert!(told("fault `never` was not injected: `event +odown` was not seen within 1.0 s"), "{reasons:?}");
    assert!(told("fault `nobody` was not injected: the target matched 0 of 1 nodes"), "{reasons:?}");
    assert!(told("fault `orphan` was not injected: the fault it follows was not injected"), "{reasons:?}");
}
