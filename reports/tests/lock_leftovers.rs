//! Which locks stay stuck, against a model server that knows: clients crash holding, replies and requests are lost, and
//! some servers forget expiries or never act on them.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::locks::{LockRules, Locks, Names};
use redquake_reports::history::{Final, Op, OpKind, Outcome, Why};
use redquake_reports::result::AnomalyKind;

const HISTORIES: u32 = 20_000;
const KEYS: u32 = 3;
const MS: u64 = 1_000_000;
const TTL: u64 = 300 * MS;
const EXPIRING: LockRules = LockRules { ttl: TTL, drift: 5 * MS, renewed: false };
const ENDLESS: LockRules = LockRules { ttl: u64::MAX, drift: 0, renewed: false };
/// Clients stop then; all faults were over from the beginning.
const STOPPED: u64 = 3_000 * MS;

/// What is wrong with a server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Sound,
    /// Some locks lose their expiry, as after a command that writes a key anew.
    ForgetsExpiry,
    /// Its clock stands still: locks say that they will expire, and do not.
    NeverExpires,
}

/// A server with one value a key: whose token, and until when.
struct Model {
    kind: Server,
    ttl: Option<u64>,
    held: [Option<(u64, Option<u64>)>; KEYS as usize],
}

impl Model {
    fn value(&mut self, key: u32, now: u64) -> &mut Option<(u64, Option<u64>)> {
        let value = &mut self.held[key as usize];
        if self.kind != Server::NeverExpires && matches!(value, Some((_, Some(end))) if *end <= now) {
            *value = None;
        }
        value
    }

    fn acquire(&mut self, key: u32, id: u64, now: u64, forgets: bool) -> bool {
        let end = self.ttl.map(|ttl| now + ttl).filter(|_| !(forgets && self.kind == Server::ForgetsExpiry));
        let value = self.value(key, now);
        let free = value.is_none();
        if free {
            *value = Some((id, end));
        }
        free
    }

    fn release(&mut self, key: u32, id: u64, now: u64) -> bool {
        let value = self.value(key, now);
        let own = matches!(value, Some((holder, _)) if *holder == id);
        if own {
            *value = None;
        }
        own
    }
}

/// Attempts on a few keys, executed by the server in the order of time, and what it holds afterwards.
fn history(rng: &mut ChaCha8Rng, kind: Server, ttl: Option<u64>) -> (Vec<Op>, Vec<Final>) {
    let mut model = Model { kind, ttl, held: [None; KEYS as usize] };
    let mut ops = Vec::new();
    // Releases that are still to come: when, key, hold.
    let mut due: Vec<(u64, u32, u64)> = Vec::new();
    let op =
        |op, id: u64, key, at: u64, out, why| Op { w: 0, c: id as u16, op, id, key, at: [at - MS, at - MS, at + MS], out, why, node: None };
    let mut now = 2 * MS;
    for id in 0..rng.random_range(1..12) {
        now += rng.random_range(1..160) * MS;
        due.sort_unstable();
        while let Some((at, key, hold)) = due.first().copied().filter(|(at, ..)| *at <= now) {
            due.remove(0);
            ops.push(give_back(rng, &mut model, &op, at, key, hold));
        }
        if now >= STOPPED {
            break;
        }
        let key = rng.random_range(0..KEYS);
        let (sent, answered, forgets) = (rng.random_bool(0.9), rng.random_bool(0.9), rng.random_bool(0.2));
        let granted = sent && model.acquire(key, id, now, forgets);
        let (out, why) = match (sent && answered, granted) {
            (false, _) => (Outcome::Info, Some(Why::Timeout)),
            (true, true) => (Outcome::Ok, None),
            (true, false) => (Outcome::Fail, Some(Why::Held)),
        };
        ops.push(op(OpKind::Acquire, id, key, now, out, why));
        // One in ten dies holding it.
        if out == Outcome::Ok && rng.random_bool(0.9) {
            due.push((now + rng.random_range(2..200) * MS, key, id));
        }
    }
    due.sort_unstable();
    for (at, key, hold) in due {
        ops.push(give_back(rng, &mut model, &op, at.min(STOPPED), key, hold));
    }
    let read = STOPPED + rng.random_range(2..4_000) * MS;
    let finals = (0..KEYS).map(|key| {
        let (id, pttl) = match *model.value(key, read) {
            None => (None, -2),
            Some((id, None)) => (Some(id), -1),
            Some((id, Some(end))) => (Some(id), ((end.saturating_sub(read) / MS) as i64).max(1)),
        };
        Final { at: read, w: 0, key, id, pttl }
    });
    let finals = finals.collect();
    (ops, finals)
}

fn give_back(
    rng: &mut ChaCha8Rng,
    model: &mut Model,
    op: &impl Fn(OpKind, u64, u32, u64, Outcome, Option<Why>) -> Op,
    at: u64,
    key: u32,
    hold: u64,
) -> Op {
    match rng.random_range(0..10) {
        0 => op(OpKind::Release, hold, key, at, Outcome::Fail, Some(Why::Connect)),
        1 => {
            if rng.random_bool(0.5) {
                model.release(key, hold, at);
            }
            op(OpKind::Release, hold, key, at, Outcome::Info, Some(Why::Timeout))
        }
        _ => {
            let own = model.release(key, hold, at);
            op(OpKind::Release, hold, key, at, Outcome::Ok, (!own).then_some(Why::Gone))
        }
    }
}

/// Keys the analysis calls stuck.
fn stuck(rules: LockRules, ops: &[Op], finals: &[Final]) -> Vec<u32> {
    let mut locks = Locks::new(rules);
    ops.iter().for_each(|op| locks.op(op));
    finals.iter().for_each(|last| locks.last(last));
    let found = locks.finish(Some(0), &Names { workload: "locks", nodes: &[], zero: 0 });
    let mut keys: Vec<u32> =
        found.anomalies.iter().filter(|anomaly| anomaly.kind == AnomalyKind::StuckLock).map(|anomaly| anomaly.key).collect();
    keys.sort_unstable();
    assert_eq!(keys.len() as u64, found.counts.stuck);
    assert!(found.counts.double_held_time <= STOPPED, "nobody holds anything longer than the trial: {:?}", found.counts);
    keys
}

#[test]
fn locks_without_expiry_are_stuck_exactly_when_their_last_holder_left_them_behind() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (mut left, mut free) = (0, 0);
    for number in 0..HISTORIES {
        let (ops, finals) = history(&mut rng, Server::Sound, None);
        let truth: Vec<u32> = finals.iter().filter(|last| last.id.is_some()).map(|last| last.key).collect();
        assert_eq!(stuck(ENDLESS, &ops, &finals), truth, "history {number}: {ops:#?} {finals:#?}");
        if truth.is_empty() { free += 1 } else { left += 1 }
    }
    assert!(left > HISTORIES / 10 && free > HISTORIES / 10, "the histories are too easy: {left} left, {free} free");
}

#[test]
fn locks_with_expiry_are_never_stuck_on_a_server_that_expires_them_whoever_crashes() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for number in 0..HISTORIES {
        let (ops, finals) = history(&mut rng, Server::Sound, Some(TTL));
        assert!(stuck(EXPIRING, &ops, &finals).is_empty(), "history {number}: {ops:#?} {finals:#?}");
    }
}

#[test]
fn a_server_that_forgets_expiries_is_caught_by_every_lock_it_left_without_one() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut caught = 0;
    for _ in 0..HISTORIES {
        let (ops, finals) = history(&mut rng, Server::ForgetsExpiry, Some(TTL));
        let found = stuck(EXPIRING, &ops, &finals);
        for last in finals.iter().filter(|last| last.pttl == -1) {
            assert!(found.contains(&last.key));
            caught += 1;
        }
    }
    assert!(caught > HISTORIES / 10, "only {caught}");
}

#[test]
fn a_server_that_never_expires_is_caught_once_no_hold_can_have_lived_so_long() {
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    let mut caught = 0;
    for _ in 0..HISTORIES {
        let (ops, finals) = history(&mut rng, Server::NeverExpires, Some(TTL));
        let found = stuck(EXPIRING, &ops, &finals);
        for last in finals.iter().filter(|last| last.id.is_some() && last.at >= EXPIRING.expired(STOPPED)) {
            assert!(found.contains(&last.key), "{last:?}");
            caught += 1;
        }
    }
    assert!(caught > HISTORIES / 10, "only {caught}");
}

#[test]
fn an_attempt_that_a_cut_held_back_may_be_granted_as_long_after_it_as_it_was_sent_before() {
    let op =
        |id, at: [u64; 2], out, why| Op { w: 0, c: 0, op: OpKind::Acquire, id, key: 0, at: [at[0], at[0], at[1]], out, why, node: None };
    let healed = 11_000 * MS;
    let refused_at = |at| {
        let mut locks = Locks::new(EXPIRING);
        locks.op(&op(1, [4_000 * MS, 4_500 * MS], Outcome::Info, Some(Why::Timeout)));
        locks.op(&op(2, [at, at + MS], Outcome::Fail, Some(Why::Held)));
        locks.finish(Some(healed), &Names { workload: "locks", nodes: &[], zero: 0 }).counts.stuck
    };
    let latest = EXPIRING.expired(healed + 7_000 * MS);
    assert_eq!(refused_at(latest - 1), 0, "sent 7 s before the healing, it may have arrived 7 s after it");
    assert_eq!(refused_at(latest), 1);
}
