//! One turn of a lock's client: take it, use what it guards, prolong it, give it back.

use redquake_experiments::spec::LockWorkload;
use redquake_reports::history::{Access, Accessed, Event, OpKind};

use super::resource::Resource;
use crate::workloads::behaviour::{Request, Waited, WorkloadClient};

/// What the clients of a lock workload do.
pub struct LockClients {
    pub(super) spec: LockWorkload,
    /// What the locks guard, if they guard anything.
    resource: Option<Resource>,
}

/// A lock that was granted.
pub(super) struct Grant {
    /// When it was asked for and granted.
    pub(super) at: [u64; 2],
    /// The fencing token that came with it.
    pub(super) token: Option<u64>,
}

/// What became of an attempt to prolong a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewed {
    /// It lives on, or nobody knows.
    Perhaps,
    /// It was gone.
    Gone,
    /// The client died.
    Crashed,
}

/// How a hold ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// It was held for as long as it was meant to be, up to that instant.
    Done(u64),
    /// The clients were told to stop.
    Stopped,
    /// The guarded value refused its holder.
    Refused,
    /// The lock was found gone.
    Lost,
    /// The client died.
    Crashed,
}

impl LockClients {
    /// For a workload as described.
    pub fn new(spec: LockWorkload) -> Self {
        let resource = spec.guards().then(|| Resource::new(spec.fencing));
        Self { spec, resource }
    }

    /// In milliseconds; 0 for ever.
    pub(super) fn lifetime(&self) -> u64 {
        self.spec.ttl.limit().map_or(0, |ttl| ttl.as_millis())
    }

    async fn acquire(&self, turn: &Request) -> Option<Grant> {
        if self.spec.asks_independent() { self.acquire_quorum(turn).await } else { self.acquire_single(turn).await }
    }

    async fn renew(&self, turn: &Request, intended: u64) -> Renewed {
        if self.spec.asks_independent() { self.renew_quorum(turn, intended).await } else { self.renew_single(turn, intended).await }
    }

    async fn release(&self, turn: &Request, intended: u64) {
        if self.spec.asks_independent() {
            self.release_quorum(turn, intended).await;
        } else {
            self.release_single(turn, intended).await;
        }
    }

    /// Holds the lock, prolonging it if asked to.
    async fn hold(&self, turn: &Request, since: u64) -> Held {
        let until = since.saturating_add(self.spec.hold.as_nanos());
        let every = self.spec.ttl.limit().filter(|_| self.spec.renew).map_or(u64::MAX, |ttl| ttl.as_nanos() / 3);
        let mut next = since.saturating_add(every);
        loop {
            match turn.wait_until(until.min(next)).await {
                Waited::Due if until <= next => return Held::Done(until),
                Waited::Due => {}
                Waited::Stopped => return Held::Stopped,
                Waited::Crashed => return Held::Crashed,
            }
            match self.renew(turn, next).await {
                // Without an answer it stays and hopes for the next time, as watchdogs do.
                Renewed::Perhaps => next = turn.common.clock.now().saturating_add(every),
                Renewed::Gone => return Held::Lost,
                Renewed::Crashed => return Held::Crashed,
            }
        }
    }
}

impl WorkloadClient for LockClients {
    fn first(&self) -> OpKind {
        OpKind::Acquire
    }

    fn keys(&self) -> u32 {
        self.spec.keys
    }

    fn holds(&self) -> bool {
        true
    }

    fn independent(&self) -> bool {
        self.spec.asks_independent()
    }

    async fn run(&self, turn: &Request) {
        let Some(grant) = self.acquire(turn).await else { return };
        let (key, clock) = (turn.key, turn.common.clock);
        let holding = turn.holding();
        let visit = self.resource.as_ref().map(|resource| (resource, resource.read(&clock, key, grant.token)));
        let held = match &visit {
            Some((_, seen)) if seen.refused => Held::Refused,
            _ => self.hold(turn, grant.at[1]).await,
        };
        drop(holding);
        if let Some((resource, read)) = visit {
            let written = matches!(held, Held::Done(_)).then(|| resource.write(&clock, key, grant.token));
            let (wrote, out) = match (written, held) {
                (Some(seen), _) => (Some([seen.at, seen.version]), if seen.refused { Accessed::RefusedWrite } else { Accessed::Written }),
                (None, Held::Refused) => (None, Accessed::RefusedRead),
                (None, Held::Lost) => (None, Accessed::LostLock),
                (None, _) => (None, Accessed::Stopped),
            };
            let (w, c, id, lock, token) = (turn.common.index, turn.client, turn.id, grant.at, grant.token);
            let access = Access { w, c, id, key, lock, token, read: [read.at, read.version], wrote, out };
            turn.common.recorder.record(Event::Access(access));
        }
        match held {
            Held::Done(until) => self.release(turn, until).await,
            Held::Stopped | Held::Refused => self.release(turn, clock.now()).await,
            // The dead give nothing back, and what is gone cannot be given back.
            Held::Lost | Held::Crashed => {}
        }
    }
}
