//! Many operations of a lock that works, for benches.

use crate::history::{Op, OpKind, Outcome};

/// `ops` acquires and releases over `keys` locks by 64 clients, in order of completion, with lifetime `ttl` in mind:
/// every hold lasts a thousandth of it. No two holds of one key overlap.
pub fn lock_history(ops: u64, keys: u32, ttl: u64) -> impl Iterator<Item = Op> {
    let (hold, keys) = (ttl / 1000, u64::from(keys.max(1)));
    // All keys are taken in one round and given back in the next half of it.
    let step = (2 * hold / keys).max(10);
    (0..ops).map(move |index| {
        let (round, place) = (index / (2 * keys), index % (2 * keys));
        let key = (place % keys) as u32;
        let id = round * keys + u64::from(key);
        let op = if place < keys { OpKind::Acquire } else { OpKind::Release };
        let intended = 1_000_000_000 + index * step;
        Op {
            w: 0,
            c: (id % 64) as u16,
            op,
            id,
            key,
            at: [intended, intended + 2_417, intended + 181_733],
            out: Outcome::Ok,
            why: None,
            node: Some(0),
        }
    })
}
