//! The search for a legal order of register calls, against every order there is.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::register::{Call, Kind, Verdict, check, check_all};

const BUDGET: u64 = 1_000_000;

/// Tries every order of every choice of the calls without an answer.
fn legal(calls: &[Call], done: u32, state: Option<u64>) -> bool {
    let left = || (0..calls.len()).filter(|index| done & 1 << index == 0);
    if left().all(|index| calls[index].completed.is_none()) {
        return true;
    }
    let first_end = left().filter_map(|index| calls[index].completed).min().unwrap_or(u64::MAX);
    left().filter(|index| calls[*index].invoked <= first_end).any(|index| {
        let next = match calls[index].kind {
            Kind::Read(found) if calls[index].completed.is_some() => (found == state).then_some(state),
            Kind::NoSwap(wanted) if calls[index].completed.is_some() => (wanted != state).then_some(state),
            Kind::Read(_) | Kind::NoSwap(_) => Some(state),
            Kind::Write(value) => Some(Some(value)),
            Kind::Swap(found, value) => (found == state).then_some(Some(value)),
        };
        next.is_some_and(|next| legal(calls, done | 1 << index, next))
    })
}

#[test]
fn the_search_agrees_with_every_order_there_is() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut sound, mut broken) = (0, 0);
    for number in 0..20_000 {
        let calls: Vec<Call> = (0..rng.random_range(1..7))
            .map(|_| {
                let invoked = rng.random_range(0..12);
                let found = [None, Some(1), Some(2)][rng.random_range(0..3)];
                let kind = match rng.random_range(0..5) {
                    0 | 1 => Kind::Write(rng.random_range(1..3)),
                    2 => Kind::Swap(found, rng.random_range(1..3)),
                    3 => Kind::NoSwap(found),
                    _ => Kind::Read(found),
                };
                Call { invoked, completed: rng.random_bool(0.85).then(|| invoked + rng.random_range(0..5)), kind }
            })
            .collect();
        let expected = legal(&calls, 0, None);
        let verdict = if expected { Verdict::Linearizable } else { Verdict::Broken };
        assert_eq!(check(&calls, BUDGET), verdict, "{number}: {calls:#?}");
        if expected { sound += 1 } else { broken += 1 }
    }
    assert!(sound > 4_000 && broken > 4_000, "the histories are too easy: {sound} sound, {broken} broken");
}

/// Calls of a real register with `clients` at work: each takes effect at one instant within its interval.
fn served(rng: &mut ChaCha8Rng, many: u64, clients: u64) -> Vec<Call> {
    let mut state = None;
    let call = |number: u64| {
        let at = number * 10;
        let spread = clients * 10;
        let (invoked, completed) = (at.saturating_sub(rng.random_range(0..=spread)), at + rng.random_range(0..=spread));
        let kind = match rng.random_range(0..3) {
            0 => {
                state = Some(number);
                Kind::Write(number)
            }
            1 => Kind::Read(state),
            _ if rng.random_bool(0.5) => {
                let before = state;
                state = Some(number);
                Kind::Swap(before, number)
            }
            _ => Kind::NoSwap(Some(u64::MAX)),
        };
        Call { invoked, completed: Some(completed), kind }
    };
    (0..many).map(call).collect()
}

#[test]
fn long_histories_of_a_real_register_pass_and_one_stale_read_breaks_them() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut calls = served(&mut rng, 400, 6);
    assert_eq!(check(&calls, BUDGET), Verdict::Linearizable);
    let first = calls.iter().find_map(|call| matches!(call.kind, Kind::Write(_) | Kind::Swap(..)).then_some(call.kind)).unwrap();
    let (Kind::Write(old) | Kind::Swap(_, old)) = first else { unreachable!() };
    calls.push(Call { invoked: 9_000, completed: Some(9_001), kind: Kind::Read(Some(old)) });
    assert_eq!(check(&calls, BUDGET), Verdict::Broken, "a value of long ago is read at the end");
}

#[test]
fn a_sound_register_is_proved_sound_however_many_calls_wait_at_once() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    // As after a stall of the machine, again and again: every call overlaps a hundred others.
    let mut calls = served(&mut rng, 6_000, 50);
    calls.retain(|call| !matches!(call.kind, Kind::NoSwap(_)));
    assert_eq!(check(&calls, 2 * calls.len() as u64), Verdict::Linearizable);
}

#[test]
fn a_search_without_budget_says_so_and_registers_are_judged_apart() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (calls, stale) = (served(&mut rng, 200, 6), [Call { invoked: 0, completed: Some(1), kind: Kind::Read(Some(9)) }]);
    assert_eq!(check(&calls, 10), Verdict::Inconclusive);
    let registers = [(1, calls.as_slice()), (2, &stale), (3, &[])];
    assert_eq!(check_all(registers, BUDGET), (vec![2], vec![]));
    assert_eq!(check_all(registers, 10), (vec![2], vec![1]));
}
