//! Locks that are prolonged: what counts as their lease, against a simulation tick by tick and an exhaustive search with time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashSet;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::locks::{LockFindings, LockRules, Locks, Names};
use redquake_reports::history::{Op, OpKind, Outcome, Why};

fn judged(rules: LockRules, ops: &[Op]) -> LockFindings {
    let mut locks = Locks::new(rules);
    ops.iter().for_each(|op| locks.op(op));
    locks.finish(None, &Names { workload: "locks", nodes: &["redis-1".to_owned()], zero: 0 })
}

fn op(op: OpKind, id: u64, invoked: u64, completed: u64, out: Outcome, why: Option<Why>) -> Op {
    Op { w: 0, c: id as u16, op, id, key: 0, at: [invoked, invoked, completed], out, why, node: Some(0) }
}

fn ok(kind: OpKind, id: u64, invoked: u64, completed: u64) -> Op {
    op(kind, id, invoked, completed, Outcome::Ok, None)
}

/// Leases end 90 after they were asked for.
const RULES: LockRules = LockRules { ttl: 100, drift: 10, renewed: true };

#[test]
fn a_lock_that_is_prolonged_is_held_beyond_its_first_lifetime() {
    let prolonged =
        [ok(OpKind::Acquire, 0, 0, 1), ok(OpKind::Renew, 0, 33, 34), ok(OpKind::Renew, 0, 67, 68), ok(OpKind::Acquire, 1, 120, 121)];
    // What is held without an end is held up to the last that is known.
    let found = judged(RULES, &[prolonged.as_slice(), &[ok(OpKind::Release, 1, 200, 201)]].concat());
    assert_eq!((found.counts.double_acquired, found.counts.double_held_time), (1, 67 + 90 - 121));
    assert_eq!(judged(RULES, &[prolonged[0], prolonged[3]]).counts.double_acquired, 0, "nobody prolonged it");
    assert_eq!(judged(RULES, &[prolonged[0], prolonged[1], prolonged[3]]).counts.double_acquired, 1, "until 123");
    let unknown = op(OpKind::Renew, 0, 33, 34, Outcome::Info, Some(Why::Timeout));
    assert_eq!(judged(RULES, &[prolonged[0], unknown, prolonged[3]]).counts.double_acquired, 0, "it may not have been prolonged");
}

#[test]
fn an_answer_that_comes_after_the_lease_prolongs_nothing() {
    let late = [ok(OpKind::Acquire, 0, 0, 1), ok(OpKind::Renew, 0, 80, 91), ok(OpKind::Acquire, 1, 100, 101)];
    assert_eq!(judged(RULES, &late).counts.double_acquired, 0);
    let in_time = [late[0], ok(OpKind::Renew, 0, 80, 90), late[2]];
    assert_eq!(judged(RULES, &in_time).counts.double_acquired, 1);
}

#[test]
fn a_renewal_that_finds_the_lock_gone_tells_of_its_loss_and_ends_the_hold() {
    let gone = |at| op(OpKind::Renew, 0, at, at + 1, Outcome::Ok, Some(Why::Gone));
    let found = judged(RULES, &[ok(OpKind::Acquire, 0, 0, 1), ok(OpKind::Acquire, 1, 20, 21), gone(33)]);
    assert_eq!((found.counts.lost, found.counts.double_acquired, found.counts.double_held_time), (1, 1, 34 - 21));
    let text = &found.anomalies.iter().find(|one| one.text.contains("gone")).unwrap().text;
    assert!(text.contains("found it gone when it wanted to prolong it"), "{text}");
    let later = judged(RULES, &[ok(OpKind::Acquire, 0, 0, 1), gone(33), ok(OpKind::Acquire, 1, 40, 41)]);
    assert_eq!((later.counts.lost, later.counts.double_acquired), (1, 0), "its holder had left");
    let late = judged(RULES, &[ok(OpKind::Acquire, 0, 0, 1), gone(95)]);
    assert_eq!(late.counts.lost, 0, "its lease had ended");
}

/// Some holds of one key whose renewals may come too late, find the key gone or stay without an answer.
fn random_holds(rng: &mut ChaCha8Rng) -> Vec<Op> {
    let mut ops = Vec::new();
    for id in 0..rng.random_range(2..=4_u64) {
        let invoked = rng.random_range(0..25);
        let completed = invoked + rng.random_range(0..3);
        ops.push(ok(OpKind::Acquire, id, invoked, completed));
        let mut next = completed;
        for _ in 0..rng.random_range(0..4) {
            next += rng.random_range(1..8);
            let answered = next + rng.random_range(1..4);
            ops.push(match rng.random_range(0..6) {
                0 => op(OpKind::Renew, id, next, answered, Outcome::Info, Some(Why::Timeout)),
                1 => op(OpKind::Renew, id, next, answered, Outcome::Ok, Some(Why::Gone)),
                _ => ok(OpKind::Renew, id, next, answered),
            });
        }
        if rng.random_range(0..3) > 0 {
            let released = completed + rng.random_range(1..20);
            ops.push(ok(OpKind::Release, id, released, released + 1));
        }
    }
    ops
}

const TICKS: LockRules = LockRules { ttl: 8, drift: 1, renewed: true };

/// In which ticks a hold certainly held, by going through them one after the other with what its holder knew by then.
fn ticks(ops: &[Op], id: u64) -> HashSet<u64> {
    let of = |kind| ops.iter().filter(move |op| op.id == id && op.op == kind);
    let acquire = of(OpKind::Acquire).next().unwrap();
    let mut lease = acquire.at[1] + 7;
    let mut held = HashSet::new();
    // What is held without an end is held up to the last that is known.
    let last = ops.iter().map(|op| op.at[2]).max().unwrap();
    for tick in acquire.at[2]..=last {
        for renewal in of(OpKind::Renew).filter(|op| op.at[2] == tick && op.out == Outcome::Ok && op.why.is_none()) {
            if tick <= lease {
                lease = lease.max(renewal.at[1] + 7);
            }
        }
        let left = of(OpKind::Release).any(|op| op.at[1] <= tick);
        let told = of(OpKind::Renew).any(|op| op.why == Some(Why::Gone) && op.at[2] <= tick);
        if left || told {
            break;
        }
        if tick < lease {
            held.insert(tick);
        }
    }
    held
}

#[test]
fn the_sweep_agrees_with_a_simulation_tick_by_tick() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (mut doubles, mut sound) = (0, 0);
    for number in 0..50_000 {
        let mut ops = random_holds(&mut rng);
        let held: Vec<HashSet<u64>> = (0..=ops.iter().map(|op| op.id).max().unwrap()).map(|id| ticks(&ops, id)).collect();
        let pairs = (0..held.len()).flat_map(|one| (one + 1..held.len()).map(move |other| (one, other)));
        let shared: Vec<u64> =
            pairs.map(|(one, other)| held[one].intersection(&held[other]).count() as u64).filter(|time| *time > 0).collect();
        for index in (1..ops.len()).rev() {
            ops.swap(index, rng.random_range(0..=index));
        }
        let found = judged(TICKS, &ops).counts;
        let wanted = (shared.len() as u64, shared.iter().sum::<u64>());
        assert_eq!((found.double_acquired, found.double_held_time), wanted, "history {number}: {ops:#?}");
        if wanted.0 > 0 { doubles += 1 } else { sound += 1 }
    }
    println!("{doubles} histories with two holders, {sound} without, no disagreement");
    assert!(doubles > 5_000 && sound > 5_000, "the histories are too easy: {doubles} with two holders, {sound} without");
}

/// What was tried before: calls done, the instant, and owner and end of the lock.
type Seen = HashSet<(u32, u64, Option<(u64, u64)>)>;

/// Whether some instants inside the calls are legal for a server that grants a lock only while nobody has it, prolongs it only for its owner, and
/// forgets it a lifetime after the last of these.
fn possible(ops: &[Op], done: u32, now: u64, holder: Option<(u64, u64)>, seen: &mut Seen) -> bool {
    if done.count_ones() as usize == ops.len() {
        return true;
    }
    if !seen.insert((done, now, holder)) {
        return false;
    }
    (0..ops.len()).filter(|index| done & 1 << index == 0).any(|index| {
        let call = &ops[index];
        (now.max(call.at[1])..=call.at[2]).any(|at| {
            let owner = holder.filter(|(_, until)| *until > at).map(|(id, _)| id);
            let next = match (call.op, owner) {
                (OpKind::Acquire, None) => Some((call.id, at + 5)),
                (OpKind::Renew, Some(id)) if id == call.id => Some((id, at + 5)),
                (OpKind::Release, Some(id)) if id == call.id => None,
                _ => return false,
            };
            possible(ops, done | 1 << index, at, next, seen)
        })
    })
}

#[test]
fn no_history_that_a_single_server_can_have_written_is_called_a_double() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let (mut legal, mut caught, mut missed) = (0, 0, 0);
    for number in 0..30_000 {
        let mut ops = Vec::new();
        for id in 0..rng.random_range(2..=3_u64) {
            let invoked = rng.random_range(0..18);
            let mut next = invoked + rng.random_range(0..2);
            ops.push(ok(OpKind::Acquire, id, invoked, next));
            for _ in 0..rng.random_range(0..3) {
                next += rng.random_range(0..4);
                let answered = next + rng.random_range(0..2);
                ops.push(ok(OpKind::Renew, id, next, answered));
                next = answered;
            }
            if rng.random_bool(0.6) {
                next += rng.random_range(0..3);
                ops.push(ok(OpKind::Release, id, next, next + 1));
            }
        }
        let sound = possible(&ops, 0, 0, None, &mut HashSet::new());
        let doubles = judged(LockRules { ttl: 5, drift: 0, renewed: true }, &ops).counts.double_acquired;
        assert!(!sound || doubles == 0, "history {number} is possible and called a double: {ops:#?}");
        match (sound, doubles) {
            (true, _) => legal += 1,
            (false, 0) => missed += 1,
            (false, _) => caught += 1,
        }
    }
    println!("{legal} possible, {caught} impossible and caught, {missed} impossible for other reasons");
    assert!(legal > 2_000 && caught > 2_000, "the histories are too easy: {legal} possible, {caught} caught");
}
