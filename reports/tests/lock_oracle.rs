//! The sweep against an exhaustive search: an owner-aware mutex in the manner of Wing and Gong.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::locks::{LockRules, Locks, Names};
use redquake_reports::history::{Op, OpKind, Outcome, Why};

/// Lifetimes that never end: the search knows nothing of leases.
const ENDLESS: LockRules = LockRules { ttl: 1 << 40, drift: 0, renewed: false };

const HISTORIES: u32 = 200_000;

/// One operation of the model. `must` are those that were acknowledged.
#[derive(Clone, Copy)]
struct Call {
    hold: usize,
    release: bool,
    invoked: u64,
    completed: u64,
    must: bool,
}

/// Whether some order of the calls, that respects which call ended before which began, is legal for a mutex whose
/// release only its owner can do.
fn linearizable(calls: &[Call], done: u32, holder: Option<usize>, seen: &mut std::collections::HashSet<(u32, Option<usize>)>) -> bool {
    let left = |index: usize| done & (1 << index) == 0;
    if (0..calls.len()).all(|index| !left(index) || !calls[index].must) {
        return true;
    }
    if !seen.insert((done, holder)) {
        return false;
    }
    // Nothing may take effect before a call that must and that ended before it began.
    let first_end = (0..calls.len()).filter(|index| left(*index) && calls[*index].must).map(|index| calls[index].completed).min();
    (0..calls.len()).filter(|index| left(*index)).any(|index| {
        let call = calls[index];
        if first_end.is_some_and(|end| call.invoked > end) {
            return false;
        }
        let next = match (call.release, holder) {
            (false, None) => Some(call.hold),
            (true, Some(holder)) if holder == call.hold => None,
            _ => return false,
        };
        linearizable(calls, done | 1 << index, next, seen)
    })
}

/// A few holds of one key with small random times; ties are frequent on purpose.
fn random_history(rng: &mut ChaCha8Rng) -> (Vec<Op>, Vec<Call>) {
    let (mut ops, mut calls) = (Vec::new(), Vec::new());
    let mut op = |op, hold: usize, invoked, completed, out, why| {
        ops.push(Op { w: 0, c: hold as u16, op, id: hold as u64, key: 0, at: [invoked, invoked, completed], out, why, node: None });
    };
    for hold in 0..rng.random_range(1..=5_usize) {
        let invoked = rng.random_range(0..16);
        let completed = invoked + rng.random_range(0..4);
        match rng.random_range(0..10) {
            0 => op(OpKind::Acquire, hold, invoked, completed, Outcome::Fail, Some(Why::Held)),
            // An acquire whose reply was lost may be dropped: assume it never happened.
            1 => op(OpKind::Acquire, hold, invoked, completed, Outcome::Info, Some(Why::Timeout)),
            _ => {
                op(OpKind::Acquire, hold, invoked, completed, Outcome::Ok, None);
                calls.push(Call { hold, release: false, invoked, completed, must: true });
                let released = completed + rng.random_range(0..5);
                let answered = released + rng.random_range(0..4);
                match rng.random_range(0..8) {
                    0 => {}
                    1 => {
                        op(OpKind::Release, hold, released, answered, Outcome::Info, Some(Why::Reset));
                        calls.push(Call { hold, release: true, invoked: released, completed: u64::MAX, must: false });
                    }
                    _ => {
                        op(OpKind::Release, hold, released, answered, Outcome::Ok, None);
                        calls.push(Call { hold, release: true, invoked: released, completed: answered, must: true });
                    }
                }
            }
        }
    }
    (ops, calls)
}

#[test]
fn the_sweep_agrees_with_an_exhaustive_search() {
    let mut rng = ChaCha8Rng::seed_from_u64(20_250_101);
    let names = Names { workload: "locks", nodes: &[], zero: 0 };
    let (mut broken, mut sound) = (0, 0);
    for number in 0..HISTORIES {
        let (mut ops, calls) = random_history(&mut rng);
        // The order in which attempts were recorded must not matter.
        for index in (1..ops.len()).rev() {
            ops.swap(index, rng.random_range(0..=index));
        }
        let mut locks = Locks::new(ENDLESS);
        ops.iter().for_each(|op| locks.op(op));
        let found = locks.finish(None, &names).counts;
        let legal = linearizable(&calls, 0, None, &mut Default::default());
        assert_eq!(found.double_acquired == 0, legal, "history {number}: {ops:#?}");
        if legal { sound += 1 } else { broken += 1 }
    }
    println!("{HISTORIES} histories: {sound} sound, {broken} broken, no disagreement");
    assert!(broken > HISTORIES / 10 && sound > HISTORIES / 10, "the histories are too easy: {sound} sound, {broken} broken");
}
