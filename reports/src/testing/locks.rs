//! Clients of a lock workload against a server that dies, and against the one that takes over.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::FailoverParams;
use super::failover::Course;
use crate::history::{Event, Final, Op, OpKind, Outcome, Why};

const MS: u64 = 1_000_000;

/// Holder and end of its lease.
type Holder = (u64, u64);
/// Holders by key.
type State = BTreeMap<u32, Holder>;

struct Server {
    state: State,
    /// Every change with its time, so that the replica's state at any time can be had.
    log: Vec<(u64, u32, Option<Holder>)>,
}

impl Server {
    fn change(&mut self, at: u64, key: u32, holder: Option<Holder>) {
        self.log.push((at, key, holder));
        match holder {
            Some(holder) => self.state.insert(key, holder),
            None => self.state.remove(&key),
        };
    }

    fn as_of(&self, at: u64) -> Self {
        let mut replica = Self { state: State::new(), log: Vec::new() };
        for (_, key, holder) in self.log.iter().filter(|(changed, ..)| *changed <= at) {
            replica.change(at, *key, *holder);
        }
        replica
    }
}

/// An operation to come: intended start, client, kind, hold, key.
type Job = (u64, u16, bool, u64, u32);

pub fn run(params: &FailoverParams, course: &Course, rng: &mut ChaCha8Rng, events: &mut Vec<(u64, Event)>) {
    let mut server = Server { state: State::new(), log: Vec::new() };
    let mut promoted = false;
    let rediscovered: Vec<u64> = (0..params.clients).map(|_| course.announced.saturating_add(rng.random_range(5 * MS..60 * MS))).collect();
    let mut jobs: BinaryHeap<Reverse<Job>> = BinaryHeap::new();
    let every = 1_000_000_000 / params.rate.max(1);
    let mut at = 950 * MS;
    let mut id = 0;
    while at < course.end {
        jobs.push(Reverse((at, (id % u64::from(params.clients.max(1))) as u16, false, id, rng.random_range(0..params.keys.max(1)))));
        id += 1;
        at += every;
    }
    while let Some(Reverse((intended, c, release, id, key))) = jobs.pop() {
        let invoked = intended + rng.random_range(3_000..30_000);
        let took = rng.random_range(90_000..450_000);
        if !promoted && intended >= course.writable {
            server = server.as_of(course.killed - params.lag);
            promoted = true;
        }
        let old_alive = invoked + took < course.killed;
        let new_known = invoked >= rediscovered[usize::from(c)];
        let (out, why, node) = if !old_alive && !new_known {
            if invoked < course.killed { (Outcome::Info, Some(Why::Reset), Some(0)) } else { (Outcome::Fail, Some(Why::Connect), None) }
        } else {
            let node = Some(u16::from(new_known));
            let answer = answer(&mut server, params.ttl, invoked + took / 2, release, id, key);
            (answer.0, answer.1, node)
        };
        let completed = invoked + took;
        if !release && out == Outcome::Ok {
            jobs.push(Reverse((completed + params.hold, c, true, id, key)));
        }
        let op = if release { OpKind::Release } else { OpKind::Acquire };
        events.push((completed, Event::Op(Op { w: 0, c, op, id, key, at: [intended, invoked, completed], out, why, node })));
    }
    let read_at = course.end + params.hold.max(20 * MS) + 30 * MS;
    for key in 0..params.keys {
        let held = server.state.get(&key).filter(|(_, until)| *until > read_at);
        let pttl = held.map_or(-2, |(_, until)| ((until - read_at) / MS) as i64);
        let last = Final { at: read_at, w: 0, key, id: held.map(|(id, _)| *id), pttl };
        events.push((read_at, Event::Final(last)));
    }
}

fn answer(server: &mut Server, ttl: u64, at: u64, release: bool, id: u64, key: u32) -> (Outcome, Option<Why>) {
    let holder = server.state.get(&key).filter(|(_, until)| *until > at).map(|(id, _)| *id);
    match (release, holder) {
        (false, None) => {
            server.change(at, key, Some((id, at + ttl)));
            (Outcome::Ok, None)
        }
        (false, Some(_)) => (Outcome::Fail, Some(Why::Held)),
        (true, Some(holder)) if holder == id => {
            server.change(at, key, None);
            (Outcome::Ok, None)
        }
        (true, _) => (Outcome::Ok, Some(Why::Gone)),
    }
}
