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

use crate::clients::{Connection, Detour, Link, Session, classify, detour};
use crate::context::{Clock, Keys, Recorder};
use crate::databases::Database;

/// What one kind of workload does with each arrival.
pub trait WorkloadClient: Send + Sync + 'static {
    /// The first operation of an arrival: what one that could not be begun is recorded as.
    fn first(&self) -> OpKind;

    /// Number of keys arrivals are spread over, evenly.
    fn keys(&self) -> u32;

    /// Whether clients hold something for a while, which they may die with; [`Request::holding`] tells when.
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
    fn run(&self, turn: &Request) -> impl Future<Output = ()> + Send;
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
pub struct ClientState {
    /// Cancelled when the client dies; its connections close.
    pub crashed: CancellationToken,
    /// Things it holds at the moment.
    pub holding: AtomicUsize,
    /// Notified when it begins to hold something.
    pub held: Arc<Notify>,
}

/// One arrival.
pub struct Request {
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
    pub life: Arc<ClientState>,
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
    /// `asking`: right behind `ASKING`, which lets a node serve a slot that is only on its way to it.
    async fn send<T: redis::FromRedisValue>(self, connection: &mut Connection, asking: bool) -> RedisResult<T> {
        match self {
            _ if asking => self.send_asking(connection).await,
            Self::Command(command) => command.query_async(connection).await,
            Self::Transaction(pipeline) => pipeline.query_async(connection).await,
        }
    }

    /// All of it is one write, so that no command of another task comes between: `ASKING` holds for the next command, or the next transaction.
    async fn send_asking<T: redis::FromRedisValue>(self, connection: &mut Connection) -> RedisResult<T> {
        let mut all = redis::pipe();
        all.cmd("ASKING");
        match self {
            Self::Command(command) => {
                all.add_command(command.clone());
            }
            Self::Transaction(pipeline) => {
                let atomic = pipeline.is_transaction();
                let frame = |word: &str| atomic.then(|| redis::cmd(word));
                for command in frame("MULTI").into_iter().chain(pipeline.cmd_iter().cloned()).chain(frame("EXEC")) {
                    all.add_command(command);
                }
            }
        }
        let mut answers: Vec<redis::Value> = all.ignore_errors().query_async(connection).await?;
        let answers = answers.split_off(1.min(answers.len()));
        Ok(redis::from_redis_value(self.behind_asking(answers)?)?)
    }

    /// What was answered behind `ASKING`. Errors are told as without it: whether one is the first command's decides what was executed.
    fn behind_asking(self, mut answers: Vec<redis::Value>) -> RedisResult<redis::Value> {
        let refused = answers.iter().enumerate().find_map(|(index, answer)| match answer {
            redis::Value::ServerError(error) => Some((index, redis::RedisError::from(error.clone()))),
            _ => None,
        });
        match (self, refused) {
            (Self::Transaction(pipeline), Some((1.., _))) if !pipeline.is_transaction() => {
                Err((redis::ErrorKind::UnexpectedReturnType, "a later command of a pipeline was refused").into())
            }
            (_, Some((_, error))) => Err(error),
            (Self::Transaction(pipeline), None) if !pipeline.is_transaction() => Ok(redis::Value::Array(answers)),
            (_, None) => Ok(answers.pop().unwrap_or(redis::Value::Nil)),
        }
    }
}

/// How the next attempt finds its node.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// By what the client knows.
    Usual,
    /// It was told to ask this one, this once.
    Asking(String),
    /// By what it knows, after a moment.
    Later,
}

/// How often a client lets itself be sent on in one operation; other clients stop after 5 or 16.
const MOST_DETOURS: u32 = 5;
/// Pause before a client that was told to come again does: keys are on their way for some milliseconds.
const AGAIN_AFTER: std::time::Duration = std::time::Duration::from_millis(5);

/// What became of what was sent.
#[derive(Debug, Clone, Copy)]
pub struct Reply<T> {
    /// From when it may have been executed, and when that was known.
    pub at: [u64; 2],
    /// Whether it was executed.
    pub out: Outcome,
    /// What Redis answered.
    pub value: Option<T>,
    /// Index of the node that served it, where one was reached.
    pub node: Option<u16>,
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

impl Request {
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

    /// Sends one command or transaction, records what became of it, and returns it. A dead client sends nothing and has no reply. A client
    /// of a Cluster goes where it is sent; each of its attempts is recorded, and all of them together have the time of one.
    pub async fn call<T: redis::FromRedisValue>(
        &self,
        op: OpKind,
        intended: u64,
        asked: Asked<'_>,
        read: impl Fn(&T) -> (Outcome, Option<Why>),
    ) -> Option<Reply<T>> {
        let (mut way, mut until, mut detours) = (Way::Usual, None, 0);
        loop {
            let (reply, next) = self.try_once(op, intended, asked, &read, way, &mut until).await?;
            detours += 1;
            match next.filter(|_| detours <= MOST_DETOURS && until.is_some_and(|until| Instant::now() < until)) {
                None => return Some(reply),
                Some(Way::Later) => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                    way = Way::Usual;
                }
                Some(next) => way = next,
            }
        }
    }

    /// One attempt, recorded, and where the node that was asked sends the client, if it does.
    async fn try_once<T: redis::FromRedisValue>(
        &self,
        op: OpKind,
        intended: u64,
        asked: Asked<'_>,
        read: &impl Fn(&T) -> (Outcome, Option<Why>),
        way: Way,
        until: &mut Option<Instant>,
    ) -> Option<(Reply<T>, Option<Way>)> {
        let clock = self.common.clock;
        let invoked = clock.now();
        let link = tokio::select! {
            biased;
            () = self.life.crashed.cancelled() => return None,
            link = self.link(&way) => link,
        };
        let Some(link) = link else {
            let at = [invoked, clock.now()];
            let why = if way == Way::Usual { Why::NoPrimary } else { Why::Connect };
            self.record(op, [intended, at[0], at[1]], Outcome::Fail, Some(why), None);
            return Some((Reply { at, out: Outcome::Fail, value: None, node: None }, None));
        };
        // The wait for the first connection is not part of the time for replies.
        let bound = *until.get_or_insert_with(|| Instant::now() + self.common.timeout);
        let asking = matches!(way, Way::Asking(_));
        let (Attempt { reply, why, node }, next) = self.send(link, asked, read, asking, bound).await;
        let [invoked, completed] = reply.at;
        self.record(op, [intended, invoked, completed], reply.out, why, node);
        Some((reply, next))
    }

    /// Sends one command or transaction over a connection and records nothing.
    pub async fn attempt<T: redis::FromRedisValue>(
        &self,
        link: Link,
        asked: Asked<'_>,
        read: impl Fn(&T) -> (Outcome, Option<Why>),
    ) -> Attempt<T> {
        self.send(link, asked, &read, false, Instant::now() + self.common.timeout).await.0
    }

    async fn send<T: redis::FromRedisValue>(
        &self,
        mut link: Link,
        asked: Asked<'_>,
        read: &impl Fn(&T) -> (Outcome, Option<Why>),
        asking: bool,
        bound: Instant,
    ) -> (Attempt<T>, Option<Way>) {
        let clock = self.common.clock;
        // Invoked means: may have been executed from here on. The wait for a connection lies before it.
        let invoked = clock.now();
        let reply: Option<Result<RedisResult<T>, _>> = tokio::select! {
            biased;
            () = self.life.crashed.cancelled() => None,
            reply = tokio::time::timeout_at(bound.into(), asked.send(&mut link.connection, asking)) => Some(reply),
        };
        let completed = clock.now();
        let (out, why, lost, value, next) = match reply {
            Some(Ok(Ok(value))) => {
                let (outcome, why) = read(&value);
                (outcome, why, false, Some(value), None)
            }
            Some(Ok(Err(error))) => {
                let (reading, next) = (classify(&error), self.sent_to(&error, &link));
                (reading.outcome, Some(reading.why), reading.lost && next.is_none(), None, next)
            }
            Some(Err(_)) => (Outcome::Info, Some(Why::Timeout), true, None, None),
            None => (Outcome::Info, Some(Why::Cancelled), false, None, None),
        };
        if lost {
            self.session.report_lost(&link);
        }
        (Attempt { reply: Reply { at: [invoked, completed], out, value, node: link.node }, why, node: link.node }, next)
    }

    async fn link(&self, way: &Way) -> Option<Link> {
        match way {
            Way::Asking(address) => self.session.asked(address).await,
            Way::Usual | Way::Later => {
                let keys = &self.common.keys;
                self.session.link(keys.shard_of(self.key), || keys.slot(self.key)).await
            }
        }
    }

    /// Where a node sends a client that finds its way itself.
    fn sent_to(&self, error: &redis::RedisError, link: &Link) -> Option<Way> {
        if link.connection.is_library() {
            return None;
        }
        match detour(error)? {
            Detour::Ask(address) => Some(Way::Asking(address)),
            Detour::Moved(slot, address) => self.session.learn(slot, &address, link).then_some(Way::Usual),
            Detour::Again => Some(Way::Later),
        }
    }

    /// Records what became of an operation.
    pub fn record(&self, op: OpKind, at: [u64; 3], out: Outcome, why: Option<Why>, node: Option<u16>) {
        let event = Op { w: self.common.index, c: self.client, op, id: self.id, key: self.key, at, out, why, node };
        self.common.recorder.record(Event::Op(event));
    }
}

/// Ends the holding when dropped.
pub struct Holding<'t>(&'t ClientState);

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.0.holding.fetch_sub(1, Ordering::Relaxed);
    }
}
