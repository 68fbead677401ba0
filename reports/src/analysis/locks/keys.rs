//! Locks nobody can take.
//!
//! A key is stuck when an attempt was answered `held` at a time at which no hold that is known, or possible because a
//! reply was lost, could still have lived; or when the final read finds it without expiry, or still there so late.

use crate::analysis::hash::Map;

use super::LockRules;
use crate::history::{Final, Op, OpKind, Outcome, Vote, Why};

/// What is remembered of a key.
#[derive(Debug, Clone, Copy, Default)]
struct Key {
    /// Completion of the last acquire that was, or may have been, granted.
    granted: u64,
    /// The earliest invocation without an answer: a cut may have held it back.
    unanswered: Option<u64>,
    /// The attempt answered `held` that was invoked last: invocation and client.
    held: Option<(u64, u16)>,
    /// The final read: time, `PTTL`, and the hold whose token it found.
    last: Option<(u64, i64, Option<u64>)>,
}

/// All keys of a workload.
#[derive(Debug, Default)]
pub struct Keys(Map<u32, Key>);

/// A key nobody can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    pub key: u32,
    /// From when it should have been free.
    pub from: u64,
    pub why: StuckBy,
}

/// How a stuck key was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StuckBy {
    /// That client's attempt at that time was answered `held`.
    Held { at: u64, client: u16 },
    /// The final read at that time, when all clients had left, found it without expiry and with the token of that hold.
    NoExpiry { at: u64, id: Option<u64> },
    /// The final read at that time found it with that many milliseconds to live.
    Present { at: u64, pttl: i64 },
}

impl Keys {
    pub fn op(&mut self, op: &Op) {
        match op.op {
            OpKind::Acquire => {}
            OpKind::Renew => return self.renewal(op),
            _ => return,
        }
        match (op.out, op.why) {
            (Outcome::Ok | Outcome::Info, _) => {
                self.lives(op.key, op.at[2]);
                self.unanswered(op.out, op.key, op.at[1]);
            }
            (Outcome::Fail, Some(Why::Held)) => {
                let key = self.0.entry(op.key).or_default();
                key.held = key.held.max(Some((op.at[1], op.c)));
            }
            _ => {}
        }
    }

    /// What was prolonged lives on from then.
    fn renewal(&mut self, op: &Op) {
        if op.out != Outcome::Fail && op.why != Some(Why::Gone) {
            self.lives(op.key, op.at[2]);
            self.unanswered(op.out, op.key, op.at[1]);
        }
    }

    /// One primary of several granted it or may have: what an attempt that failed as a whole left there lives for a lifetime.
    pub fn vote(&mut self, vote: &Vote) {
        if vote.out != Outcome::Fail && vote.why != Some(Why::Gone) && vote.op != OpKind::Release {
            self.lives(vote.key, vote.at[1]);
            self.unanswered(vote.out, vote.key, vote.at[0]);
        }
    }

    fn unanswered(&mut self, out: Outcome, key: u32, sent: u64) {
        if out == Outcome::Info {
            let known = self.0.entry(key).or_default();
            known.unanswered = Some(known.unanswered.map_or(sent, |earlier| earlier.min(sent)));
        }
    }

    fn lives(&mut self, key: u32, from: u64) {
        let known = self.0.entry(key).or_default();
        known.granted = known.granted.max(from);
    }

    pub fn last(&mut self, last: &Final) {
        let key = self.0.entry(last.key).or_default();
        key.last = key.last.max(Some((last.at, last.pttl, last.id)));
    }

    /// The stuck keys in order. Without a time of healing only a missing expiry counts.
    pub fn stuck(&self, rules: LockRules, healed: Option<u64>) -> Vec<Stuck> {
        let mut found: Vec<Stuck> = self
            .0
            .iter()
            .filter_map(|(key, known)| {
                let free = healed.map_or(u64::MAX, |healed| rules.expired(known.granted.max(known.delivered(healed))));
                let (from, why) = known.judge(free)?;
                Some(Stuck { key: *key, from, why })
            })
            .collect();
        found.sort_by_key(|stuck| stuck.key);
        found
    }
}

impl Key {
    /// Until when the last attempt may have reached a server. TCP sends again what was not confirmed after twice the time each time
    /// (RFC 6298, 5.5), whether or not the client waits: what was sent so long before the healing arrives at most so long after it.
    fn delivered(&self, healed: u64) -> u64 {
        healed + self.unanswered.map_or(0, |sent| healed.saturating_sub(sent))
    }

    fn judge(&self, free: u64) -> Option<(u64, StuckBy)> {
        match self.last {
            Some((at, -1, id)) => return Some((self.granted, StuckBy::NoExpiry { at, id })),
            Some((at, pttl, _)) if pttl >= 0 && at >= free => return Some((free, StuckBy::Present { at, pttl })),
            _ => {}
        }
        let (at, client) = self.held?;
        (at >= free).then_some((free, StuckBy::Held { at, client }))
    }
}
