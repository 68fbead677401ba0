//! Whole trials, from forged histories.

use std::collections::BTreeSet;

use redquake_experiments::spec::metrics;
use redquake_reports::analysis::{analyze, analyze_events};
use redquake_reports::history::{
    Event, FaultEvent, FaultState, Header, NodeRole, Note, NoteKind, Op, OpKind, Outcome, Reader, RoleSample, Stall, Why,
};
use redquake_reports::result::{AnomalyKind, Sample, Trial, TrialStatus};
use redquake_reports::testing::{FailoverParams, failover_history, stored, trial};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

/// A lag that makes the new primary forget what was acknowledged last, with locks held long enough to notice.
fn forgetful() -> FailoverParams {
    FailoverParams { lag: 400 * MS, hold: 4 * S, ttl: 10 * S, keys: 400, duration: 20 * S, ..FailoverParams::default() }
}

fn header(events: &[Event]) -> &Header {
    let Some(Event::Header(header)) = events.first() else { panic!("the first event is the header") };
    header
}

fn analysed(events: &[Event]) -> Trial {
    analyze_events(header(events), events)
}

fn length(trial: &Trial, metric: &str) -> f64 {
    match trial.metrics[metric] {
        Sample::Exact(value) => value,
        Sample::AtLeast(value) => panic!("{metric} is only known to be at least {value}"),
    }
}

/// The default history without its fault, as if nothing had happened to the primary.
fn quiet() -> Vec<Event> {
    let params = FailoverParams { kill_at: 60 * S, ..FailoverParams::default() };
    let mut events = failover_history(&params);
    events.retain(|event| !matches!(event, Event::Fault(_)));
    let Some(Event::Header(header)) = events.first_mut() else { panic!() };
    header.plan.faults.clear();
    events
}

fn with(mut events: Vec<Event>, more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let end = events.pop();
    events.extend(more);
    events.extend(end);
    events
}

#[test]
fn a_killed_primary_is_told_with_its_gap_and_its_parts() {
    let params = FailoverParams::default();
    let trial = trial(&params);
    assert_eq!((trial.status, &trial.reasons), (TrialStatus::Conclusive, &vec![]));
    let [failover] = trial.failovers.as_slice() else { panic!("{:#?}", trial.failovers) };
    assert_eq!(failover.fault.as_deref(), Some("crash"));
    assert_eq!((failover.old_primary.as_deref(), failover.new_primary.as_deref()), (Some("redis-1"), Some("redis-2")));
    let names: Vec<&str> = failover.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["detection", "agreement", "election", "promotion", "announcement", "rediscovery"]);
    // The forged times: +odown within 100 to 160 ms after down-after, writable 200 to 300 ms later.
    let gap = length(&trial, "failover.write_gap");
    assert!((1.3e9..1.5e9).contains(&gap), "{gap}");
    assert!(length(&trial, "failover.client_gap") > gap + 0.7e9);
    assert_eq!(length(&trial, "failover.count"), 1.0);
    assert!(length(&trial, "failover.read_gap") > 1.2e9, "reads of replicas do not count");
}

#[test]
fn the_parts_add_up_to_the_gaps() {
    let trial = trial(&FailoverParams::default());
    let failover = &trial.failovers[0];
    let sum = |names: &[&str]| names.iter().map(|name| length(&trial, &format!("failover.{name}"))).sum::<f64>();
    let server = ["detection", "agreement", "election", "promotion"];
    assert_eq!(sum(&server), failover.write_gap.as_ref().unwrap().length.value());
    let client = sum(&server) + sum(&["announcement", "rediscovery"]);
    assert_eq!(client, failover.client_gap.as_ref().unwrap().length.value());
    assert_eq!(length(&trial, "failover.library_cost"), sum(&["announcement", "rediscovery"]));
}

#[test]
fn locks_that_never_reached_the_replica_are_lost_and_the_same_trial_without_the_loss_is_clean() {
    let lossy = trial(&forgetful());
    let locks = lossy.workloads[0].locks.as_ref().unwrap();
    assert!(locks.lost > 0 && locks.double_acquired > 0, "{locks:?}");
    assert_eq!(lossy.anomalies_total, locks.lost + locks.double_acquired + locks.ttl_overrun + locks.stuck);
    assert_eq!(lossy.possible_total, locks.possible);
    assert!(lossy.anomalies.iter().all(|one| one.kind != AnomalyKind::PossibleDouble));
    assert!(lossy.possible.iter().all(|one| one.kind == AnomalyKind::PossibleDouble));
    let clean = trial(&FailoverParams { lag: 0, ..forgetful() });
    let locks = clean.workloads[0].locks.as_ref().unwrap();
    assert_eq!((locks.lost, locks.double_acquired, locks.stuck), (0, 0, 0));
}

#[test]
fn a_gap_that_never_closes_is_a_lower_bound() {
    let trial = trial(&FailoverParams { recovers: false, ..FailoverParams::default() });
    assert_eq!(trial.status, TrialStatus::Conclusive, "that nothing comes back is a result: {:?}", trial.reasons);
    let Sample::AtLeast(bound) = trial.metrics["failover.write_gap"] else { panic!("{:?}", trial.metrics) };
    assert!((bound - 10e9).abs() < 0.05e9, "from the kill to the end of the trial: {bound}");
    assert!(matches!(trial.metrics["failover.client_gap"], Sample::AtLeast(_)));
    assert!(matches!(trial.metrics["failover.election"], Sample::AtLeast(_)), "the part under way");
    assert!(!trial.metrics.contains_key("failover.library_cost"), "both still wait");
    assert_eq!(trial.failovers[0].parts.last().unwrap().ended_by, "nothing: +elected-leader was not seen before the trial ended");
    assert_eq!(length(&trial, "failover.count"), 0.0);
}

#[test]
fn a_healthy_set_has_gaps_of_almost_nothing_and_no_outage() {
    let trial = analysed(&quiet());
    assert_eq!((trial.status, &trial.reasons), (TrialStatus::Conclusive, &vec![]));
    for metric in ["failover.write_gap", "failover.read_gap", "failover.client_gap"] {
        assert!(length(&trial, metric) < 0.25e9, "{metric}: {:?}", trial.metrics[metric]);
    }
    assert_eq!(length(&trial, "failover.count"), 0.0);
    assert!(trial.failovers.is_empty(), "{:#?}", trial.failovers);
}

#[test]
fn failed_attempts_are_told_apart_and_still_add_up() {
    let trial = trial(&FailoverParams { failed_attempts: 2, failover_timeout: S, ..FailoverParams::default() });
    let failover = &trial.failovers[0];
    let retry = failover.parts.iter().find(|part| part.name == "retry").unwrap();
    assert_eq!(retry.to - retry.from, 4 * S, "twice the failover timeout, twice");
    assert!(retry.ended_by.contains("again after 2 failed attempts (sentinel-1 said -failover-abort-not-elected"), "{}", retry.ended_by);
    let sum: u64 = failover.parts.iter().map(|part| part.to - part.from).sum();
    assert_eq!(sum as f64, failover.client_gap.as_ref().unwrap().length.value());
    assert!(trial.remarks.iter().any(|remark| remark.contains("failed attempt")));
}

#[test]
fn the_death_of_a_replica_is_no_outage() {
    let mut events = quiet();
    let params = FailoverParams::default();
    let step = |at, state| {
        Event::Fault(FaultEvent { at: params.zero + at, fault: 0, state, targets: vec!["redis-3".to_owned()], detail: String::new() })
    };
    let Some(Event::Header(header)) = events.first_mut() else { panic!() };
    header.plan.faults = redquake_reports::testing::plan(&params).faults;
    let trial = analysed(&with(events, [step(5 * S, FaultState::Injected), step(5 * S + 4 * MS, FaultState::Proved)]));
    assert_eq!((trial.status, &trial.reasons), (TrialStatus::Conclusive, &vec![]));
    assert!(length(&trial, "failover.write_gap") < 20e6, "the longest ordinary interval between probe writes");
    assert_eq!(length(&trial, "failover.count"), 0.0);
    assert!(trial.failovers[0].parts.is_empty() && trial.failovers[0].new_primary.is_none());
}

#[test]
fn of_two_faults_at_one_instant_only_the_one_that_caused_the_outage_answers_for_it() {
    let params = FailoverParams::default();
    let mut events = failover_history(&params);
    let Some(Event::Header(header)) = events.first_mut() else { panic!() };
    let another = header.plan.faults[0].clone();
    header.plan.faults.push(another);
    let at = params.zero + params.kill_at + MS;
    let step = |state| Event::Fault(FaultEvent { at, fault: 1, state, targets: vec!["sentinel-3".to_owned()], detail: String::new() });
    let trial = analysed(&with(events, [step(FaultState::Injected), step(FaultState::Proved)]));
    let [first, second] = trial.failovers.as_slice() else { panic!("{:#?}", trial.failovers) };
    let cost = length(&trial, "failover.client_gap") - length(&trial, "failover.write_gap");
    assert_eq!(length(&trial, "failover.library_cost"), cost, "{first:#?}");
    assert!(second.client_gap.as_ref().is_none_or(|gap| gap.length.value() < 0.25e9), "{second:#?}");
    assert!(second.read_gap.as_ref().is_none_or(|gap| gap.length.value() < 0.25e9), "{second:#?}");
}

#[test]
fn a_fault_that_stopped_nothing_lends_its_cost_to_no_outage() {
    let params = FailoverParams { recovers: false, ..FailoverParams::default() };
    let mut events = failover_history(&params);
    let Some(Event::Header(header)) = events.first_mut() else { panic!() };
    let another = header.plan.faults[0].clone();
    header.plan.faults.push(another);
    let step = |state| {
        let (at, targets) = (params.zero + S, vec!["redis-3".to_owned()]);
        Event::Fault(FaultEvent { at, fault: 1, state, targets, detail: String::new() })
    };
    let trial = analysed(&with(events, [step(FaultState::Injected), step(FaultState::Proved)]));
    assert_eq!(trial.failovers.len(), 2);
    assert!(!trial.metrics.contains_key("failover.library_cost"), "clients and servers still wait: {:?}", trial.metrics);
}

#[test]
fn a_failover_without_any_fault_is_a_result_and_is_told_as_the_servers_own_doing() {
    let mut events = failover_history(&FailoverParams::default());
    events.retain(|event| !matches!(event, Event::Fault(_)));
    let Some(Event::Header(header)) = events.first_mut() else { panic!() };
    header.plan.faults.clear();
    let trial = analysed(&events);
    assert_eq!((trial.status, &trial.reasons), (TrialStatus::Conclusive, &vec![]));
    let told = trial.remarks.iter().find(|remark| remark.starts_with("the servers did this by themselves: ")).expect("a remark");
    assert!(told.contains("redis-2 became primary at T+6.") && told.contains("By then nothing was injected"), "{told}");
    assert!(trial.failovers[0].fault.is_none() && !trial.failovers[0].aftershock);
    assert_eq!((length(&trial, "failover.count"), length(&trial, "failover.aftershocks")), (1.0, 0.0));
    assert!(length(&trial, "failover.write_gap") > 1e9, "what users felt is a result of the configuration");
    // What the tool saw late may be the machine's doing.
    let gap = trial.failovers[0].write_gap.clone().unwrap();
    let late = Event::Stall(Stall { at: gap.from + 10 * MS, late: 60 * MS, place: "probes".to_owned() });
    assert_eq!(analysed(&with(events, [late])).status, TrialStatus::Inconclusive);
}

#[test]
fn a_quiet_trial_has_no_outage_and_every_metric_of_its_workload() {
    let trial = analysed(&quiet());
    assert_eq!((trial.status, trial.failovers.len(), trial.anomalies_total), (TrialStatus::Conclusive, 0, 0));
    assert_eq!(length(&trial, "locks.error_rate"), 0.0);
    assert!((length(&trial, "locks.ok_rate") - 200.0).abs() < 200.0);
}

#[test]
fn clients_that_seldom_try_are_said_to_see_a_gap_coarsely() {
    let coarse = |trial: &Trial| trial.remarks.iter().any(|remark| remark.contains("`locks` are 500 ms apart"));
    assert!(coarse(&trial(&FailoverParams { rate: 2, ..FailoverParams::default() })));
    assert!(!coarse(&trial(&FailoverParams::default())));
}

#[test]
fn a_trial_that_cannot_be_trusted_says_why() {
    let zero = FailoverParams::default().zero;
    let note = |kind, text: &str| Event::Note(Note { at: zero, kind, text: text.to_owned() });
    let stall = |at, late| Event::Stall(Stall { at, late, place: "probes".to_owned() });
    let cases = [
        (vec![note(NoteKind::NotSteady, "a replica never linked")], TrialStatus::Inconclusive, "the steady state was not reached"),
        (vec![note(NoteKind::Interrupted, "SIGINT")], TrialStatus::Inconclusive, "SIGINT"),
        (vec![note(NoteKind::Environment, "the engine is gone")], TrialStatus::Error, "the engine is gone"),
        (vec![stall(zero + S, 300 * MS)], TrialStatus::Inconclusive, "held up the tool's loop for probes by 300 ms at T+1.000 s"),
        (vec![stall(zero + 5010 * MS, 60 * MS)], TrialStatus::Inconclusive, "just when an outage began or ended"),
        (vec![stall(zero + S, 30 * MS), note(NoteKind::NotRecovered, "a replica")], TrialStatus::Conclusive, ""),
    ];
    for (more, status, reason) in cases {
        let trial = analysed(&with(failover_history(&FailoverParams::default()), more.clone()));
        assert_eq!(trial.status, status, "{more:?}: {:?}", trial.reasons);
        assert!(trial.reasons.first().map_or("", String::as_str).contains(reason), "{:?}", trial.reasons);
    }
}

#[test]
fn a_fault_that_did_not_bite_makes_the_trial_inconclusive() {
    let mut events = failover_history(&FailoverParams::default());
    for event in &mut events {
        if let Event::Fault(step) = event
            && step.state == FaultState::Proved
        {
            step.state = FaultState::Unproved;
        }
    }
    let trial = analysed(&events);
    assert_eq!(trial.status, TrialStatus::Inconclusive);
    assert!(trial.reasons[0].starts_with("fault `crash` was not verified: "), "{:?}", trial.reasons);
}

#[test]
fn probes_that_were_cut_off_from_a_working_server_prove_nothing() {
    let mut events = failover_history(&FailoverParams { kill_at: 60 * S, ..FailoverParams::default() });
    let zero = FailoverParams::default().zero;
    events.retain(|event| match event {
        Event::Probe(probe) => !(zero + 5 * S..zero + 7 * S).contains(&probe.at[0]),
        Event::Fault(_) | Event::End(_) => false,
        _ => true,
    });
    let trial = analysed(&events);
    assert!(trial.reasons.iter().any(|reason| reason.contains("the probes were cut off, not the servers")), "{:?}", trial.reasons);
}

#[test]
fn a_server_that_answers_reads_while_it_takes_no_writes_does_not_contradict_the_probes() {
    let params = FailoverParams::default();
    let answered = |op, out, why| {
        let at = params.zero + params.kill_at + 300 * MS;
        Event::Op(Op { w: 0, c: 0, op, id: 900_000, key: 0, at: [at, at, at + MS], out, why, node: Some(0) })
    };
    let reads = [answered(OpKind::Get, Outcome::Ok, None), answered(OpKind::Acquire, Outcome::Fail, Some(Why::Held))];
    let trial = analysed(&with(failover_history(&params), reads));
    assert_eq!((trial.status, &trial.reasons), (TrialStatus::Conclusive, &vec![]));
    let trial = analysed(&with(failover_history(&params), [answered(OpKind::Acquire, Outcome::Ok, None)]));
    assert!(trial.reasons.iter().any(|reason| reason.starts_with("1 write was acknowledged to clients")), "{:?}", trial.reasons);
}

#[test]
fn a_history_cut_in_the_middle_gives_an_inconclusive_trial() {
    let bytes = stored(&failover_history(&FailoverParams::default()));
    let trial = analyze(Reader::open(&bytes[..bytes.len() * 3 / 4]).unwrap()).unwrap();
    assert_eq!(trial.status, TrialStatus::Inconclusive);
    assert!(trial.reasons[0].starts_with("the history is cut off after "), "{:?}", trial.reasons);
}

#[test]
fn a_trial_without_a_baseline_is_inconclusive_and_does_not_panic() {
    let events = failover_history(&FailoverParams::default());
    for length in [1, 2, 7, 8, 20, 500] {
        let trial = analysed(&events[..length]);
        assert_eq!(trial.status, TrialStatus::Inconclusive);
        assert!(trial.failovers.is_empty());
    }
}

#[test]
fn attempts_are_counted_by_operation_and_reason_within_the_measured_time() {
    let trial = trial(&FailoverParams::default());
    let locks = &trial.workloads[0];
    let count = |op, why| locks.reasons.iter().find(|one| (one.op, one.why) == (op, why)).map_or(0, |one| one.count);
    assert!(count(OpKind::Acquire, Why::Connect) > 100 && count(OpKind::Acquire, Why::Held) > 100);
    let failed: u64 = locks.reasons.iter().map(|one| one.count).sum();
    assert_eq!(failed, locks.fail + locks.info);
    let events = failover_history(&FailoverParams::default());
    let (zero, end) = (trial.zero, trial.end);
    let oks = events.iter().filter(|event| matches!(event, Event::Op(op) if op.out == Outcome::Ok && (zero..=end).contains(&op.at[0])));
    assert_eq!(locks.ok, oks.count() as u64);
}

#[test]
fn a_reason_that_occurs_only_in_the_outage_is_told_there() {
    let trial = trial(&FailoverParams::default());
    let gap = trial.failovers[0].client_gap.as_ref().unwrap();
    let down = gap.from - MS..gap.to.unwrap() + 100 * MS;
    let refused: Vec<_> = trial.workloads[0].reasons.iter().filter(|one| one.why == Why::Connect).collect();
    assert!(!refused.is_empty());
    assert!(
        refused.iter().all(|one| one.first <= one.last && down.contains(&one.first) && down.contains(&one.last)),
        "{refused:?} {gap:?}"
    );
    let classes = &trial.timeline.workloads[0].classes;
    let connect = classes.iter().find(|class| class.why == Why::Connect).unwrap();
    let width = trial.timeline.bucket;
    assert!(!connect.normal && connect.buckets.iter().all(|[at, _]| at + width > down.start && *at < down.end), "{connect:?}");
    let held = classes.last().unwrap();
    assert!(held.why == Why::Held && held.normal && held.buckets[0][0] < gap.from, "locks are held before the outage as well");
}

#[test]
fn the_analysis_yields_exactly_the_metrics_of_the_catalogue() {
    let mut events = failover_history(&FailoverParams::default());
    // Crashes are counted where servers were watched.
    let watched = r#"{"object":{"at":[0,1],"kind":"server","name":"redis-1","state":"running"}}"#;
    events.insert(1, serde_json::from_str(watched).unwrap());
    let catalogue: BTreeSet<String> = metrics::all(&header(&events).plan.experiment).into_iter().map(|(name, _)| name).collect();
    let yielded: BTreeSet<String> = analysed(&events).metrics.into_keys().collect();
    assert_eq!(yielded, catalogue);
}

#[test]
fn the_chart_shows_who_was_writable_when() {
    let trial = trial(&FailoverParams::default());
    let failover = &trial.failovers[0];
    let lanes = &trial.timeline.nodes;
    assert_eq!(lanes.iter().map(|lane| lane.name.as_str()).collect::<Vec<_>>(), ["redis-1", "redis-2", "redis-3"]);
    let gap = failover.write_gap.as_ref().unwrap();
    assert_eq!((lanes[0].writable.len(), lanes[1].writable.len(), lanes[2].writable.len()), (1, 1, 0));
    assert_eq!((lanes[0].writable[0][1], Some(lanes[1].writable[0][0])), (gap.from, gap.to));
    assert!(trial.timeline.sentinel.iter().any(|mark| mark.event == "+switch-master"));
}

#[test]
fn a_primary_that_goes_on_after_the_fault_is_told_with_how_long_and_one_that_dies_is_not() {
    let killed = failover_history(&FailoverParams::default());
    assert!(length(&analysed(&killed), "failover.still_acknowledged") < 10e6);
    let mut cut_off = killed.clone();
    let Some(Event::Header(header)) = cut_off.first_mut() else { panic!() };
    let cut = r#"{"action":"partition","from":{"role":"primary"},"to":{"role":"replica"}}"#;
    header.plan.faults[0].fault.action = serde_json::from_str(cut).expect("an action");
    for event in &mut cut_off {
        if let Event::Fault(step) = event {
            step.at -= 2 * S;
        }
    }
    let went_on = length(&analysed(&cut_off), "failover.still_acknowledged");
    assert!((1_990e6..2_001e6).contains(&went_on), "{went_on}");
}

/// `redis-1` says that it is a primary with a stream of one byte, near the end.
fn came_back_empty(events: &[Event]) -> Event {
    let Some(Event::End(end)) = events.last() else { panic!("the last event is the end") };
    let at = end.at - 3 * S;
    Event::Role(RoleSample {
        at: [at, at],
        node: 0,
        role: NodeRole::Primary,
        offset: 1,
        link: true,
        follows: String::new(),
        syncing: false,
        priority: None,
    })
}

#[test]
fn a_primary_that_comes_back_with_less_is_a_reset_unless_another_one_had_taken_over() {
    let resets = |events: Vec<Event>| {
        let back = came_back_empty(&events);
        length(&analysed(&with(events, [back])), "failover.data_resets")
    };
    assert_eq!(resets(quiet()), 1.0, "its replicas copy that");
    assert_eq!(resets(failover_history(&FailoverParams::default())), 0.0, "it will follow the promoted one, which has everything");
    let events = failover_history(&FailoverParams::default());
    let Event::Role(back) = came_back_empty(&events) else { panic!("a role") };
    let gone = RoleSample { node: 1, role: NodeRole::Unreachable, offset: 0, link: false, ..back };
    assert_eq!(resets(with(events, [Event::Role(gone)])), 1.0, "the promoted one is gone as well");
}

#[test]
fn a_pause_of_the_probes_tells_how_long_the_tool_itself_was_late_in_it() {
    let zero = FailoverParams::default().zero;
    let mut events = quiet();
    // Nothing is probed for 80 ms, of which the tool's own loop was late by 71 ms.
    let (from, to) = (zero + 3 * S, zero + 3 * S + 80 * MS);
    events.retain(|event| match event {
        Event::Probe(probe) => !(from..to).contains(&probe.at[0]),
        _ => true,
    });
    let late = |at: u64, late: u64| Event::Stall(Stall { at, late, place: "probes".to_owned() });
    let paused = analysed(&with(events.clone(), [late(to - 4 * MS, 71 * MS)]));
    assert_eq!(paused.status, TrialStatus::Conclusive, "{:?}", paused.reasons);
    assert!((80e6..95e6).contains(&length(&paused, "failover.write_gap")), "{:?}", paused.metrics["failover.write_gap"]);
    assert_eq!(paused.late_in_pause, Some(71 * MS));
    assert_eq!(analysed(&with(events.clone(), [late(to + S, 71 * MS)])).late_in_pause, None, "elsewhere it explains nothing");
    assert_eq!(analysed(&events).late_in_pause, None, "nobody was late");
}
