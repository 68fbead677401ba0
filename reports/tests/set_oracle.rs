//! What the final reads of sets say of each addition, against a plain look at every element, on random small histories.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::locks::Names;
use redquake_reports::analysis::servers::Servers;
use redquake_reports::analysis::sets::Sets;
use redquake_reports::history::{Members, Op, OpKind, Outcome};
use redquake_reports::result::{NodeWrites, SetCounts};

const KEYS: u32 = 3;
const ELEMENTS: u64 = 8;
const NODES: u16 = 2;

/// Every addition and what each set has in the end; `None` for one that could not be read.
#[derive(Debug)]
struct History {
    adds: Vec<Op>,
    sets: Vec<Option<Vec<u64>>>,
    foreign: u64,
}

fn any(rng: &mut ChaCha8Rng) -> History {
    let mut adds = Vec::new();
    for id in 0..rng.random_range(0..ELEMENTS) {
        let key = rng.random_range(0..KEYS);
        // A client that is sent elsewhere asks again; nothing was executed by then.
        if rng.random_bool(0.2) {
            adds.push(add(id, key, Outcome::Fail, None));
        }
        let out = [Outcome::Ok, Outcome::Ok, Outcome::Info, Outcome::Fail][rng.random_range(0..4)];
        let node = rng.random_bool(0.9).then(|| rng.random_range(0..NODES));
        adds.push(add(id, key, out, node));
    }
    let read = |rng: &mut ChaCha8Rng, key| {
        let has = |rng: &mut ChaCha8Rng, id: u64| {
            // Most of what was added to a set is in it; little else is.
            let own = adds.iter().any(|add| add.id == id && add.key == key);
            rng.random_bool(if own { 0.6 } else { 0.04 })
        };
        rng.random_bool(0.8).then(|| (0..ELEMENTS + 2).filter(|id| has(rng, *id)).collect())
    };
    let sets = (0..KEYS).map(|key| read(rng, key)).collect();
    let foreign = if rng.random_bool(0.1) { 2 } else { 0 };
    History { adds, sets, foreign }
}

fn add(id: u64, key: u32, out: Outcome, node: Option<u16>) -> Op {
    Op { w: 0, c: 0, op: OpKind::Add, id, key, at: [id * 10, id * 10, id * 10 + 5], out, why: None, node }
}

/// Element by element and set by set, as the definitions have it.
fn by_hand(history: &History) -> SetCounts {
    let mut counts = SetCounts { unexpected: history.foreign, ..SetCounts::default() };
    let mut by_node: BTreeMap<(bool, u16), [u64; 2]> = BTreeMap::new();
    for (key, set) in (0..).zip(&history.sets) {
        for id in 0..ELEMENTS + 2 {
            let outcomes: Vec<&Op> = history.adds.iter().filter(|add| add.id == id && add.key == key).collect();
            let acknowledged = outcomes.iter().find(|add| add.out == Outcome::Ok);
            let unknown = outcomes.iter().any(|add| add.out == Outcome::Info);
            let there = set.as_ref().map(|set| set.contains(&id));
            match (acknowledged, there) {
                (Some(_), None) => counts.never_read += 1,
                (Some(_), Some(false)) => counts.lost += 1,
                (None, Some(true)) if unknown => counts.recovered += 1,
                (None, Some(true)) => counts.unexpected += 1,
                _ => {}
            }
            if let Some(add) = acknowledged {
                counts.acknowledged += 1;
                let of = by_node.entry((add.node.is_none(), add.node.unwrap_or_default())).or_default();
                *of = [of[0] + 1, of[1] + u64::from(there == Some(false))];
            }
        }
    }
    let name = |(nobody, node): (bool, u16)| if nobody { "unknown".to_owned() } else { format!("redis-{}", node + 1) };
    let told = by_node.into_iter().map(|(of, [acknowledged, lost])| NodeWrites { node: name(of), acknowledged, lost });
    counts.by_node = told.collect();
    counts
}

fn judged(history: &History) -> SetCounts {
    let mut sets = Sets::default();
    history.adds.iter().for_each(|add| sets.op(add));
    for (key, set) in (0..).zip(&history.sets) {
        let Some(ids) = set else { continue };
        // A large set is told in several parts.
        let (one, other) = ids.split_at(ids.len() / 2);
        for (ids, foreign) in [(one, 0), (other, 0)] {
            sets.members(&Members { at: 1_000, w: 0, key, ids: ids.to_vec(), foreign });
        }
    }
    if history.foreign > 0 {
        let first = (0..).zip(&history.sets).find_map(|(key, set)| set.as_ref().map(|_| key));
        sets.members(&Members { at: 1_000, w: 0, key: first.unwrap_or(KEYS), ids: Vec::new(), foreign: history.foreign });
    }
    let nodes = ["redis-1".to_owned(), "redis-2".to_owned()];
    let found = sets.finish(&Names { workload: "w", nodes: &nodes, zero: 0 }, &Servers::default());
    let told = found.anomalies.len() as u64;
    // What no client can have written has no name: one row tells how much of it there is.
    let unnamed = u64::from(history.foreign > 0);
    assert_eq!(told, found.counts.lost + found.counts.unexpected - history.foreign + unnamed, "each is told with its evidence");
    found.counts
}

#[test]
fn every_element_is_what_a_look_at_its_addition_and_its_set_says() {
    let mut rng = ChaCha8Rng::seed_from_u64(31);
    let mut seen = [0; 6];
    for number in 0..5_000 {
        let history = any(&mut rng);
        let wanted = by_hand(&history);
        assert_eq!(judged(&history), wanted, "{number}: {history:?}");
        // An element that strayed into another set than its own.
        let strayed = |add: &Op| (0..).zip(&history.sets).any(|(key, set)| key != add.key && set.iter().flatten().any(|id| *id == add.id));
        let strayed = history.adds.iter().any(strayed);
        let now =
            [wanted.lost, wanted.recovered, wanted.unexpected, wanted.never_read, wanted.by_node.len() as u64 / 3, u64::from(strayed)];
        seen.iter_mut().zip(now).for_each(|(sum, now)| *sum += u64::from(now > 0));
    }
    assert!(seen.iter().all(|often| *often > 200), "{seen:?}");
}
