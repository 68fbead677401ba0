//! Calls that need no place in the order.

use std::collections::HashSet;

use super::search::{Call, Kind};

/// Leaves out calls without an answer that say nothing: reads, and writes of a value that nobody found, which may as well never have happened.
///
/// A call that only says which value was not found can tell such a write from none; where there is one, writes stay.
pub fn prune(calls: &[Call]) -> Vec<Call> {
    let answered = |call: &Call| call.completed.is_some();
    let told = |call: &&Call| answered(call) || !matches!(call.kind, Kind::Read(_) | Kind::NoSwap(_));
    let mut calls: Vec<Call> = calls.iter().filter(told).copied().collect();
    if calls.iter().any(|call| matches!(call.kind, Kind::NoSwap(_))) {
        return calls;
    }
    loop {
        // A swap without an answer that is left out found nothing either, so its turn comes before that of what it would have found.
        let found: HashSet<u64> = calls.iter().filter_map(|call| found(call.kind)).collect();
        let before = calls.len();
        calls.retain(|call| answered(call) || written(call.kind).is_some_and(|value| found.contains(&value)));
        if calls.len() == before {
            return calls;
        }
    }
}

/// The value a call found.
fn found(kind: Kind) -> Option<u64> {
    match kind {
        Kind::Read(found) | Kind::Swap(found, _) => found,
        Kind::Write(_) | Kind::NoSwap(_) => None,
    }
}

/// The value a call wrote.
fn written(kind: Kind) -> Option<u64> {
    match kind {
        Kind::Write(value) | Kind::Swap(_, value) => Some(value),
        Kind::Read(_) | Kind::NoSwap(_) => None,
    }
}
