//! What becomes of the parts of the lab, forged: crashes are judged, what something outside did is named, and what a fault did is neither.

use redquake_reports::analysis::{Assembly, assemble};
use redquake_reports::history::{
    Event, FaultEvent, FaultState, ObjectEvent, ObjectKind, ObjectState, Outcome, Probe, ProbeKind, ServerStall, Why,
};
use redquake_reports::render::terminal;
use redquake_reports::result::{Document, Environment, Sample, Source, Trial, TrialStatus, Verdict};
use redquake_reports::testing::{Story, header};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;
const ZERO: u64 = 2 * S;
const END: u64 = 12 * S;

const QUIET: &str = "topology: { kind: sentinel }\nduration: 10s\nassert:\n  - { metric: failover.write_gap, expect: \"max < 1s\" }\n";

/// Everything is watched, and `redis-1` acknowledges writes but for the time between two instants.
fn story(rest: &str, down: [u64; 2]) -> Story {
    let mut story = Story::new(header(rest), [ZERO, END]);
    for name in ["redis-1", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3"] {
        tell(&mut story, S, ObjectKind::Server, name, ObjectState::Running, |_| {});
        tell(&mut story, S, ObjectKind::Link, name, ObjectState::Running, |_| {});
    }
    tell(&mut story, S, ObjectKind::Clients, "", ObjectState::Running, |_| {});
    for at in probed() {
        let ok = at < down[0] || at > down[1];
        let (out, why) = if ok { (Outcome::Ok, None) } else { (Outcome::Fail, Some(Why::Connect)) };
        story.tell(at, Event::Probe(Probe { node: 0, op: ProbeKind::Write, at: [at; 3], out, why }));
    }
    story
}

/// When probes write.
fn probed() -> impl Iterator<Item = u64> {
    (0..).map(|number| S + number * 5 * MS).take_while(|at| *at < END)
}

fn tell(story: &mut Story, at: u64, kind: ObjectKind, name: &str, state: ObjectState, more: impl Fn(&mut ObjectEvent)) {
    let mut event = ObjectEvent {
        at: [at - 20 * MS, at],
        kind,
        name: name.to_owned(),
        state,
        signal: None,
        code: None,
        out_of_memory: false,
        how: String::new(),
        log: Vec::new(),
    };
    more(&mut event);
    story.tell(at, Event::Object(event));
}

fn server(story: &mut Story, at: u64, state: ObjectState, more: impl Fn(&mut ObjectEvent)) {
    tell(story, at, ObjectKind::Server, "redis-1", state, more);
}

fn step(story: &mut Story, at: u64, state: FaultState, detail: &str) {
    let targets = vec!["redis-1".to_owned()];
    story.tell(at, Event::Fault(FaultEvent { at, fault: 0, state, targets, detail: detail.to_owned() }));
}

fn document(rest: &str, trial: Trial) -> Document {
    let plan = header(rest).plan;
    assemble(Assembly {
        tool_version: "test".to_owned(),
        plan,
        cell: None,
        source: Source::default(),
        locations: Vec::new(),
        until: None,
        environment: Environment::default(),
        repro: String::new(),
        started_at: String::new(),
        ended_at: Some(String::new()),
        interrupted: None,
        residue: Vec::new(),
        not_begun: Vec::new(),
        not_repeated: None,
        trials: vec![trial],
    })
}

#[test]
fn a_crash_is_a_result_that_fails_a_run_which_says_nothing_of_crashes() {
    let mut story = story(QUIET, [5 * S, 5 * S + 700 * MS]);
    server(&mut story, 5 * S, ObjectState::Ended, |event| {
        event.signal = Some(11);
        event.log = vec!["1:M # Redis 7.0.15 crashed by signal: 11, si_code: 1".to_owned()];
    });
    let trial = story.analysed();
    assert_eq!((trial.status, trial.reasons.as_slice()), (TrialStatus::Conclusive, [].as_slice()));
    assert_eq!(trial.crashes.len(), 1);
    assert_eq!((trial.crashes[0].node.as_str(), trial.crashes[0].signal.as_deref()), ("redis-1", Some("SIGSEGV")));
    assert_eq!(trial.metrics["failover.crashes"], Sample::Exact(1.0));
    let gap = trial.metrics["failover.write_gap"].value();
    assert!(gap > 690e6, "the outage after a crash counts: {gap}");
    let document = document(QUIET, trial);
    assert_eq!((document.verdict, document.exit_code), (Verdict::Fail, 1));
    let last = document.assertions.last().unwrap();
    assert!(last.implicit && last.location.is_none() && last.verdict == Verdict::Fail, "{last:?}");
    let text = terminal::render(&document, &terminal::Options::default());
    assert!(text.contains("Redis-1 crashed by itself (SIGSEGV) at T+3.000 s"), "{text}");
    assert!(text.contains("failover.crashes count == 0"), "{text}");
}

#[test]
fn without_a_crash_the_run_passes_and_a_history_that_watched_nothing_claims_nothing() {
    let passed = document(QUIET, story(QUIET, [0, 0]).analysed());
    assert_eq!(passed.verdict, Verdict::Pass);
    assert_eq!(passed.assertions.len(), 2);
    assert!(terminal::render(&passed, &terminal::Options::default()).contains("The assertion holds"));
    let mut old = Story::new(header(QUIET), [ZERO, END]);
    for at in probed() {
        old.tell(at, Event::Probe(Probe { node: 0, op: ProbeKind::Write, at: [at; 3], out: Outcome::Ok, why: None }));
    }
    let old = document(QUIET, old.analysed());
    assert_eq!((old.verdict, old.assertions.len()), (Verdict::Pass, 1));
    assert!(!old.metrics.contains_key("failover.crashes"));
}

#[test]
fn a_fault_that_did_not_happen_because_of_the_servers_is_a_result_that_fails_the_run() {
    let with_fault = format!("{QUIET}faults:\n  - {{ name: kill, at: 3s, action: kill, target: {{ role: primary }} }}\n");
    let ended = |state: FaultState| {
        let mut story = story(&with_fault, [0, 0]);
        let detail = "the target matched 0 of 1 nodes wanted".to_owned();
        story.tell(5 * S, Event::Fault(FaultEvent { at: 5 * S, fault: 0, state, targets: Vec::new(), detail }));
        story.analysed()
    };
    let missed = ended(FaultState::Missed);
    assert_eq!((missed.status, missed.metrics["failover.missed_faults"]), (TrialStatus::Conclusive, Sample::Exact(1.0)));
    assert!(missed.remarks.iter().any(|remark| remark == "fault `kill` was not injected: the target matched 0 of 1 nodes wanted"));
    let document = document(&with_fault, missed);
    assert_eq!((document.verdict, document.exit_code), (Verdict::Fail, 1), "{:?}", document.reasons);
    let text = terminal::render(&document, &terminal::Options::default());
    assert!(text.contains("1 fault could not happen because of the servers"), "{text}");
    // What the tool could not do is no result.
    assert_eq!(ended(FaultState::Skipped).status, TrialStatus::Inconclusive);
}

#[test]
fn an_experiment_that_expects_crashes_is_judged_by_what_it_says() {
    let expects = QUIET.replace("failover.write_gap, expect: \"max < 1s\"", "failover.crashes, expect: \"count == 1\"");
    let mut story = story(&expects, [0, 0]);
    server(&mut story, 5 * S, ObjectState::Ended, |event| event.code = Some(1));
    let document = document(&expects, story.analysed());
    assert_eq!((document.verdict, document.assertions.len()), (Verdict::Pass, 1));
}

#[test]
fn what_something_outside_did_is_named_first_and_makes_the_trial_inconclusive() {
    let outside = |down: [u64; 2], what: fn(&mut Story)| {
        let mut story = story(QUIET, down);
        what(&mut story);
        let trial = story.analysed();
        assert_eq!((trial.status, trial.crashes.len()), (TrialStatus::Inconclusive, 0), "{:?}", trial.reasons);
        trial.reasons[0].clone()
    };
    let killed = outside([5 * S, END], |story| server(story, 5 * S, ObjectState::Ended, |event| event.signal = Some(9)));
    assert_eq!(killed, "something outside the lab killed redis-1 (SIGKILL) at T+3.000 s");
    let frozen = outside([5 * S, 5 * S + 600 * MS], |story| {
        server(story, 5 * S, ObjectState::Stopped, |_| {});
        server(story, 5 * S + 600 * MS, ObjectState::Running, |_| {});
    });
    assert_eq!(frozen, "something outside the lab froze redis-1 (SIGSTOP) for 600 ms at T+3.000 s");
    let gone = outside([5 * S, END], |story| tell(story, 5 * S, ObjectKind::Clients, "", ObjectState::Ended, |_| {}));
    assert_eq!(gone, "something outside the lab ended the place of the clients at T+3.000 s");
    let cut = outside([5 * S, END], |story| tell(story, 5 * S, ObjectKind::Link, "the clients", ObjectState::Missing, |_| {}));
    assert_eq!(cut, "something outside the lab removed the link of the clients at T+3.000 s");
    // Also where nobody felt anything.
    let unfelt = outside([0, 0], |story| tell(story, 5 * S, ObjectKind::Server, "sentinel-2", ObjectState::Missing, |_| {}));
    assert_eq!(unfelt, "something outside the lab removed the container of sentinel-2 at T+3.000 s");
}

const KILL: &str =
    "topology: { kind: sentinel }\nduration: 10s\nfaults:\n  - { name: crash, at: 3s, action: kill, target: { node: redis-1 } }\n";
const PAUSE: &str =
    "topology: { kind: sentinel }\nduration: 10s\nfaults:\n  - { name: nap, at: 3s, for: 1s, action: pause, target: { node: redis-1 } }\n";
const RESTART: &str = "topology: { kind: sentinel }\nduration: 10s\nfaults:\n  - { name: again, at: 3s, delay: 1s, action: restart, target: { node: redis-1 } }\n";

#[test]
fn what_a_fault_did_is_neither_a_crash_nor_outside() {
    let mut killed = story(KILL, [5 * S, END]);
    step(&mut killed, 5 * S - 10 * MS, FaultState::Injected, "SIGKILL");
    step(&mut killed, 5 * S, FaultState::Proved, "gone");
    server(&mut killed, 5 * S, ObjectState::Ended, |event| event.signal = Some(9));
    let trial = killed.analysed();
    assert_eq!((trial.status, trial.crashes.len()), (TrialStatus::Conclusive, 0), "{:?}", trial.reasons);

    let mut paused = story(PAUSE, [5 * S, 6 * S]);
    step(&mut paused, 5 * S - 10 * MS, FaultState::Injected, "SIGSTOP");
    step(&mut paused, 5 * S, FaultState::Proved, "stopped");
    server(&mut paused, 5 * S + 5 * MS, ObjectState::Stopped, |_| {});
    step(&mut paused, 6 * S, FaultState::Reverted, "");
    // The look that finds it running may come a moment before the end is told.
    server(&mut paused, 6 * S - MS, ObjectState::Running, |_| {});
    step(&mut paused, 6 * S + MS, FaultState::RevertProved, "runs");
    let trial = paused.analysed();
    assert_eq!(trial.status, TrialStatus::Conclusive, "{:?}", trial.reasons);

    let mut restarted = story(RESTART, [5 * S, 6 * S]);
    step(&mut restarted, 5 * S - 10 * MS, FaultState::Injected, "SIGKILL");
    step(&mut restarted, 5 * S, FaultState::Proved, "gone");
    server(&mut restarted, 5 * S, ObjectState::Ended, |event| event.signal = Some(9));
    step(&mut restarted, 6 * S, FaultState::Reverted, "");
    server(&mut restarted, 6 * S + 15 * MS, ObjectState::Running, |_| {});
    step(&mut restarted, 6 * S + 50 * MS, FaultState::RevertProved, "serves");
    let once = restarted.clone().analysed();
    assert_eq!(once.status, TrialStatus::Conclusive, "{:?}", once.reasons);
    // What is killed once more was killed by somebody else.
    server(&mut restarted, 8 * S, ObjectState::Ended, |event| event.signal = Some(9));
    assert_eq!(restarted.analysed().reasons[0], "something outside the lab killed redis-1 (SIGKILL) at T+6.000 s");
}

const STOP: &str =
    "topology: { kind: sentinel }\nduration: 10s\nfaults:\n  - { name: end, at: 3s, action: stop, target: { node: redis-1 } }\n";

#[test]
fn a_server_that_is_told_to_end_and_waits_for_its_replicas_was_told_by_somebody() {
    let waits = |rest: &str, fault: bool| {
        let mut story = story(rest, [0, 0]);
        if fault {
            step(&mut story, 5 * S, FaultState::Injected, "SIGTERM");
            step(&mut story, 6 * S, FaultState::Proved, "it waits");
        }
        server(&mut story, END, ObjectState::Running, |event| event.log = vec!["Received SIGTERM scheduling shutdown...".to_owned()]);
        story.analysed().reasons
    };
    assert_eq!(waits(STOP, true), [] as [&str; 0]);
    assert_eq!(
        waits(QUIET, false),
        ["something outside the lab told redis-1 to end, which it had not yet, before the trial ended at T+10.000 s"]
    );
}

#[test]
fn whoever_else_meddles_with_a_process_that_a_fault_has_is_named() {
    let mut paused = story(PAUSE, [5 * S, 5 * S + 500 * MS]);
    step(&mut paused, 5 * S - 10 * MS, FaultState::Injected, "SIGSTOP");
    step(&mut paused, 5 * S, FaultState::Proved, "stopped");
    server(&mut paused, 5 * S + 5 * MS, ObjectState::Stopped, |_| {});
    server(&mut paused, 5 * S + 500 * MS, ObjectState::Running, |_| {});
    step(&mut paused, 6 * S, FaultState::Reverted, "");
    step(&mut paused, 6 * S + MS, FaultState::RevertProved, "runs");
    assert_eq!(paused.analysed().reasons[0], "something outside the lab let redis-1 go on, which a fault had stopped, at T+3.500 s");
    let mut killed = story(KILL, [5 * S, 6 * S]);
    step(&mut killed, 5 * S - 10 * MS, FaultState::Injected, "SIGKILL");
    step(&mut killed, 5 * S, FaultState::Proved, "gone");
    server(&mut killed, 5 * S, ObjectState::Ended, |event| event.signal = Some(9));
    server(&mut killed, 6 * S, ObjectState::Running, |event| event.how = "through the Docker engine".to_owned());
    assert_eq!(killed.analysed().reasons[0], "something outside the lab started redis-1 again at T+4.000 s");
}

#[test]
fn a_fault_that_could_not_be_shown_because_the_server_crashed_proves_that_much() {
    let mut story = story(PAUSE, [5 * S, END]);
    step(&mut story, 5 * S - 10 * MS, FaultState::Injected, "SIGSTOP");
    step(&mut story, 5 * S + 50 * MS, FaultState::Unproved, "it was Gone");
    server(&mut story, 5 * S, ObjectState::Ended, |event| {
        event.code = Some(1);
        event.log = vec!["Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...".to_owned()];
    });
    let trial = story.analysed();
    assert_eq!((trial.status, trial.crashes.len()), (TrialStatus::Conclusive, 1), "{:?}", trial.reasons);
    assert!(trial.remarks.iter().any(|remark| remark.contains("met redis-1, which had crashed")), "{:?}", trial.remarks);
}

#[test]
fn what_the_machine_kept_from_running_is_named_whatever_a_fault_did_before() {
    let mut story = story(KILL, [5 * S, END]);
    step(&mut story, 5 * S - 10 * MS, FaultState::Injected, "SIGKILL");
    step(&mut story, 5 * S, FaultState::Proved, "gone");
    server(&mut story, 5 * S, ObjectState::Ended, |event| event.signal = Some(9));
    let calm = story.clone().analysed();
    assert_eq!((calm.status, calm.disturbed), (TrialStatus::Conclusive, false), "{:?}", calm.reasons);
    for node in ["redis-2", "redis-3"] {
        let at = [9 * S, 9 * S + 20 * MS];
        story.tell(at[1], Event::ServerStall(ServerStall { at, node: node.to_owned(), waited: 1_700 * MS, blocked: 0 }));
    }
    let trial = story.analysed();
    assert!(trial.disturbed);
    assert_eq!(
        trial.reasons,
        ["the machine kept redis-2 waiting for a processor for 1.70 s at T+5.300 s, and 1 other server for 250 ms or more"]
    );
}
