//! What is told of registers beside the verdict: against the search, against plain reasoning, and against registers that fork.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::register::{Call, Kind, Verdict, calls, check, classes, culprit};
use redquake_reports::analysis::servers::Heir;
use redquake_reports::history::{Called, Exchange, Outcome, Value};

const BUDGET: u64 = 1_000_000;

fn exchange(id: u64, at: [u64; 2], call: Called, wanted: Option<u64>, found: Option<u64>, out: Outcome) -> Exchange {
    Exchange { w: 0, c: 0, id, key: 0, at, call, wanted, found, out, node: Some(0) }
}

/// Calls as they may be told by servers of any kind: answers are drawn, not computed.
fn any(rng: &mut ChaCha8Rng, many: u64) -> Vec<Exchange> {
    let value = |rng: &mut ChaCha8Rng| Some(rng.random_range(0..=many)).filter(|value| *value > 0);
    let call = |id: u64, rng: &mut ChaCha8Rng| {
        let invoked = rng.random_range(0..20);
        let at = [invoked, invoked + rng.random_range(0..6)];
        let out = [Outcome::Ok, Outcome::Ok, Outcome::Ok, Outcome::Ok, Outcome::Info, Outcome::Fail][rng.random_range(0..6)];
        let answered = out == Outcome::Ok;
        match rng.random_range(0..3) {
            0 => exchange(id, at, Called::Read, None, value(rng).filter(|_| answered), out),
            1 => exchange(id, at, Called::Write, None, None, out),
            _ => {
                let wanted = value(rng);
                let found = if rng.random_bool(0.7) { wanted } else { value(rng) };
                exchange(id, at, Called::Swap, wanted, found.filter(|_| answered), out)
            }
        }
    };
    (1..=many).map(|id| call(id, rng)).collect()
}

#[test]
fn what_is_called_broken_without_a_search_is_broken_by_the_search() {
    let mut rng = ChaCha8Rng::seed_from_u64(31);
    let (mut broken, mut sound) = (0, 0);
    for number in 0..20_000 {
        let many = rng.random_range(1..8);
        let exchanges = any(&mut rng, many);
        let told = classes(&exchanges, None, None);
        let verdict = check(&calls(&exchanges, None), BUDGET);
        if told.broken() {
            assert_eq!(verdict, Verdict::Broken, "{number}: {told:#?} of {exchanges:#?}");
        }
        broken += u64::from(told.broken());
        sound += u64::from(verdict == Verdict::Linearizable);
    }
    assert!(broken > 4_000 && sound > 1_000, "the histories are too easy: {broken} broken, {sound} sound");
}

#[test]
fn the_first_answer_that_leaves_no_order_is_that_of_a_look_at_every_beginning() {
    let mut rng = ChaCha8Rng::seed_from_u64(32);
    let mut found = 0;
    for number in 0..4_000 {
        let all = calls(&any(&mut rng, 7), None);
        let mut answered: Vec<usize> = (0..all.len()).filter(|index| all[*index].completed.is_some()).collect();
        answered.sort_by_key(|index| (all[*index].completed, all[*index].invoked, *index));
        let sound = |many: usize| {
            let end = all[answered[many - 1]].completed;
            let begun = all.iter().enumerate().filter(|(_, call)| Some(call.invoked) <= end);
            let known = |index: usize| answered[..many].contains(&index);
            let calls: Vec<Call> =
                begun.map(|(index, call)| if known(index) { *call } else { Call { completed: None, ..*call } }).collect();
            check(&calls, BUDGET) == Verdict::Linearizable
        };
        let expected = (1..=answered.len()).find(|many| !sound(*many)).map(|many| answered[many - 1]);
        assert_eq!(culprit(&all, BUDGET), expected, "{number}: {all:#?}");
        found += u64::from(expected.is_some());
    }
    assert!(found > 1_000, "{found}");
}

#[test]
fn writes_without_an_answer_that_nobody_found_cost_the_search_nothing() {
    let mut calls: Vec<Call> =
        (0..400).map(|number| Call { invoked: number, completed: None, kind: Kind::Write(1_000 + number) }).collect();
    for number in 0..200 {
        calls.push(Call { invoked: number * 3, completed: Some(number * 3 + 1), kind: Kind::Write(number) });
        calls.push(Call { invoked: number * 3 + 2, completed: Some(number * 3 + 2), kind: Kind::Read(Some(number)) });
    }
    assert_eq!(check(&calls, 1_000), Verdict::Linearizable);
}

/// A register of which a copy takes over while the old one is used on: calls, what it has in the end, and which writes are in it or were overwritten in it.
struct Fork {
    exchanges: Vec<Exchange>,
    last: Value,
    heir: Heir,
    /// Acknowledged values that were part of what went on.
    kept: Vec<u64>,
}

fn forked(rng: &mut ChaCha8Rng, fork_at: u64, lag: usize) -> Fork {
    let (mut old, mut new): (Vec<u64>, Option<Vec<u64>>) = (Vec::new(), None);
    let mut exchanges = Vec::new();
    for id in 1..=120_u64 {
        let now = id * 10;
        if id == fork_at {
            new = Some(old[..old.len().saturating_sub(lag)].to_vec());
        }
        let here = new.is_some() && rng.random_bool(0.5);
        let line = match (&mut new, here) {
            (Some(new), true) => new,
            _ => &mut old,
        };
        let at = [now - rng.random_range(0..25).min(now), now + rng.random_range(0..25)];
        let node = Some(u16::from(here));
        let found = line.last().copied();
        let doubt = rng.random_bool(0.05);
        let out = if doubt { Outcome::Info } else { Outcome::Ok };
        let call = match rng.random_range(0..3) {
            0 => Exchange { node, ..exchange(id, at, Called::Read, None, found.filter(|_| !doubt), out) },
            1 => {
                line.push(id);
                Exchange { node, ..exchange(id, at, Called::Write, None, None, out) }
            }
            _ => {
                line.push(id);
                Exchange { node, ..exchange(id, at, Called::Swap, found, found.filter(|_| !doubt), out) }
            }
        };
        exchanges.push(call);
    }
    let kept = new.clone().unwrap_or_else(|| old.clone());
    let end = 121 * 10 + 50;
    let last = Value { at: [end, end + 1], w: 0, key: 0, value: kept.last().copied() };
    let heir = Heir { node: u16::from(new.is_some()), since: if new.is_some() { fork_at * 10 } else { 0 } };
    Fork { exchanges, last, heir, kept }
}

#[test]
fn a_register_that_never_forks_is_never_accused() {
    let mut rng = ChaCha8Rng::seed_from_u64(33);
    for _ in 0..500 {
        let fork = forked(&mut rng, u64::MAX, 0);
        let told = classes(&fork.exchanges, Some(&fork.last), Some(fork.heir));
        assert!(!told.broken() && told.lost.is_empty(), "{told:#?}");
        assert_eq!(check(&calls(&fork.exchanges, Some(&fork.last)), BUDGET), Verdict::Linearizable);
    }
}

#[test]
fn a_register_that_forks_is_found_out_and_only_what_is_gone_is_called_lost() {
    let mut rng = ChaCha8Rng::seed_from_u64(34);
    let (mut lost, mut updates, mut stale) = (0, 0, 0);
    for _ in 0..500 {
        let (fork_at, lag) = (rng.random_range(20..80), rng.random_range(0..6));
        let fork = forked(&mut rng, fork_at, lag);
        let told = classes(&fork.exchanges, Some(&fork.last), Some(fork.heir));
        for (written, _) in &told.lost {
            assert!(!fork.kept.contains(&written.value), "{} is there: {:?}", written.value, fork.kept);
        }
        lost += told.lost.len();
        updates += told.lost_updates.len();
        stale += told.stale.len();
        let all = calls(&fork.exchanges, Some(&fork.last));
        if told.broken() {
            assert_eq!(check(&all, BUDGET), Verdict::Broken);
        }
    }
    assert!(lost > 2_000 && updates > 60 && stale > 2_000, "{lost} lost, {updates} lost updates, {stale} stale reads");
}

#[test]
fn each_class_is_told_by_a_history_of_a_few_calls() {
    let ok = Outcome::Ok;
    let write = |id, at| exchange(id, at, Called::Write, None, None, ok);
    let read = |id, at, found| exchange(id, at, Called::Read, None, found, ok);
    let swap = |id, at, wanted, found| exchange(id, at, Called::Swap, wanted, found, ok);
    let counts = |exchanges: &[Exchange], last: Option<Value>| {
        let told = classes(exchanges, last.as_ref(), None);
        [told.acknowledged.len(), told.stale.len(), told.lost.len(), told.lost_updates.len(), told.unexpected.len()]
    };
    let last = |value| Some(Value { at: [90, 91], w: 0, key: 0, value });
    assert_eq!(counts(&[write(1, [0, 1]), write(2, [2, 3]), read(3, [4, 5], Some(2))], last(Some(2))), [2, 0, 0, 0, 0]);
    assert_eq!(counts(&[write(1, [0, 1]), write(2, [2, 3]), read(3, [4, 5], Some(1))], None), [2, 1, 0, 0, 0], "nobody knows what went on");
    assert_eq!(counts(&[write(1, [0, 1]), write(2, [2, 3])], last(Some(1))), [2, 1, 1, 0, 0], "the final read is stale, and 2 is gone");
    assert_eq!(counts(&[write(1, [0, 1])], last(None)), [1, 1, 1, 0, 0], "nothing is older than everything");
    assert_eq!(counts(&[swap(1, [0, 9], None, None), swap(2, [1, 8], None, None)], None), [2, 0, 0, 1, 0]);
    assert_eq!(counts(&[swap(1, [0, 9], None, Some(7))], None), [0, 0, 0, 0, 1], "nobody wrote 7");
    assert_eq!(counts(&[read(1, [0, 1], Some(2)), write(2, [5, 6])], None), [1, 0, 0, 0, 1], "read before it was written");
    let failed = Exchange { out: Outcome::Fail, ..write(2, [2, 3]) };
    assert_eq!(counts(&[failed, read(3, [4, 5], Some(2))], None), [0, 0, 0, 0, 1], "it certainly was not executed");
    let unknown = Exchange { out: Outcome::Info, ..write(2, [2, 3]) };
    assert_eq!(counts(&[write(1, [0, 1]), unknown, read(3, [4, 5], Some(1)), read(4, [6, 7], Some(2))], None), [1, 0, 0, 0, 0]);
    // Sent twice by a library, a swap finds its own value: it took effect once.
    assert_eq!(counts(&[swap(1, [0, 9], None, Some(1)), read(2, [10, 11], Some(1))], None), [1, 0, 0, 0, 0]);
}
