//! Keys nobody reaches after slots were moved: against a client that asks its way to every key, on random Clusters that know contradictory things.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::history::{Event, Op, OpKind, Outcome, SlotLeft, SlotsLeft, Why};
use redquake_reports::testing::{Story, header};

const S: u64 = 1_000_000_000;
const NODES: u16 = 4;

const EXPERIMENT: &str = "
topology: { kind: cluster, shards: 3, replicas_per_shard: 1 }
duration: 10s
workloads:
  - { name: w, kind: set, clients: 2, rate: 100/s }
";

/// What a node answers to a client that wants a key.
enum Answer {
    Value,
    Nothing,
    Ask(u16),
    Moved,
}

/// A node serves the slots it owns and those a client was sent to with `ASK` if it holds them for arriving.
fn answers(slot: &SlotLeft, node: u16, has: bool, asking: bool) -> Answer {
    if slot.owner == Some(node) {
        let sends = slot.leaving.iter().find(|(from, _)| *from == node).and_then(|(_, to)| *to);
        return if has { Answer::Value } else { sends.map_or(Answer::Nothing, Answer::Ask) };
    }
    match (asking && slot.arriving.iter().any(|(at, _)| *at == node), has) {
        (true, true) => Answer::Value,
        (true, false) => Answer::Nothing,
        (false, _) => Answer::Moved,
    }
}

/// Whether a client that begins at the owner finds a key that lies on a node.
fn found(slot: &SlotLeft, lies: u16) -> bool {
    let Some(owner) = slot.owner else { return false };
    match answers(slot, owner, owner == lies, false) {
        Answer::Value => true,
        Answer::Ask(to) => matches!(answers(slot, to, to == lies, true), Answer::Value),
        Answer::Nothing | Answer::Moved => false,
    }
}

fn any(rng: &mut ChaCha8Rng, number: u16) -> SlotLeft {
    let node = |rng: &mut ChaCha8Rng| rng.random_bool(0.9).then(|| rng.random_range(0..NODES));
    let some = |rng: &mut ChaCha8Rng| (0..NODES).filter(|_| rng.random_bool(0.4)).collect::<Vec<u16>>();
    SlotLeft {
        slot: number,
        owner: node(rng),
        leaving: some(rng).into_iter().map(|from| (from, node(rng))).collect(),
        arriving: some(rng).into_iter().map(|at| (at, node(rng))).collect(),
        keys: some(rng).into_iter().map(|on| (on, rng.random_range(1..9))).collect(),
    }
}

#[test]
fn a_key_is_out_of_reach_if_a_client_that_asks_its_way_does_not_find_it() {
    let mut rng = ChaCha8Rng::seed_from_u64(101);
    let empty = Story::new(header(EXPERIMENT), [S, 9 * S]);
    let [mut reached, mut asked, mut lost] = [0; 3];
    for number in 0..1_000 {
        let mut story = empty.clone();
        let [mut stranded, mut open, mut moved, mut told_ask] = [0; 4];
        for fault in 0..rng.random_range(1..3) {
            let left: Vec<SlotLeft> = (0..rng.random_range(0..3)).map(|slot| any(&mut rng, slot)).collect();
            for slot in &left {
                open += u64::from(slot.leaving.len() + slot.arriving.len() > 0);
                for (on, keys) in &slot.keys {
                    let there = found(slot, *on);
                    stranded += if there { 0 } else { *keys };
                    let counter = if !there {
                        &mut lost
                    } else if slot.owner == Some(*on) {
                        &mut reached
                    } else {
                        &mut asked
                    };
                    *counter += 1;
                }
            }
            let came = rng.random_range(0..8);
            moved += u64::from(came);
            story.tell(9 * S, Event::Slots(SlotsLeft { at: 9 * S, fault, from: 0, to: 1, planned: 8, moved: came, keys: 3, left }));
        }
        for id in 0..rng.random_range(0..6) {
            let at = rng.random_range(0..9) * S;
            let op = Op { w: 0, c: 0, op: OpKind::Add, id, key: 0, at: [at; 3], out: Outcome::Fail, why: Some(Why::Ask), node: Some(0) };
            told_ask += u64::from(at >= S);
            story.tell(at, Event::Op(op));
        }
        let trial = story.analysed();
        let value = |name: &str| trial.metrics[&format!("failover.{name}")].value() as u64;
        let told = [value("stranded_keys"), value("open_slots"), value("slots_moved"), value("ask")];
        assert_eq!(told, [stranded, open, moved, told_ask], "{number}: {:?}", trial.moves);
    }
    assert!([reached, asked, lost].iter().all(|often| *often > 20), "{reached} {asked} {lost}");
}
