//! `lock`: take a lock, hold it, give it back by compare-and-delete.

use redis::aio::MultiplexedConnection;
use redquake_experiments::spec::LockWorkload;
use redquake_reports::history::{Event, Final, OpKind, Outcome, Why};

use super::behaviour::{Asked, Behaviour, Common, Turn, Waited};

/// Deletes a lock only while it still carries the holder's token.
const COMPARE_AND_DELETE: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

/// Longest wait of `WAIT`, ms: less than a reply may take by default, so that its answer comes in time.
const REPLICATED_WITHIN: u64 = 100;

/// Keys asked for in one round trip of the final read.
const CHUNK: u32 = 500;

/// What the clients of a lock workload do.
pub struct LockClients(pub LockWorkload);

/// The name of a lock on the server.
fn lock_key(common: &Common, key: u32) -> String {
    common.keys.name(format!("lock:{}:{key}", common.index), key)
}

/// The token a holder writes: unique over all trials with different seeds.
fn token(seed: u64, workload: u16, id: u64) -> String {
    format!("{seed:016x}:{workload}:{id}")
}

/// The hold a token belongs to, if it is one of this workload and trial.
fn token_id(seed: u64, workload: u16, text: &str) -> Option<u64> {
    text.strip_prefix(&format!("{seed:016x}:{workload}:"))?.parse().ok()
}

impl LockClients {
    /// Takes the lock; when it was granted and, if asked for, known to enough replicas. One that is not is given back.
    async fn acquire(&self, turn: &Turn, set: &redis::Cmd) -> Option<u64> {
        let wanted = u64::from(self.0.wait);
        if wanted == 0 {
            let read = |reply: &Option<String>| match reply {
                Some(_) => (Outcome::Ok, None),
                None => (Outcome::Fail, Some(Why::Held)),
            };
            return turn.perform(OpKind::Acquire, turn.intended, set, read).await;
        }
        let mut both = redis::pipe();
        both.add_command(set.clone()).cmd("WAIT").arg(wanted).arg(REPLICATED_WITHIN);
        let asked = turn.call::<(Option<String>, u64)>(OpKind::Acquire, turn.intended, Asked::Transaction(&both), |(set, copies)| {
            match (set, *copies >= wanted) {
                (None, _) => (Outcome::Fail, Some(Why::Held)),
                (Some(_), true) => (Outcome::Ok, None),
                // It is there, but its holder does not believe in it.
                (Some(_), false) => (Outcome::Info, Some(Why::Noreplicas)),
            }
        });
        let reply = asked.await?;
        if reply.out != Outcome::Ok {
            if matches!(reply.value, Some((Some(_), _))) {
                self.release(turn, reply.at[1]).await;
            }
            return None;
        }
        Some(reply.at[1])
    }

    async fn release(&self, turn: &Turn, intended: u64) {
        let Common { index, seed, .. } = *turn.common;
        let mut delete = redis::cmd("EVAL");
        delete.arg(COMPARE_AND_DELETE).arg(1).arg(lock_key(&turn.common, turn.key)).arg(token(seed, index, turn.id));
        turn.perform::<u32>(OpKind::Release, intended, &delete, |deleted| match deleted {
            0 => (Outcome::Ok, Some(Why::Gone)),
            _ => (Outcome::Ok, None),
        })
        .await;
    }
}

impl Behaviour for LockClients {
    fn first(&self) -> OpKind {
        OpKind::Acquire
    }

    fn keys(&self) -> u32 {
        self.0.keys
    }

    fn holds(&self) -> bool {
        true
    }

    async fn run(&self, turn: &Turn) {
        let Common { index, seed, clock, .. } = *turn.common;
        let mut set = redis::cmd("SET");
        set.arg(lock_key(&turn.common, turn.key)).arg(token(seed, index, turn.id)).arg("NX");
        if let Some(ttl) = self.0.ttl.limit() {
            set.arg("PX").arg(ttl.as_millis());
        }
        let Some(acquired) = self.acquire(turn, &set).await else { return };

        let until = acquired + self.0.hold.as_nanos();
        let holding = turn.holding();
        let intended = match turn.wait_until(until).await {
            Waited::Due => until,
            Waited::Stopped => clock.now(),
            Waited::Crashed => return,
        };
        drop(holding);

        self.release(turn, intended).await;
    }
}

/// Reads every lock and records what was found.
pub async fn final_read(common: &Common, keys: u32, connection: &mut MultiplexedConnection) -> redis::RedisResult<()> {
    let mut first = 0;
    while first < keys {
        let chunk = (first..keys.min(first + CHUNK)).filter(|key| common.keys.cover(*key));
        let mut pipeline = redis::pipe();
        for key in chunk.clone() {
            pipeline.cmd("GET").arg(lock_key(common, key)).cmd("PTTL").arg(lock_key(common, key));
        }
        first += CHUNK;
        if chunk.clone().next().is_none() {
            continue;
        }
        let answers: Vec<redis::Value> = pipeline.query_async(connection).await?;
        for (key, answer) in chunk.zip(answers.chunks_exact(2)) {
            let text: Option<String> = redis::from_redis_value(answer[0].clone())?;
            let pttl: i64 = redis::from_redis_value(answer[1].clone())?;
            let id = text.and_then(|text| token_id(common.seed, common.index, &text));
            common.recorder.record(Event::Final(Final { at: common.clock.now(), w: common.index, key, id, pttl }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_hold_and_to_no_other_workload_or_trial() {
        let text = token(0xfeed, 2, 77);
        assert_eq!(token_id(0xfeed, 2, &text), Some(77));
        assert_eq!(token_id(0xfeed, 1, &text), None);
        assert_eq!(token_id(0xbeef, 2, &text), None);
        assert_eq!(token_id(0xfeed, 2, "something else"), None);
    }
}
