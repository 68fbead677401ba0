//! `payment-job`: take the job's lock, ask the database whether it is paid, work, charge, give the lock back.

use std::sync::Arc;

use redquake_experiments::spec::PaymentJobWorkload;
use redquake_reports::history::{Event, NoteKind, OpKind, Outcome, Paid, Paying, Payment, Why};

use super::behaviour::{Asked, Common, Request, Waited, WorkloadClient};
use crate::databases::{Begin, Charge, Charged, Database};

/// Takes a lock and draws the next fencing token with it; a lifetime of 0 is for ever.
const FENCED: &str = "local set if ARGV[2] == '0' then set = redis.call('set', KEYS[1], ARGV[1], 'NX') \
    else set = redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) end \
    if set then return redis.call('incr', KEYS[2]) else return false end";
/// The same without a token.
const PLAIN: &str = "local set if ARGV[2] == '0' then set = redis.call('set', KEYS[1], ARGV[1], 'NX') \
    else set = redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) end \
    if set then return 0 else return false end";
/// Prolongs a lock while it still carries the holder's token.
const RENEW: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end";
/// Deletes a lock while it still carries the holder's token.
const RELEASE: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

/// Entries of the ledger in one event.
const CHUNK: usize = 1_000;
/// Longest wait of `WAIT`, ms: less than a reply may take by default, so that its answer comes in time.
const REPLICATED_WITHIN: u64 = 100;

/// The servers that pick up jobs.
pub struct PaymentServers {
    /// What they do.
    pub spec: PaymentJobWorkload,
    /// Where the ledger is.
    pub database: Option<Arc<dyn Database>>,
}

/// A lock that is held.
struct Lease {
    asked: [u64; 2],
    fence: Option<u64>,
}

impl PaymentServers {
    fn lock(&self, turn: &Request) -> String {
        turn.common.keys.name(format!("pay:{}:{}", turn.common.index, turn.key), turn.key)
    }

    fn token(turn: &Request) -> String {
        format!("{:016x}:{}:{}", turn.common.seed, turn.common.index, turn.id)
    }

    /// In milliseconds; 0 for ever.
    fn lifetime(&self) -> u64 {
        self.spec.ttl.limit().map_or(0, |ttl| ttl.as_millis())
    }

    async fn acquire(&self, turn: &Request) -> Option<Lease> {
        let counter = turn.common.keys.name(format!("pay-fence:{}", turn.common.index), turn.key);
        let script = if self.spec.fencing { FENCED } else { PLAIN };
        let mut set = redis::pipe();
        set.cmd("EVAL").arg(script).arg(2).arg(self.lock(turn)).arg(counter).arg(Self::token(turn)).arg(self.lifetime());
        let wanted = u64::from(self.spec.wait);
        if wanted > 0 {
            set.cmd("WAIT").arg(wanted).arg(REPLICATED_WITHIN);
        }
        let asked = turn.call::<Vec<Option<u64>>>(OpKind::Acquire, turn.intended, Asked::Transaction(&set), |answers| {
            match (answers.first().copied().flatten(), answers.get(1).copied().flatten()) {
                (None, _) => (Outcome::Fail, Some(Why::Held)),
                // It is there, but its holder does not believe in it.
                (Some(_), copies) if wanted > 0 && copies.is_none_or(|copies| copies < wanted) => (Outcome::Info, Some(Why::Noreplicas)),
                _ => (Outcome::Ok, None),
            }
        });
        let reply = asked.await?;
        let token = reply.value.as_ref().and_then(|answers| answers.first().copied().flatten());
        if reply.out == Outcome::Ok {
            return Some(Lease { asked: reply.at, fence: token.filter(|_| self.spec.fencing) });
        }
        if token.is_some() {
            self.release(turn, reply.at[1]).await;
        }
        None
    }

    async fn release(&self, turn: &Request, intended: u64) {
        let delete = redis::cmd("EVAL").arg(RELEASE).arg(1).arg(self.lock(turn)).arg(Self::token(turn)).take();
        turn.perform::<u32>(OpKind::Release, intended, &delete, |deleted| match deleted {
            0 => (Outcome::Ok, Some(Why::Gone)),
            _ => (Outcome::Ok, None),
        })
        .await;
    }

    /// Works, prolonging the lock if asked to; why it ended early, `None` when the work is done.
    async fn work(&self, turn: &Request, locked: bool) -> Option<Paying> {
        let clock = turn.common.clock;
        let due = clock.now() + self.spec.work.as_nanos();
        let every = self.spec.ttl.limit().map_or(u64::MAX, |ttl| ttl.as_nanos() / 3);
        let mut next = if self.spec.renew && locked { clock.now().saturating_add(every) } else { u64::MAX };
        loop {
            match turn.wait_until(due.min(next)).await {
                Waited::Due if due <= next => return None,
                Waited::Due => {}
                Waited::Stopped | Waited::Crashed => return Some(Paying::Stopped),
            }
            let renew = redis::cmd("EVAL").arg(RENEW).arg(1).arg(self.lock(turn)).arg(Self::token(turn)).arg(self.lifetime()).take();
            let asked = turn.call::<u32>(OpKind::Renew, next, Asked::Command(&renew), |found| match found {
                0 => (Outcome::Ok, Some(Why::Gone)),
                _ => (Outcome::Ok, None),
            });
            match asked.await {
                None => return Some(Paying::Stopped),
                Some(reply) if reply.value == Some(0) => return Some(Paying::LostLock),
                // Without an answer it hopes for the next time.
                Some(_) => next = clock.now().saturating_add(every),
            }
        }
    }

    /// Looks, works and charges.
    async fn pay(&self, turn: &Request, database: &dyn Database, lease: Option<&Lease>) {
        let clock = turn.common.clock;
        let fence = lease.and_then(|lease| lease.fence);
        let look = database.begin(turn.key, fence).await;
        let looked = [clock.at(look.asked), clock.at(look.ended)];
        let mut charged = None;
        let out = match look.answer {
            Ok(Begin::Paid) => Paying::Settled,
            Ok(Begin::Stale) => Paying::Fenced,
            Err(_) => Paying::Refused,
            Ok(Begin::Open) => match self.work(turn, lease.is_some()).await {
                Some(ended) => ended,
                None => {
                    let query = database.charge(Charge { job: turn.key, id: turn.id, fence }).await;
                    charged = Some([clock.at(query.asked), clock.at(query.ended)]);
                    match query.answer {
                        Ok(Charged::Entered) => Paying::Charged,
                        Ok(Charged::Stale) => Paying::Fenced,
                        Err(error) if error.is_certain() => Paying::Refused,
                        Err(_) => Paying::Unknown,
                    }
                }
            },
        };
        let (w, c, id, key, lock) = (turn.common.index, turn.client, turn.id, turn.key, lease.map(|lease| lease.asked));
        turn.common.recorder.record(Event::Payment(Payment { w, c, id, key, lock, fence, looked, charged, out }));
    }
}

impl WorkloadClient for PaymentServers {
    fn first(&self) -> OpKind {
        OpKind::Acquire
    }

    fn keys(&self) -> u32 {
        u32::MAX
    }

    fn together(&self) -> bool {
        true
    }

    fn holds(&self) -> bool {
        self.spec.lock
    }

    async fn run(&self, turn: &Request) {
        let Some(database) = self.database.as_deref() else { return };
        if !self.spec.lock {
            return self.pay(turn, database, None).await;
        }
        let Some(lease) = self.acquire(turn).await else { return };
        let holding = turn.holding();
        self.pay(turn, database, Some(&lease)).await;
        drop(holding);
        if !turn.life.crashed.is_cancelled() {
            self.release(turn, turn.common.clock.now()).await;
        }
    }
}

/// Reads the ledger and records it.
pub async fn final_ledger(common: &Common) {
    let Some(database) = &common.database else { return };
    match database.ledger().await {
        Ok(ledger) => {
            let entries: Vec<(u32, u64)> = ledger.iter().map(|entry| (entry.job, entry.id)).collect();
            let record = |from: usize, entries: &[(u32, u64)]| {
                let paid = Paid { at: common.clock.now(), w: common.index, from: from as u64, entries: entries.to_vec() };
                common.recorder.record(Event::Paid(paid));
            };
            if entries.is_empty() {
                record(0, &[]);
            }
            entries.chunks(CHUNK).enumerate().for_each(|(number, chunk)| record(number * CHUNK, chunk));
        }
        Err(reason) => common.recorder.note(NoteKind::Remark, format!("the ledger could not be read: {reason}")),
    }
}
