//! A forged history in, the value of a metric out: for each kind of workload what its check must catch, and the same without it.

use std::collections::BTreeMap;

use redquake_experiments::spec::Role;
use redquake_reports::analysis::analyze_events;
use redquake_reports::history::{
    Called, DecidedBy, Decision, End, Event, Exchange, Final, Keys, Members, Node, NodeRole, Op, OpKind, Outcome, Paid, Paying, Payment,
    Phase, PhaseName, Queried, Query, Read, ReadFrom, RoleSample, Value, Why,
};
use redquake_reports::result::{AnomalyKind, Sample, Trial};
use redquake_reports::testing::header;

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

/// Two nodes, of which the second takes over after five seconds; measured from 0 to 10 s.
fn analysed(workload: &str, more: Vec<Event>) -> Trial {
    let node = |name: &str, role| {
        Event::Node(Node {
            at: 0,
            name: name.to_owned(),
            role,
            address: format!("10.0.0.{}:6379", name.len() + usize::from(role == Role::Primary)),
            run_id: String::new(),
            version: String::new(),
        })
    };
    let said = |at: u64, node: u16, role, offset: u64| {
        Event::Role(RoleSample { at: [at, at], node, role, offset, link: true, follows: String::new(), syncing: false, priority: None })
    };
    let mut events = vec![node("redis-1", Role::Primary), node("redis-2", Role::Replica)];
    for (at, name) in [(0, PhaseName::Baseline), (10 * S, PhaseName::Recovery), (10 * S, PhaseName::Stop), (10 * S, PhaseName::FinalRead)] {
        events.push(Event::Phase(Phase { at, name }));
    }
    for step in 0..20_u64 {
        let at = step * S / 2;
        events.push(said(at, 0, NodeRole::Primary, step * 100));
        let role = if step < 10 { NodeRole::Replica } else { NodeRole::Primary };
        events.push(said(at, 1, role, step * 100 - step.min(9)));
    }
    events.extend(more);
    events.push(Event::End(End { at: 11 * S, ..End::default() }));
    // Ten seconds with one workload and no fault.
    let rest =
        format!("topology: {{ kind: sentinel }}\nduration: 10s\nworkloads:\n  - {{ name: w, clients: 2, rate: 100/s, {workload} }}\n");
    analyze_events(&header(&rest), &events)
}

/// Values of the workload's metrics that are not zero, among those asked for.
fn metrics(trial: &Trial, names: &[&str]) -> BTreeMap<String, Sample> {
    let of = |name: &&str| Some(((*name).to_owned(), *trial.metrics.get(&format!("w.{name}"))?));
    names.iter().filter_map(of).filter(|(_, sample)| sample.value() != 0.0).collect()
}

fn exactly(values: &[(&str, f64)]) -> BTreeMap<String, Sample> {
    values.iter().map(|(name, value)| ((*name).to_owned(), Sample::Exact(*value))).collect()
}

fn op(op: OpKind, id: u64, at: [u64; 2], out: Outcome, why: Option<Why>, node: u16) -> Event {
    Event::Op(Op { w: 0, c: (id % 2) as u16, op, id, key: 0, at: [at[0], at[0], at[1]], out, why, node: Some(node) })
}

fn texts(trial: &Trial, kind: AnomalyKind) -> Vec<&str> {
    trial.anomalies.iter().filter(|one| one.kind == kind).map(|one| one.text.as_str()).collect()
}

#[test]
fn a_lock_granted_to_two_and_one_that_nobody_gives_back() {
    let names = ["double_acquired", "lost", "stuck", "acquired"];
    let taken = |id, at, node| op(OpKind::Acquire, id, [at, at + MS], Outcome::Ok, None, node);
    let given = |id, at| op(OpKind::Release, id, [at, at + MS], Outcome::Ok, None, 0);
    let spec = "kind: lock, keys: 1, ttl: 3s, hold: 100ms";
    let sound = vec![taken(1, S, 0), given(1, 2 * S), taken(2, 3 * S, 0), given(2, 4 * S)];
    assert_eq!(metrics(&analysed(spec, sound.clone()), &names), exactly(&[("acquired", 2.0)]));
    let forged = vec![taken(1, S, 0), taken(2, 2 * S, 1), given(1, 3 * S), given(2, 3 * S)];
    assert_eq!(metrics(&analysed(spec, forged), &names), exactly(&[("acquired", 2.0), ("double_acquired", 1.0)]));
    let mut left = sound;
    left.push(Event::Final(Final { at: 10 * S, w: 0, key: 0, id: Some(2), pttl: -1 }));
    assert_eq!(metrics(&analysed(spec, left), &names), exactly(&[("acquired", 2.0), ("stuck", 1.0)]));
}

#[test]
fn elements_of_a_set_are_told_with_the_node_that_acknowledged_them_and_how_far_its_stream_was() {
    let names = ["acknowledged", "lost", "recovered", "unexpected", "never_read"];
    let add = |id, at, out, node| op(OpKind::Add, id, [at, at + MS], out, None, node);
    let adds = vec![
        add(1, 3_100 * MS, Outcome::Ok, 0),
        add(2, 3_200 * MS, Outcome::Ok, 0),
        add(3, 6_100 * MS, Outcome::Info, 0),
        add(4, 6_200 * MS, Outcome::Fail, 1),
        add(5, 6_300 * MS, Outcome::Ok, 1),
    ];
    let read = |ids: &[u64]| Event::Members(Members { at: 10 * S, w: 0, key: 0, ids: ids.to_vec(), foreign: 0 });
    let with = |ids: &[u64]| analysed("kind: set", [adds.clone(), vec![read(ids)]].concat());
    assert_eq!(metrics(&with(&[1, 2, 5]), &names), exactly(&[("acknowledged", 3.0)]));
    let trial = with(&[2, 3, 4, 5]);
    assert_eq!(metrics(&trial, &names), exactly(&[("acknowledged", 3.0), ("lost", 1.0), ("recovered", 1.0), ("unexpected", 1.0)]));
    insta::assert_snapshot!(texts(&trial, AnomalyKind::LostWrite).join("\n"), @r"element 1 was acknowledged by redis-1 at T+3.101 s, at offset 600 to 700 of its stream, and is not in the set in the end; redis-2, which was not behind, took over at T+5.000 s with offset 891");
    insta::assert_snapshot!(texts(&trial, AnomalyKind::UnexpectedWrite).join("\n"), @r"element 4 is in the set in the end, though its addition was certainly not executed, or never tried");
    let by_node = &trial.workloads[0].set.as_ref().unwrap().by_node;
    let told: Vec<_> = by_node.iter().map(|one| (one.node.as_str(), one.acknowledged, one.lost)).collect();
    assert_eq!(told, [("redis-1", 2, 1), ("redis-2", 1, 0)]);
    assert_eq!(metrics(&analysed("kind: set", adds), &names), exactly(&[("acknowledged", 3.0), ("never_read", 3.0)]));
}

#[test]
fn increments_that_are_counted_again_are_lost_and_told_with_who_counted_them() {
    let names = ["acknowledged", "lost", "lost_at_most", "ghosts", "unexpected", "rolled_back", "never_read"];
    let count = |id: u64, at: u64, out, found, node| {
        let at = [at, at + MS];
        Event::Exchange(Exchange { w: 0, c: 0, id, key: 0, at, call: Called::Increment, wanted: None, found, out, node: Some(node) })
    };
    let value = |value| Event::Value(Value { at: [10 * S, 10 * S], w: 0, key: 0, value: Some(value) });
    let sound: Vec<Event> = (1..=5).map(|id| count(id, id * S, Outcome::Ok, Some(id), 0)).collect();
    let with = |more: Vec<Event>| analysed("kind: counter", [sound.clone(), more].concat());
    assert_eq!(metrics(&with(vec![value(5)]), &names), exactly(&[("acknowledged", 5.0)]));
    assert_eq!(metrics(&with(vec![]), &names), exactly(&[("acknowledged", 5.0), ("never_read", 5.0)]));
    // The second node had 1 to 3 when it took over, and counts 4 again.
    let trial = with(vec![count(6, 6 * S, Outcome::Ok, Some(4), 1), value(4)]);
    let lost = [("acknowledged", 6.0), ("lost", 2.0), ("lost_at_most", 2.0), ("rolled_back", 1.0)];
    assert_eq!(metrics(&trial, &names), exactly(&lost));
    insta::assert_snapshot!(texts(&trial, AnomalyKind::LostWrite).join("\n"), @r"
    counter 0: increment 4 moved it to 4, acknowledged by redis-1 at T+4.001 s, at offset 800 to 900 of its stream, and was lost: it was moved there again by increment 6, acknowledged by redis-2 at T+6.001 s, at offset 1,191 to 1,291 of its stream; redis-2 took over at T+5.000 s with offset 891
    counter 0: increment 5 moved it to 5, acknowledged by redis-1 at T+5.001 s, at offset 1,000 to 1,100 of its stream, and was lost: its final value is 4; redis-2 took over at T+5.000 s with offset 891
    ");
    let trial = with(vec![count(6, 6 * S, Outcome::Info, None, 0), value(8)]);
    assert_eq!(metrics(&trial, &names), exactly(&[("acknowledged", 5.0), ("ghosts", 1.0), ("unexpected", 2.0)]));
    insta::assert_snapshot!(texts(&trial, AnomalyKind::UnexpectedWrite).join("\n"), @r"counter 0 is 8 in the end, 2 more than all increments that can have been executed: 5 acknowledged, 1 of unknown outcome");
}

#[test]
fn a_register_that_goes_back_is_told_with_the_answer_that_no_order_explains() {
    let names = ["acknowledged", "violations", "inconclusive", "lost", "lost_updates", "stale_reads", "unexpected", "never_read"];
    let ok = |id: u64, at: u64, call, wanted, found, node| {
        let at = [at, at + MS];
        Event::Exchange(Exchange { w: 0, c: 1, id, key: 0, at, call, wanted, found, out: Outcome::Ok, node: Some(node) })
    };
    let value = |value| Event::Value(Value { at: [10 * S, 10 * S], w: 0, key: 0, value: Some(value) });
    let before = vec![ok(1, S, Called::Write, None, None, 0), ok(2, 2 * S, Called::Swap, Some(1), Some(1), 0)];
    let with = |more: Vec<Event>| analysed("kind: register", [before.clone(), more].concat());
    assert_eq!(metrics(&with(vec![value(2)]), &names), exactly(&[("acknowledged", 2.0)]));
    let trial = with(vec![ok(3, 6 * S, Called::Read, None, Some(1), 1), ok(4, 7 * S, Called::Swap, Some(1), Some(1), 1), value(4)]);
    let found = [("acknowledged", 3.0), ("violations", 1.0), ("lost", 1.0), ("lost_updates", 1.0), ("stale_reads", 2.0)];
    assert_eq!(metrics(&trial, &names), exactly(&found));
    let all: Vec<&str> = trial.anomalies.iter().map(|one| one.text.as_str()).collect();
    insta::assert_snapshot!(all.join("\n"), @r"
    register 0: value 2 was acknowledged by redis-1 at T+2.001 s, at offset 400 to 500 of its stream, and is not in what went on: client 1 (from redis-2 at T+6.001 s) found value 1 later, which is older; redis-2, which was not behind, took over at T+5.000 s with offset 891
    register 0: one value was replaced twice, by value 2 of client 1 (redis-1 at T+2.001 s, at offset 400 to 500 of its stream) and by value 4 of client 1 (redis-2 at T+7.001 s, at offset 1,391 to 1,491 of its stream): one of the two updates does not know of the other
    register 0: no order of its 5 calls is one that a single register would have answered: the first answer that leaves none is what client 1 (from redis-2 at T+6.001 s) was told
    register 0: client 1 (from redis-2 at T+6.001 s) found value 1, though value 2 had been acknowledged by redis-1 at T+2.001 s, at offset 400 to 500 of its stream
    register 0: client 1 (from redis-2 at T+7.001 s) found value 1, though value 2 had been acknowledged by redis-1 at T+2.001 s, at offset 400 to 500 of its stream
    ");
}

#[test]
fn a_register_nobody_can_judge_is_inconclusive_and_violations_are_a_lower_bound() {
    // Writes at once by everybody, of which each is found, in an order that fits none: every order has to be tried.
    let mut events = Vec::new();
    let mut push = |id: u64, at: [u64; 2], call, found| {
        events.push(Event::Exchange(Exchange { w: 0, c: 0, id, key: 0, at, call, wanted: None, found, out: Outcome::Ok, node: Some(0) }));
    };
    for id in 1..=40 {
        push(id, [S, 9 * S], Called::Write, None);
        push(100 + id, [2 * S + id * MS, 8 * S - id * MS], Called::Read, Some(id));
    }
    for (id, found) in [(200, 1), (201, 2), (202, 1)] {
        push(id, [9_100 * MS + id * MS, 9_100 * MS + id * MS], Called::Read, Some(found));
    }
    let trial = analysed("kind: register", events);
    assert_eq!(trial.metrics["w.inconclusive"], Sample::Exact(1.0));
    assert_eq!(trial.metrics["w.violations"], Sample::AtLeast(0.0));
}

#[test]
fn a_limiter_that_forgets_admits_more_than_its_limit() {
    let names = ["admitted", "denied", "over_admitted", "over_admitted_redis", "rolled_back", "immortal"];
    let decided = |id: u64, admit, value| {
        let at = [id * MS, id * MS + 1];
        let (by, ran) = (DecidedBy::Redis, Outcome::Ok);
        Event::Decision(Decision { w: 0, c: 0, id, key: 0, window: 0, at, admit, by, value: Some(value), ran })
    };
    let keys = |immortal| Event::Keys(Keys { at: 10 * S, w: 0, keys: 1, subjects: 1, immortal, bytes: 80 });
    let sound = vec![decided(1, true, 1), decided(2, true, 2), decided(3, false, 3), keys(0)];
    // Each shard says what it has left.
    let forged = vec![decided(1, true, 1), decided(2, true, 2), decided(3, true, 2), keys(1), keys(0)];
    let fixed = "kind: fixed-window-limiter, subjects: 1, limit: 2, window: 1s";
    assert_eq!(metrics(&analysed(fixed, sound.clone()), &names), exactly(&[("admitted", 2.0), ("denied", 1.0)]));
    let found = [("admitted", 3.0), ("over_admitted", 1.0), ("over_admitted_redis", 1.0), ("rolled_back", 1.0), ("immortal", 1.0)];
    let trial = analysed(fixed, forged.clone());
    assert_eq!(metrics(&trial, &names), exactly(&found));
    let limiter = trial.workloads[0].limiter.as_ref().unwrap();
    assert_eq!((limiter.window, limiter.most_offered), (S, 3), "what it was put to");
    let sliding = "kind: sliding-window-limiter, subjects: 1, limit: 2, window: 1s";
    let trial = analysed(sliding, sound);
    assert_eq!(metrics(&trial, &names), exactly(&[("admitted", 2.0), ("denied", 1.0)]));
    let trial = analysed(sliding, forged);
    assert_eq!(metrics(&trial, &names), exactly(&found));
    assert_eq!((texts(&trial, AnomalyKind::OverAdmitted).len(), texts(&trial, AnomalyKind::ImmortalKey).len()), (1, 1));
}

#[test]
fn a_cache_that_answers_nothing_for_a_second_is_a_load_of_the_database() {
    let names = ["hit_ratio", "db_peak", "db_refused", "failed_reads", "duplicate_loads"];
    let read = |id: u64, from| Event::Read(Read { w: 0, c: 0, id, key: 7, at: [id * 100 * MS, id * 100 * MS + MS], from });
    let query = |id: u64, took: u64, out| {
        let at = [id * 100 * MS, id * 100 * MS + took];
        Event::Query(Query { w: 0, c: 0, id, key: 7, at, began: (out == Queried::Ok).then_some(at[0]), out })
    };
    let spec = "kind: cache-aside, keys: 10, ttl: 10s";
    let calm: Vec<Event> = (0..100).map(|id| read(id, ReadFrom::Cache)).collect();
    assert_eq!(metrics(&analysed(spec, calm), &names), exactly(&[("hit_ratio", 1.0)]));
    let mut cold: Vec<Event> =
        (0..100).map(|id| read(id, if (50..60).contains(&id) { ReadFrom::Database } else { ReadFrom::Cache })).collect();
    cold.extend((50..59).map(|id| query(id, 150 * MS, Queried::Ok)));
    cold.extend([query(59, 0, Queried::Refused), read(100, ReadFrom::Nowhere)]);
    let found = [("hit_ratio", 0.9), ("db_peak", 10.0), ("db_refused", 1.0), ("duplicate_loads", 9.0)];
    assert_eq!(metrics(&analysed(spec, cold), &names), exactly(&found));
}

#[test]
fn a_job_paid_twice_is_told_with_what_became_of_its_lock() {
    let names = ["jobs", "paid", "charged_twice", "twice_lost_lock", "twice_no_lock", "fenced_out", "unpaid"];
    let pay = |id: u64, key: u32, lock: u64, out| {
        let charged = (out == Paying::Charged).then_some([lock + 20 * MS, lock + 21 * MS]);
        let looked = [lock + MS, lock + 2 * MS];
        Event::Payment(Payment { w: 0, c: id as u16, id, key, lock: Some([lock, lock + MS]), fence: None, looked, charged, out })
    };
    let ledger = |entries: &[(u32, u64)]| Event::Paid(Paid { at: 10 * S, w: 0, from: 0, entries: entries.to_vec() });
    let spec = "kind: payment-job, work: 10ms, ttl: 5s";
    let sound = vec![pay(1, 1, S, Paying::Charged), pay(2, 2, 2 * S, Paying::Charged), ledger(&[(1, 1), (2, 2)])];
    assert_eq!(metrics(&analysed(spec, sound), &names), exactly(&[("jobs", 2.0), ("paid", 2.0)]));
    let twice = vec![
        pay(1, 1, S, Paying::Charged),
        pay(2, 1, S + 5 * MS, Paying::Charged),
        pay(3, 2, 2 * S, Paying::Fenced),
        ledger(&[(1, 1), (1, 2)]),
    ];
    let trial = analysed(spec, twice);
    let found = [("jobs", 2.0), ("paid", 1.0), ("charged_twice", 1.0), ("twice_lost_lock", 1.0), ("fenced_out", 1.0), ("unpaid", 1.0)];
    assert_eq!(metrics(&trial, &names), exactly(&found));
    assert_eq!(texts(&trial, AnomalyKind::ChargedTwice).len(), 1);
}

#[test]
fn payments_beyond_any_list_are_counted_handed_on_and_drawn_to_the_last() {
    // 495 jobs, each charged by two servers without a lock.
    let paid = |job: u32, position: u64| (job, position);
    let pays = |job: u32, server: u16| {
        let at = S + u64::from(job) * 15 * MS + u64::from(server) * MS;
        Event::Payment(Payment {
            w: 0,
            c: server,
            id: u64::from(job) * 2 + u64::from(server),
            key: job,
            lock: None,
            fence: None,
            looked: [at, at],
            charged: Some([at, at + MS]),
            out: Paying::Charged,
        })
    };
    let mut events: Vec<Event> = (0..495).flat_map(|job| [pays(job, 0), pays(job, 1)]).collect();
    let entries = (0..495).flat_map(|job| [paid(job, u64::from(job) * 2), paid(job, u64::from(job) * 2 + 1)]).collect();
    events.push(Event::Paid(Paid { at: 10 * S, w: 0, from: 0, entries }));
    let trial = analysed("kind: payment-job, work: 20ms, lock: false", events);
    assert_eq!(trial.metrics["w.charged_twice"], Sample::Exact(495.0));
    let [count] = trial.anomaly_counts.as_slice() else { panic!("{:?}", trial.anomaly_counts) };
    assert_eq!((count.kind, count.total, count.listed, trial.anomalies_total), (AnomalyKind::ChargedTwice, 495, 50, 495));
    assert_eq!(trial.anomalies.len(), 50);
    assert_eq!(count.spans.iter().map(|span| span[2]).sum::<u64>(), 495);
    assert_eq!(count.spans.iter().map(|span| span[1]).max(), Some(count.last));
    assert_eq!(count.last, S + 494 * 15 * MS + MS, "the last charge that came on top");
}

#[test]
fn lost_writes_take_no_room_from_other_kinds() {
    let add = |id: u64, out| op(OpKind::Add, id, [S + id * 100_000, S + id * 100_000 + 50_000], out, None, 0);
    let mut events: Vec<Event> = (0..11_345).map(|id| add(id, Outcome::Ok)).collect();
    events.push(add(20_000, Outcome::Fail));
    events.push(Event::Members(Members { at: 10 * S, w: 0, key: 0, ids: vec![20_000], foreign: 7 }));
    let trial = analysed("kind: set", events);
    let told: Vec<_> = trial.anomaly_counts.iter().map(|one| (one.kind, one.total, one.listed)).collect();
    assert_eq!(told, [(AnomalyKind::LostWrite, 11_345, 50), (AnomalyKind::UnexpectedWrite, 8, 2)]);
    assert_eq!(texts(&trial, AnomalyKind::UnexpectedWrite).len(), 2);
}
