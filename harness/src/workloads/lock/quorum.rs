//! A lock of several independent primaries (redis.io, "Distributed Locks with Redis": the Redlock algorithm): all are asked at once, each for a
//! short time; it is held when enough of them granted it and some of its lifetime is left.

use futures_util::future::join_all;
use redis::Value;
use redquake_reports::history::{Event, OpKind, Outcome, Vote, Why};

use super::client::{Grant, LockClients, Renewed};
use super::names::{RELEASE, RENEW, lock_key, token_of};
use crate::workloads::behaviour::{Asked, Attempt, Request};

/// What the primaries said together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Poll {
    /// Before the first was asked, and when the last had answered or was given up.
    at: [u64; 2],
    /// Primaries that did what was asked.
    yes: usize,
    /// Primaries that answered that they did not.
    no: usize,
    /// Primaries that are asked.
    all: usize,
}

impl Poll {
    /// Whether those that may have said yes are enough.
    fn possible(self, quorum: usize) -> bool {
        self.all - self.no >= quorum
    }
}

impl LockClients {
    fn quorum(&self) -> usize {
        self.spec.quorum as usize
    }

    /// Until when a lock asked for at `asked` certainly lives on those that granted it.
    fn lease(&self, asked: u64) -> u64 {
        asked.saturating_add(self.spec.ttl.as_nanos().saturating_sub(self.spec.drift().as_nanos()))
    }

    /// Asks every primary to which there is a connection, and records what each said.
    async fn poll(&self, turn: &Request, op: OpKind, command: &redis::Cmd, yes: fn(&Value) -> (Outcome, Option<Why>)) -> Option<Poll> {
        if turn.life.crashed.is_cancelled() {
            return None;
        }
        let (asked, links) = (turn.common.clock.now(), turn.session.each());
        let all = links.len();
        let attempts = links.into_iter().flatten().map(|link| turn.attempt::<Value>(link, Asked::Command(command), yes));
        let attempts: Vec<Attempt<Value>> = join_all(attempts).await;
        let at = [asked, turn.common.clock.now()];
        let (mut agreed, mut refused) = (0, 0);
        for Attempt { reply, why, node } in attempts {
            let done = reply.out == Outcome::Ok && why.is_none();
            agreed += usize::from(done);
            refused += usize::from(!done && reply.value.is_some());
            let (w, c, id, key) = (turn.common.index, turn.client, turn.id, turn.key);
            if let Some(node) = node {
                turn.common.recorder.record(Event::Vote(Vote { w, c, id, key, op, node, at: reply.at, out: reply.out, why }));
            }
        }
        (!turn.life.crashed.is_cancelled()).then_some(Poll { at, yes: agreed, no: refused, all })
    }

    fn told(turn: &Request, op: OpKind, intended: u64, poll: Poll, out: Outcome, why: Option<Why>) {
        turn.record(op, [intended, poll.at[0], poll.at[1]], out, why, None);
    }

    pub(super) async fn acquire_quorum(&self, turn: &Request) -> Option<Grant> {
        let mut take = redis::cmd("SET");
        take.arg(lock_key(&turn.common, turn.key)).arg(token_of(turn)).arg("NX").arg("PX").arg(self.lifetime());
        let poll = self.poll(turn, OpKind::Acquire, &take, granted).await?;
        if poll.yes >= self.quorum() && poll.at[1] < self.lease(poll.at[0]) {
            Self::told(turn, OpKind::Acquire, turn.intended, poll, Outcome::Ok, None);
            return Some(Grant { at: poll.at, token: None });
        }
        let why = if poll.possible(self.quorum()) { Why::Quorum } else { Why::Held };
        Self::told(turn, OpKind::Acquire, turn.intended, poll, Outcome::Fail, Some(why));
        // Who granted it, or may have, shall not keep it for a lifetime.
        if poll.no < poll.all {
            self.poll(turn, OpKind::Release, &self.delete(turn), compared).await;
        }
        None
    }

    pub(super) async fn renew_quorum(&self, turn: &Request, intended: u64) -> Renewed {
        let mut renew = redis::cmd("EVAL");
        renew.arg(RENEW).arg(1).arg(lock_key(&turn.common, turn.key)).arg(token_of(turn)).arg(self.lifetime());
        let Some(poll) = self.poll(turn, OpKind::Renew, &renew, compared).await else { return Renewed::Crashed };
        let (out, why, renewed) = self.judged(poll);
        Self::told(turn, OpKind::Renew, intended, poll, out, why);
        renewed
    }

    pub(super) async fn release_quorum(&self, turn: &Request, intended: u64) {
        let Some(poll) = self.poll(turn, OpKind::Release, &self.delete(turn), compared).await else { return };
        let (out, why, _) = self.judged(poll);
        Self::told(turn, OpKind::Release, intended, poll, out, why);
    }

    /// What the answers of some who compare tokens mean for the lock.
    fn judged(&self, poll: Poll) -> (Outcome, Option<Why>, Renewed) {
        if poll.yes >= self.quorum() {
            (Outcome::Ok, None, Renewed::Perhaps)
        } else if poll.possible(self.quorum()) {
            (Outcome::Info, Some(Why::Quorum), Renewed::Perhaps)
        } else {
            (Outcome::Ok, Some(Why::Gone), Renewed::Gone)
        }
    }

    fn delete(&self, turn: &Request) -> redis::Cmd {
        redis::cmd("EVAL").arg(RELEASE).arg(1).arg(lock_key(&turn.common, turn.key)).arg(token_of(turn)).take()
    }
}

fn granted(answer: &Value) -> (Outcome, Option<Why>) {
    match answer {
        Value::Nil => (Outcome::Fail, Some(Why::Held)),
        _ => (Outcome::Ok, None),
    }
}

fn compared(answer: &Value) -> (Outcome, Option<Why>) {
    match answer {
        Value::Int(0) => (Outcome::Ok, Some(Why::Gone)),
        _ => (Outcome::Ok, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(yes: usize, no: usize) -> Poll {
        Poll { at: [0, 1], yes, no, all: 5 }
    }

    #[test]
    fn a_lock_is_out_of_reach_only_when_those_left_are_too_few() {
        assert!(poll(2, 2).possible(3), "the fifth did not answer and may have granted it");
        assert!(!poll(2, 3).possible(3));
        assert!(poll(0, 0).possible(3), "nobody answered");
    }
}
