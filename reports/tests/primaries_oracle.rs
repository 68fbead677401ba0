//! Two primaries at once, and primaries that came back with less: instant by instant on a small grid, on random trials.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::history::{
    Called, Event, Exchange, NodeRole, Op, OpKind, Outcome, Probe, ProbeKind, RoleSample, Started, Value, Why,
};
use redquake_reports::result::Sample;
use redquake_reports::testing::{Story, header};

const MS: u64 = 1_000_000;
const TICK: u64 = 10 * MS;
const NODES: u16 = 3;
const ZERO: u64 = 10 * TICK;
const END: u64 = 150 * TICK;

const EXPERIMENT: &str = "
topology: { kind: sentinel }
duration: 31s
workloads:
  - { name: w, kind: lock, clients: 2, rate: 100/s, keys: 1, ttl: 3s, hold: 100ms }
";

/// What a node is seen to be: when, who, whether a primary.
type Sign = (u64, u16, bool);

/// Since when a node that is a primary at the end has been one.
fn reigns_since(signs: &[Sign], node: u16) -> Option<u64> {
    let mut own: Vec<Sign> = signs.iter().copied().filter(|sign| sign.1 == node && sign.0 <= END).collect();
    own.sort_unstable();
    let lost = own.iter().rposition(|sign| !sign.2).map_or(0, |last| last + 1);
    own.get(lost).map(|sign| sign.0)
}

#[test]
fn a_primary_that_died_is_not_the_primary_of_the_end() {
    let experiment = "
topology: { kind: sentinel, replicas: 1 }
duration: 31s
workloads:
  - { name: registers, kind: register, clients: 1, rate: 100/s, keys: 1 }
";
    let mut story = Story::new(header(experiment), [ZERO, END]);
    let said = |at: u64, node, role| {
        Event::Role(RoleSample { at: [at; 2], node, role, offset: 0, link: true, follows: String::new(), syncing: false, priority: None })
    };
    // Both take writes from tick 60 to 90; then the one that was promoted last dies, and the other goes on with all it had.
    for tick in 10..150 {
        let at = tick * TICK;
        let write = |node| Event::Probe(Probe { node, op: ProbeKind::Write, at: [at; 3], out: Outcome::Ok, why: None });
        story.tell(at, write(0));
        if (60..90).contains(&tick) {
            story.tell(at, write(1));
        }
        story.tell(at, said(at, 0, NodeRole::Primary));
        let other = match tick {
            ..60 => NodeRole::Replica,
            60..90 => NodeRole::Primary,
            _ => NodeRole::Unreachable,
        };
        story.tell(at, said(at, 1, other));
    }
    let at = 70 * TICK;
    let op = Op { w: 0, c: 0, op: OpKind::Write, id: 1, key: 0, at: [at; 3], out: Outcome::Ok, why: None, node: Some(0) };
    story.tell(at, Event::Op(op));
    let call = Called::Write;
    let (wanted, found, out, node) = (None, None, Outcome::Ok, Some(0));
    story.tell(at, Event::Exchange(Exchange { w: 0, c: 0, id: 1, key: 0, at: [at; 2], call, wanted, found, out, node }));
    let read = END + TICK;
    story.tell(read, Event::Value(Value { at: [read; 2], w: 0, key: 0, value: Some(1) }));
    let trial = story.analysed();
    assert!(trial.metrics["failover.split_brain"].value() > 0.0, "there were two");
    assert_eq!(trial.metrics["failover.split_brain_writes"], Sample::Exact(0.0), "what redis-1 took is what is there in the end");
    assert_eq!(trial.metrics["registers.lost"], Sample::Exact(0.0), "the final read finds it");
    let kept: Vec<(String, bool)> = trial.split.iter().flat_map(|split| &split.nodes).map(|node| (node.name.clone(), node.kept)).collect();
    assert_eq!(kept, [("redis-1".to_owned(), true), ("redis-2".to_owned(), false)]);
}

#[test]
fn the_time_with_two_primaries_is_that_of_a_count_of_every_instant() {
    let mut rng = ChaCha8Rng::seed_from_u64(61);
    let empty = Story::new(header(EXPERIMENT), [ZERO, END]);
    let [mut split, mut open, mut apart, mut kept, mut discarded] = [0; 5];
    for number in 0..800 {
        let mut story = empty.clone();
        let (mut acks, mut signs) = (vec![Vec::new(); usize::from(NODES)], vec![(0, 0, true)]);
        for node in 0..NODES {
            let mut tick = rng.random_range(0..80);
            let last = if rng.random_bool(0.5) { 155 } else { rng.random_range(40..155) };
            while tick < last && rng.random_bool(0.995) {
                let at = tick * TICK;
                acks[usize::from(node)].push(at);
                signs.push((at, node, true));
                story.tell(at, Event::Probe(Probe { node, op: ProbeKind::Write, at: [at; 3], out: Outcome::Ok, why: None }));
                tick += if rng.random_bool(0.9) { rng.random_range(1..6) } else { rng.random_range(6..30) };
            }
            // It is told to follow; it may not have heard of it.
            for _ in 0..rng.random_range(0..3) {
                let at = rng.random_range(0..160) * TICK + 1;
                signs.push((at, node, false));
                let role = NodeRole::Replica;
                let said =
                    RoleSample { at: [at; 2], node, role, offset: 0, link: true, follows: String::new(), syncing: false, priority: None };
                story.tell(at, Event::Role(said));
            }
        }
        // From one acknowledgement to the next where they are near each other.
        let writes = |node: u16, tick: u64| {
            let (from, to) = (tick * TICK, (tick + 1) * TICK);
            acks[usize::from(node)].windows(2).any(|pair| pair[0] <= from && to <= pair[1] && pair[1] - pair[0] <= 50 * MS)
        };
        let both: Vec<u64> = (ZERO / TICK..END / TICK).filter(|tick| (0..NODES).filter(|node| writes(*node, *tick)).count() > 1).collect();
        let who: Vec<u16> = (0..NODES).filter(|node| both.iter().any(|tick| writes(*node, *tick))).collect();
        let stays = (0..NODES).filter_map(|node| Some((reigns_since(&signs, node)?, node))).max().map(|(_, node)| node);

        let mut harm = 0;
        for id in 0..60 {
            let (at, node) = (rng.random_range(0..END / 1_000) * 1_000, rng.random_range(0..NODES));
            let (op, out, why) = match rng.random_range(0..8) {
                0 => (OpKind::Read, Outcome::Ok, None),
                1 => (OpKind::Release, Outcome::Ok, Some(Why::Gone)),
                2 => (OpKind::Acquire, Outcome::Fail, Some(Why::Held)),
                3 => (OpKind::Acquire, Outcome::Info, Some(Why::Timeout)),
                _ => (OpKind::Acquire, Outcome::Ok, None),
            };
            let wrote = op == OpKind::Acquire && out == Outcome::Ok;
            harm += u64::from(wrote && both.contains(&(at / TICK)) && who.contains(&node) && stays != Some(node));
            story.tell(at, Event::Op(Op { w: 0, c: 0, op, id, key: 0, at: [at; 3], out, why, node: Some(node) }));
        }

        let trial = story.analysed();
        let length = both.len() as f64 * TICK as f64;
        let lasts = both.last().is_some_and(|last| (last + 1) * TICK + 100 * MS >= END);
        let wanted = if lasts { Sample::AtLeast(length) } else { Sample::Exact(length) };
        assert_eq!(trial.metrics["failover.split_brain"], wanted, "{number}: {acks:?}");
        assert_eq!(trial.metrics["failover.split_brain_writes"], Sample::Exact(harm as f64), "{number}: {acks:?} {signs:?}");
        let told: Vec<(String, bool)> =
            trial.split.iter().flat_map(|split| &split.nodes).map(|node| (node.name.clone(), node.kept)).collect();
        let named: Vec<(String, bool)> = who.iter().map(|node| (format!("redis-{}", node + 1), stays == Some(*node))).collect();
        assert_eq!(told, named, "{number}: {acks:?} {signs:?}");
        let spans: Vec<[u64; 2]> =
            both.chunk_by(|one, next| one + 1 == *next).map(|run| [run[0] * TICK, (run[run.len() - 1] + 1) * TICK]).collect();
        split += u32::from(!both.is_empty());
        open += u32::from(lasts);
        apart += u32::from(spans.len() > 1);
        kept += u32::from(stays.is_some_and(|node| who.contains(&node)));
        discarded += u32::from(harm > 0);
        assert_eq!(trial.split.map(|split| split.spans).unwrap_or_default(), spans, "{number}: {acks:?}");
    }
    let seen = [split, open, apart, kept, discarded];
    assert!(split < 780 && seen.iter().all(|often| *often > 40), "{seen:?}");
}

/// What a node said, or that it was started again.
#[derive(Debug, Clone)]
enum Said {
    Sample(NodeRole, u64),
    Started(Option<&'static str>),
}

#[test]
fn a_reset_is_what_a_look_at_every_two_answers_in_a_row_says() {
    use NodeRole::{Primary, Replica, Unreachable};
    let mut rng = ChaCha8Rng::seed_from_u64(62);
    let zero = END / 4;
    let empty = Story::new(header(EXPERIMENT), [zero, END]);
    let mut seen = [0; 5];
    for number in 0..2_000 {
        let mut story = empty.clone();
        let mut told: Vec<(u64, u16, Said)> = Vec::new();
        for step in 0..rng.random_range(4..30) {
            // No two at one instant.
            let (at, node) = (rng.random_range(0..END / 64) * 64 + step, rng.random_range(0..NODES));
            let said = match rng.random_range(0..12) {
                0 => Said::Started(Some("DB loaded from append only file: 0.001 seconds")),
                1 => Said::Started([None, Some("DB loaded from disk: 0.000 seconds")][rng.random_range(0..2)]),
                2..4 => Said::Sample(Unreachable, 0),
                4..6 => Said::Sample(Replica, rng.random_range(0..100)),
                _ if node == 0 || rng.random_bool(0.2) => Said::Sample(Primary, rng.random_range(0..100)),
                _ => Said::Sample(Unreachable, 0),
            };
            told.push((at, node, said));
        }
        told.sort_by_key(|one| one.0);
        for (at, node, said) in &told {
            let (at, node) = (*at, *node);
            story.tell(
                at,
                match said {
                    Said::Sample(role, offset) => {
                        let (role, offset) = (*role, *offset);
                        Event::Role(RoleSample {
                            at: [at; 2],
                            node,
                            role,
                            offset,
                            link: true,
                            follows: String::new(),
                            syncing: false,
                            priority: None,
                        })
                    }
                    Said::Started(loaded) => Event::Started(Started { at: [at; 2], node, loaded: loaded.map(str::to_owned) }),
                },
            );
        }
        let mut resets = 0;
        for (place, (at, node, said)) in told.iter().enumerate() {
            let Said::Sample(Primary, after) = said else { continue };
            let answered = |one: &&(u64, u16, Said)| one.1 == *node && matches!(one.2, Said::Sample(Primary | Replica, _));
            let Some((since, _, Said::Sample(Primary, before))) = told[..place].iter().rev().find(answered) else { continue };
            if after >= before {
                continue;
            }
            seen[0] += 1;
            let between = told.iter().filter(|one| one.1 == *node && (*since..=*at).contains(&one.0));
            let start = between.filter_map(|one| if let Said::Started(loaded) = one.2 { Some(loaded) } else { None }).next_back();
            let kept = start.flatten().is_some_and(|line| line.contains("append only"));
            // Another primary: its latest sample was an answer, and it said so.
            let latest = |other: u16| told[..place].iter().rev().find(|one| one.1 == other && matches!(one.2, Said::Sample(..)));
            let leads = |other: u16| match latest(other) {
                Some((_, _, Said::Sample(role, _))) => *role == Primary,
                // The first node began as the primary, and nobody saw it otherwise.
                _ => other == 0,
            };
            let followed = (0..NODES).any(|other| other != *node && leads(other));
            let early = *at < zero;
            resets += u64::from(!kept && !followed && !early);
            [kept, followed, early, !kept && !followed && !early].iter().zip(&mut seen[1..]).for_each(|(now, sum)| *sum += u32::from(*now));
        }
        let trial = story.analysed();
        assert_eq!(trial.metrics["failover.data_resets"], Sample::Exact(resets as f64), "{number}: {told:?}");
    }
    assert!(seen.iter().all(|often| *often > 40), "{seen:?}");
}
