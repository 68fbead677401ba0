//! A lock of one primary, or of one shard.

use redis::Value;
use redquake_reports::history::{OpKind, Outcome, Why};

use super::client::{Grant, LockClients, Renewed};
use super::names::{FENCED, RELEASE, RENEW, fence_key, lock_key, token_of};
use crate::workloads::behaviour::{Asked, Request};

/// Longest wait of `WAIT`, ms: less than a reply may take by default, so that its answer comes in time.
const REPLICATED_WITHIN: u64 = 100;

/// The fencing token in an answer, if one came.
fn token_in(answer: &Value) -> Option<u64> {
    if let Value::Int(token) = answer { u64::try_from(*token).ok() } else { None }
}

/// `0` says that the key was gone or another's.
fn compared(found: &u32) -> (Outcome, Option<Why>) {
    match found {
        0 => (Outcome::Ok, Some(Why::Gone)),
        _ => (Outcome::Ok, None),
    }
}

impl LockClients {
    /// `SET key token NX PX ttl`, in a script with `INCR` where a fencing token comes with it.
    fn take(&self, turn: &Request) -> redis::Cmd {
        let (key, token) = (lock_key(&turn.common, turn.key), token_of(turn));
        if self.spec.fenced() {
            let counter = fence_key(&turn.common, turn.key);
            return redis::cmd("EVAL").arg(FENCED).arg(2).arg(key).arg(counter).arg(token).arg(self.lifetime()).take();
        }
        let mut set = redis::cmd("SET").arg(key).arg(token).arg("NX").take();
        if let Some(ttl) = self.spec.ttl.limit() {
            set.arg("PX").arg(ttl.as_millis());
        }
        set
    }

    /// Takes the lock; when it was granted and, if asked for, known to enough replicas. One that is not is given back.
    pub(super) async fn acquire_single(&self, turn: &Request) -> Option<Grant> {
        let take = self.take(turn);
        let wanted = u64::from(self.spec.wait);
        if wanted == 0 {
            let asked = turn.call::<Value>(OpKind::Acquire, turn.intended, Asked::Command(&take), |answer| match answer {
                Value::Nil => (Outcome::Fail, Some(Why::Held)),
                _ => (Outcome::Ok, None),
            });
            let reply = asked.await?;
            let token = reply.value.as_ref().and_then(token_in);
            return (reply.out == Outcome::Ok).then_some(Grant { at: reply.at, token });
        }
        let mut both = redis::pipe();
        both.add_command(take).cmd("WAIT").arg(wanted).arg(REPLICATED_WITHIN);
        let asked = turn.call::<(Value, u64)>(OpKind::Acquire, turn.intended, Asked::Transaction(&both), |(set, copies)| {
            match (set, *copies >= wanted) {
                (Value::Nil, _) => (Outcome::Fail, Some(Why::Held)),
                (_, true) => (Outcome::Ok, None),
                // It is there, but its holder does not believe in it.
                (_, false) => (Outcome::Info, Some(Why::Noreplicas)),
            }
        });
        let reply = asked.await?;
        let set = reply.value.as_ref().map(|(set, _)| set);
        if reply.out == Outcome::Ok {
            return Some(Grant { at: reply.at, token: set.and_then(token_in) });
        }
        if set.is_some_and(|set| *set != Value::Nil) {
            self.release_single(turn, reply.at[1]).await;
        }
        None
    }

    pub(super) async fn renew_single(&self, turn: &Request, intended: u64) -> Renewed {
        let mut renew = redis::cmd("EVAL");
        renew.arg(RENEW).arg(1).arg(lock_key(&turn.common, turn.key)).arg(token_of(turn)).arg(self.lifetime());
        match turn.call::<u32>(OpKind::Renew, intended, Asked::Command(&renew), compared).await {
            None => Renewed::Crashed,
            Some(reply) if reply.value == Some(0) => Renewed::Gone,
            Some(_) => Renewed::Perhaps,
        }
    }

    pub(super) async fn release_single(&self, turn: &Request, intended: u64) {
        let mut delete = redis::cmd("EVAL");
        delete.arg(RELEASE).arg(1).arg(lock_key(&turn.common, turn.key)).arg(token_of(turn));
        turn.perform::<u32>(OpKind::Release, intended, &delete, compared).await;
    }
}
