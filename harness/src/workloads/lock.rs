//! `lock`: take a lock, hold it, give it back by compare-and-delete.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use redis::RedisResult;
use redquake_experiments::spec::LockWorkload;
use redquake_reports::history::{Event, Op, OpKind, Outcome, Why};
use redquake_topologies::namespace::Zone;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::arrivals::{Arrivals, stream_of};
use super::dispatch::Dispatcher;
use crate::clients::{Session, Timeouts, classify};
use crate::trial::{Clock, Recorder, Roster};

/// Deletes a lock only while it still carries the holder's token.
const COMPARE_AND_DELETE: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

/// Operations one client may have under way; one more is recorded as `overload` and not sent.
const MOST_UNDER_WAY: usize = 4096;

/// One lock workload of a trial.
pub struct LockLoad {
    /// Index of the workload in the plan.
    pub index: u16,
    /// Its description.
    pub spec: LockWorkload,
    /// Seed of the trial.
    pub seed: u64,
    /// The clock of the trial.
    pub clock: Clock,
    /// Where operations are recorded.
    pub recorder: Recorder,
    /// The nodes.
    pub roster: Arc<Roster>,
}

/// The name of a lock on the server.
pub fn lock_key(workload: u16, key: u32) -> String {
    format!("lock:{workload}:{key}")
}

/// The token a holder writes: unique over all trials with different seeds.
pub fn token(seed: u64, workload: u16, id: u64) -> String {
    format!("{seed:016x}:{workload}:{id}")
}

/// The hold a token belongs to, if it is one of this workload and trial.
pub fn token_id(seed: u64, workload: u16, text: &str) -> Option<u64> {
    text.strip_prefix(&format!("{seed:016x}:{workload}:"))?.parse().ok()
}

impl LockLoad {
    /// Starts every client on a zone's threads. Arrivals end when the dispatcher is dropped, holds end with `stop`, connections with `close`;
    /// what is under way is finished by the tracker's tasks.
    pub fn start(
        self,
        zone: &Zone,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        close: &CancellationToken,
    ) -> std::io::Result<(Vec<Session>, Dispatcher)> {
        let timeouts = Timeouts { connect: self.spec.connect_timeout.to_std(), response: self.spec.timeout.to_std() };
        let numbers = 0..u16::try_from(self.spec.clients).unwrap_or(u16::MAX);
        let session = |_| Session::start(zone, self.spec.client, timeouts, Arc::clone(&self.roster), close.clone());
        let sessions: Vec<Session> = numbers.clone().map(session).collect();
        let stream = |client: u16| u64::from(self.index) << 32 | u64::from(client);
        let rate = self.spec.rate.as_per_second() / f64::from(self.spec.clients);
        let arrivals = numbers.clone().map(|client| Arrivals::new(self.seed, stream(client) << 1, rate)).collect();
        let keys = numbers.clone().map(|client| stream_of(self.seed, stream(client) << 1 | 1));
        let mut clients: Vec<Client> = numbers
            .zip(sessions.iter().cloned())
            .zip(keys)
            .map(|((number, session), keys)| Client { number, session, keys, turn: 0, under_way: Arc::default() })
            .collect();
        let (handle, tasks, stop, load) = (zone.handle().clone(), tasks.clone(), stop.clone(), Arc::new(self));
        let dispatcher = Dispatcher::start(load.clock, arrivals, move |client, intended| {
            let client = &mut clients[client];
            let attempt = client.attempt(&load, &stop);
            if client.under_way.fetch_add(1, Ordering::Relaxed) >= MOST_UNDER_WAY {
                client.under_way.fetch_sub(1, Ordering::Relaxed);
                let now = load.clock.now();
                attempt.record(OpKind::Acquire, [intended, now, now], Outcome::Fail, Some(Why::Overload), None);
                return;
            }
            let under_way = Arc::clone(&client.under_way);
            handle.spawn(tasks.track_future(async move {
                attempt.run(intended).await;
                under_way.fetch_sub(1, Ordering::Relaxed);
            }));
        })?;
        Ok((sessions, dispatcher))
    }
}

/// One client of the workload.
struct Client {
    number: u16,
    session: Session,
    keys: ChaCha8Rng,
    turn: u64,
    under_way: Arc<AtomicUsize>,
}

impl Client {
    fn attempt(&mut self, load: &Arc<LockLoad>, stop: &CancellationToken) -> Attempt {
        let id = self.turn * u64::from(load.spec.clients) + u64::from(self.number);
        self.turn += 1;
        let key = self.keys.random_range(0..load.spec.keys);
        Attempt { load: Arc::clone(load), client: self.number, session: self.session.clone(), id, key, stop: stop.clone() }
    }
}

/// One hold, from the wish for it to its end.
struct Attempt {
    load: Arc<LockLoad>,
    client: u16,
    session: Session,
    id: u64,
    key: u32,
    stop: CancellationToken,
}

impl Attempt {
    async fn run(&self, intended: u64) {
        let mut set = redis::cmd("SET");
        set.arg(lock_key(self.load.index, self.key)).arg(token(self.load.seed, self.load.index, self.id));
        set.arg("NX").arg("PX").arg(self.load.spec.ttl.as_millis());
        let taken = self.perform::<Option<String>>(OpKind::Acquire, intended, &set, |reply| match reply {
            Some(_) => (Outcome::Ok, None),
            None => (Outcome::Fail, Some(Why::Held)),
        });
        let Some(acquired) = taken.await else { return };

        let until = acquired + self.load.spec.hold.as_nanos();
        let held = self.stop.run_until_cancelled(tokio::time::sleep_until(self.load.clock.instant(until).into())).await;
        let intended = if held.is_some() { until } else { self.load.clock.now() };

        let mut delete = redis::cmd("EVAL");
        delete.arg(COMPARE_AND_DELETE).arg(1).arg(lock_key(self.load.index, self.key));
        delete.arg(token(self.load.seed, self.load.index, self.id));
        self.perform::<u32>(OpKind::Release, intended, &delete, |deleted| match deleted {
            0 => (Outcome::Ok, Some(Why::Gone)),
            _ => (Outcome::Ok, None),
        })
        .await;
    }

    /// Sends one command, records what became of it, and returns the completion when the outcome is `ok`.
    async fn perform<T: redis::FromRedisValue>(
        &self,
        op: OpKind,
        intended: u64,
        command: &redis::Cmd,
        read: impl Fn(T) -> (Outcome, Option<Why>),
    ) -> Option<u64> {
        let clock = self.load.clock;
        let invoked = clock.now();
        let Some(mut link) = self.session.link().await else {
            self.record(op, [intended, invoked, clock.now()], Outcome::Fail, Some(Why::NoPrimary), None);
            return None;
        };
        // Invoked means: may have been executed from here on. The wait for a connection lies before it.
        let invoked = clock.now();
        let bound = Instant::now() + self.load.spec.timeout.to_std();
        let reply: Result<RedisResult<T>, _> = tokio::time::timeout_at(bound.into(), command.query_async(&mut link.connection)).await;
        let completed = clock.now();
        let (outcome, why, lost) = match reply {
            Ok(Ok(value)) => {
                let (outcome, why) = read(value);
                (outcome, why, false)
            }
            Ok(Err(error)) => {
                let reading = classify(&error);
                (reading.outcome, Some(reading.why), reading.lost)
            }
            Err(_) => (Outcome::Info, Some(Why::Timeout), true),
        };
        if lost {
            self.session.report_lost(&link);
        }
        self.record(op, [intended, invoked, completed], outcome, why, link.node);
        (outcome == Outcome::Ok).then_some(completed)
    }

    fn record(&self, op: OpKind, at: [u64; 3], out: Outcome, why: Option<Why>, node: Option<u16>) {
        let event = Op { w: self.load.index, c: self.client, op, id: self.id, key: self.key, at, out, why, node };
        self.load.recorder.record(Event::Op(event));
    }
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
