//! Many operations of workloads that work, for benches and for the memory of an analysis.

use crate::history::{
    Called, DecidedBy, Decision, End, Event, Exchange, Header, Members, NodeRole, Op, OpKind, Outcome, Phase, PhaseName, Probe, ProbeKind,
    Read, ReadFrom, RoleSample, Why,
};
use crate::testing::Story;

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

/// Kinds of workloads that [`long_trial`] can forge, as an experiment file has them.
pub const KINDS: [(&str, &str); 7] = [
    ("lock", "kind: lock, keys: 1000, ttl: 3s, hold: 3ms"),
    ("set", "kind: set, keys: 16"),
    ("counter", "kind: counter, keys: 64"),
    ("register", "kind: register, keys: 256"),
    ("fixed-window-limiter", "kind: fixed-window-limiter, subjects: 100, limit: 1000, window: 1s"),
    ("sliding-window-limiter", "kind: sliding-window-limiter, subjects: 100, limit: 1000, window: 1s"),
    ("cache-aside", "kind: cache-aside, keys: 1000, database: sqlite"),
];

/// The header and the events of a trial in which clients of one kind do so many operations a second for so many seconds without a fault,
/// beside all that probes and observers record of three data nodes.
///
/// # Panics
/// When there is no such kind.
pub fn long_trial(kind: &str, seconds: u64, rate: u64) -> (Header, impl Iterator<Item = Event>) {
    const MS: u64 = 1_000_000;
    /// Elements told at once, of all sets together.
    const PART: u64 = 160_000;
    let (_, spec) = KINDS.into_iter().find(|(name, _)| *name == kind).expect("a kind that can be forged");
    let header = crate::testing::header(&format!(
        "topology: {{ kind: sentinel }}\nduration: {seconds}s\nworkloads:\n  - {{ name: load, clients: 64, rate: {rate}/s, {spec} }}\nassert:\n  - {{ metric: failover.count, expect: \"count == 0\" }}\n"
    ));
    let (zero, end) = (1_000 * MS, (1_000 + seconds * 1_000) * MS);
    let begin = Story::new(header.clone(), [zero, end]).nodes();
    let first = std::iter::once(Event::Phase(Phase { at: zero, name: PhaseName::Baseline }));
    let kind = kind.to_owned();
    let ids = seconds * rate;
    let last_kind = kind.clone();
    let load = (0..seconds * 1_000).flat_map(move |slice| {
        let at = zero + slice * MS;
        let mut events = Vec::new();
        let probe = |node: u16, op, took: u64| {
            let refused = node > 0 && op == ProbeKind::Write;
            let (out, why) = if refused { (Outcome::Fail, Some(Why::Readonly)) } else { (Outcome::Ok, None) };
            Event::Probe(Probe { node, op, at: [at, at + 2_000, at + took], out, why })
        };
        for node in 0..3_u16 {
            events.push(probe(node, ProbeKind::Write, 180_000 + u64::from(node) * 1_000 + slice % 977));
            if slice % 5 == 0 {
                events.push(probe(node, ProbeKind::Read, 150_000 + slice % 991));
            }
            if slice % 20 == 0 {
                let role = if node == 0 { NodeRole::Primary } else { NodeRole::Replica };
                let (at, offset) = ([at, at + 200_000], slice * 1_000);
                events.push(Event::Role(RoleSample {
                    at,
                    node,
                    role,
                    offset,
                    link: true,
                    follows: String::new(),
                    syncing: false,
                    priority: None,
                }));
            }
        }
        let range = (slice * rate / 1_000)..((slice + 1) * rate / 1_000);
        events.extend(range.flat_map(|id| operation(&kind, id, at + id % 900 * 1_000)));
        events
    });
    // A large set is told in parts, as a final read does.
    let parts = (0..ids.div_ceil(PART)).filter(move |_| last_kind == "set").flat_map(move |part| {
        (0..16_u32).map(move |key| {
            let ids = (part * PART..((part + 1) * PART).min(ids)).filter(|id| id % 16 == u64::from(key)).collect();
            Event::Members(Members { at: end + MS, w: 0, key, ids, foreign: 0 })
        })
    });
    let last = [Event::Phase(Phase { at: end, name: PhaseName::Recovery }), Event::Phase(Phase { at: end, name: PhaseName::Stop })];
    let stop = Event::End(End { at: end + 2 * MS, ..End::default() });
    (header, begin.into_iter().chain(first).chain(load).chain(last).chain(parts).chain([stop]))
}

/// What one arrival of a kind leaves in a history.
fn operation(kind: &str, id: u64, at: u64) -> Vec<Event> {
    let times = [at, at + 2_417, at + 181_733 + id % 40_009];
    let op = |op, id, key: u64| {
        let c = (id % 64) as u16;
        Event::Op(Op { w: 0, c, op, id, key: key as u32, at: times, out: Outcome::Ok, why: None, node: Some(0) })
    };
    let exchange = |call, key: u64, found| {
        Event::Exchange(Exchange {
            w: 0,
            c: (id % 64) as u16,
            id,
            key: key as u32,
            at: [times[1], times[2]],
            call,
            wanted: None,
            found,
            out: Outcome::Ok,
            node: Some(0),
        })
    };
    match kind {
        "set" => vec![op(OpKind::Add, id, id % 16)],
        "counter" => vec![op(OpKind::Increment, id, id % 64), exchange(Called::Increment, id % 64, Some(id / 64 + 1))],
        "register" if id % 512 < 256 => vec![op(OpKind::Write, id, id % 256), exchange(Called::Write, id % 256, None)],
        "register" => vec![op(OpKind::Read, id, id % 256), exchange(Called::Read, id % 256, Some(id - 256))],
        "cache-aside" => vec![
            op(OpKind::Get, id, id % 1_000),
            Event::Read(Read { w: 0, c: (id % 64) as u16, id, key: (id % 1_000) as u32, at: [times[0], times[2]], from: ReadFrom::Cache }),
        ],
        "fixed-window-limiter" | "sliding-window-limiter" => vec![
            op(OpKind::Count, id, id % 100),
            Event::Decision(Decision {
                w: 0,
                c: (id % 64) as u16,
                id,
                key: (id % 100) as u32,
                window: if kind == "fixed-window-limiter" { at / 1_000_000_000 } else { 0 },
                at: [times[1], times[2]],
                admit: true,
                by: DecidedBy::Redis,
                value: Some(id / 100 % 180 + 1),
                ran: Outcome::Ok,
            }),
        ],
        _ if id.is_multiple_of(2) => vec![op(OpKind::Acquire, id / 2, id / 2 % 1_000)],
        // Given back a thousand arrivals after it was taken.
        _ => (id / 2).checked_sub(500).map(|held| op(OpKind::Release, held, held % 1_000)).into_iter().collect(),
    }
}
