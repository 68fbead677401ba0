//! What one kind of workload does with an arrival, and what it is given to do it with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use redis::RedisResult;

use redquake_reports::history::{Event, Op, OpKind, Outcome, Why};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clients::{Connection, Link, Session, classify};
use crate::databases::Database;
use crate::trial::{Clock, Keys, Recorder};

/// What one kind of workload does with each arrival.
pub trait Behaviour: Send + Sync + 'static {
    /// The first operation of an arrival: what one that could not be begun is recorded as.
    fn first(&self) -> OpKind;

    /// Number of keys arrivals are spread over, evenly.
    fn keys(&self) -> u32;

    /// Whether clients hold something for a while, which they may die with; [`Turn::holding`] tells when.
    fn holds(&self) -> bool {
        false
    }

    /// Whether every client has every arrival, at the same instant and with the same key, instead of its share of them. Keys then count up from 0.
    fn together(&self) -> bool {
        false
    }

    /// Whether clients talk to the independent primaries instead of the set or Cluster; route `n` of a session then leads to the `n`th.
    fn independent(&self) -> bool {
        false
    }

    /// Draws the key of an arrival.
    fn key(&self, random: &mut ChaCha8Rng) -> u32 {
        random.random_range(0..self.keys())
    }

    /// Carries out one arrival to its end.
    fn run(&self, turn: &Turn) -> impl Future<Output = ()> + Send;
}

/// What all clients of a workload share.
#[derive(Clone)]
pub struct Common {
    /// Index of the workload in the plan.
    pub index: u16,
    /// Seed of the trial.
    pub seed: u64,
    /// The clock of the trial.
    pub clock: Clock,
    /// Where operations are recorded.
    pub recorder: Recorder,
    /// Longest wait for a reply.
    pub timeout: std::time::Duration,
    /// How keys are named.
    pub keys: Keys,
    /// The database behind the workload, if it has one.
    pub database: Option<Arc<dyn Database>>,
}

/// What is known of a client from outside: whether it lives and whether it holds something.
#[derive(Debug, Default)]
pub struct Life {
    /// Cancelled when the client dies; its connections close.
    pub crashed: CancellationToken,
    /// Things it holds at the moment.
    pub holding: AtomicUsize,
    /// Notified when it begins to hold something.
    pub held: Arc<Notify>,
}

/// One arrival.
pub struct Turn {
    /// What all clients of the workload share.
    pub common: Arc<Common>,
    /// Client within the workload.
    pub client: u16,
    /// The client's connection.
    pub session: Session,
    /// Identity within the workload, never used again.
    pub id: u64,
    /// Key number.
    pub key: u32,
    /// When it was meant to begin.
    pub intended: u64,
    /// Cancelled when the clients are told to stop.
    pub stop: CancellationToken,
    /// The client.
    pub life: Arc<Life>,
}

/// What is sent in one round trip.
#[derive(Clone, Copy)]
pub enum Asked<'a> {
    /// One command.
    Command(&'a redis::Cmd),
    /// Commands between `MULTI` and `EXEC`.
    Transaction(&'a redis::Pipeline),
}

impl Asked<'_> {
    async fn send<T: redis::FromRedisValue>(self, connection: &mut Connection) -> RedisResult<T> {
        match self {
            Self::Command(command) => command.query_async(connection).await,
            Self::Transaction(pipeline) => pipeline.query_async(connection).await,
        }
    }
}

/// What became of what was sent.
#[derive(Debug, Clone, Copy)]
pub struct Reply<T> {
    /// From when it may have been executed, and when that was known.
    pub at: [u64; 2],
    /// Whether it was executed.
    pub out: Outcome,
    /// What Redis answered.
    pub value: Option<T>,
}

/// One attempt on one connection, with where it went.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<T> {
    /// What became of it.
    pub reply: Reply<T>,
    /// Why it is not `ok`, or a remark on one that is.
    pub why: Option<Why>,
    /// Index of the node it went to, where that is known.
    pub node: Option<u16>,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The time came.
    Due,
    /// The clients were told to stop.
    Stopped,
    /// The client died.
    Crashed,
}

impl Turn {
    /// Waits until the trial's clock reads `until`, the clients are told to stop or this one dies.
    pub async fn wait_until(&self, until: u64) -> Waited {
        tokio::select! {
            biased;
            () = self.life.crashed.cancelled() => Waited::Crashed,
            () = self.stop.cancelled() => Waited::Stopped,
            () = tokio::time::sleep_until(self.common.clock.instant(until).into()) => Waited::Due,
        }
    }

    /// Says that the client holds something, for as long as the returned value lives.
    pub fn holding(&self) -> Holding<'_> {
        self.life.holding.fetch_add(1, Ordering::Relaxed);
        self.life.held.notify_waiters();
        Holding(&self.life)
    }

    /// Sends one command, records what became of it, and returns the completion when the outcome is `ok`. A dead client sends nothing.
    pub async fn perform<T: redis::FromRedisValue>(
        &self,
        op: OpKind,
        intended: u64,
        command: &redis::Cmd,
        read: impl Fn(&T) -> (Outcome, Option<Why>),
    ) -> Option<u64> {
        let reply = self.call(op, intended, Asked::Command(command), read).await?;
        (reply.out == Outcome::Ok).then_some(reply.at[1])
    }

    /// Sends one command or transaction, records what became of it, and returns it. A dead client sends nothing and has no reply.
    pub async fn call<T: redis::FromRedisValue>(
        &self,
        op: OpKind,
        intended: u64,
        asked: Asked<'_>,
        read: impl Fn(&T) -> (Outcome, Option<Why>),
    ) -> Option<Reply<T>> {
        let clock = self.common.clock;
        let invoked = clock.now();
        let link = tokio::select! {
            biased;
            () = self.life.crashed.cancelled() => return None,
            link = self.session.link(self.common.keys.shard_of(self.key)) => link,
        };
        let Some(link) = link else {
            let at = [invoked, clock.now()];
            self.record(op, [intended, at[0], at[1]], Outcome::Fail, Some(Why::NoPrimary), None);
            return Some(Reply { at, out: Outcome::Fail, value: None });
        };
        let Attempt { reply, why, node } = self.attempt(link, asked, read).await;
        let [invoked, completed] = reply.at;
        self.record(op, [intended, invoked, completed], reply.out, why, node);
        Some(reply)
    }

    /// Sends one command or transaction over a connection and records nothing.
    pub async fn attempt<T: redis::FromRedisValue>(
        &self,
        mut link: Link,
        asked: Asked<'_>,
        read: impl Fn(&T) -> (Outcome, Option<Why>),
    ) -> Attempt<T> {
        let clock = self.common.clock;
        // Invoked means: may have been executed from here on. The wait for a connection lies before it.
        let invoked = clock.now();
        let bound = Instant::now() + self.common.timeout;
        let reply: Option<Result<RedisResult<T>, _>> = tokio::select! {
            biased;
            () = self.life.crashed.cancelled() => None,
            reply = tokio::time::timeout_at(bound.into(), asked.send(&mut link.connection)) => Some(reply),
        };
        let completed = clock.now();
        let (out, why, lost, value) = match reply {
            Some(Ok(Ok(value))) => {
                let (outcome, why) = read(&value);
                (outcome, why, false, Some(value))
            }
            Some(Ok(Err(error))) => {
                let reading = classify(&error);
                (reading.outcome, Some(reading.why), reading.lost, None)
            }
            Some(Err(_)) => (Outcome::Info, Some(Why::Timeout), true, None),
            None => (Outcome::Info, Some(Why::Cancelled), false, None),
        };
        if lost {
            self.session.report_lost(&link);
        }
        Attempt { reply: Reply { at: [invoked, completed], out, value }, why, node: link.node }
    }

    /// Records what became of an operation.
    pub fn record(&self, op: OpKind, at: [u64; 3], out: Outcome, why: Option<Why>, node: Option<u16>) {
        let event = Op { w: self.common.index, c: self.client, op, id: self.id, key: self.key, at, out, why, node };
        self.common.recorder.record(Event::Op(event));
    }
}

/// Ends the holding when dropped.
pub struct Holding<'t>(&'t Life);

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.0.holding.fetch_sub(1, Ordering::Relaxed);
    }
}
