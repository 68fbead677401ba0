//! What is asked of each kind of workload: one check a kind, all with the same four steps.

use redquake_experiments::spec::{Workload, WorkloadKind};

use super::counters::Counters;
use super::fallback::{Caches, Period};
use super::found::Found;
use super::limiters::Limiters;
use super::locks::{Locks, Names};
use super::payments::Payments;
use super::register::Registers;
use super::servers::Servers;
use super::sets::Sets;
use crate::history::{Access, Decision, Exchange, Final, Keys, Members, Op, Paid, Payment, Query, Read, Value, Vote};
use crate::result::{CacheResult, CounterCounts, LimiterResult, LockCounts, PaymentCounts, RegisterCounts, SetCounts};

/// The check of one workload.
#[derive(Debug)]
pub enum Check {
    /// `lock`
    Lock(Box<Locks>),
    /// `set`
    Set(Sets),
    /// `counter`
    Counter(Counters),
    /// `register`
    Register(Registers),
    /// `fixed-window-limiter` and `sliding-window-limiter`
    Limiter(Limiters),
    /// `cache-aside`
    Cache(Caches),
    /// `payment-job`
    Payment(Payments),
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Counts of a lock workload.
    pub locks: Option<LockCounts>,
    /// Counts of a set workload.
    pub set: Option<SetCounts>,
    /// Counts of a counter workload.
    pub counter: Option<CounterCounts>,
    /// Counts of a register workload.
    pub register: Option<RegisterCounts>,
    /// What a limiter did.
    pub limiter: Option<LimiterResult>,
    /// What fell through a cache.
    pub cache: Option<CacheResult>,
    /// What became of payments.
    pub payments: Option<PaymentCounts>,
    /// Metrics of the kind: name after the workload's, and value.
    pub metrics: Vec<(&'static str, f64)>,
    /// Metrics that were not over at the end: they are at least this.
    pub bounds: Vec<(&'static str, f64)>,
}

impl Check {
    /// The check of a workload's kind.
    pub fn new(workload: &Workload) -> Self {
        match &workload.kind {
            WorkloadKind::Lock(lock) => Self::Lock(Box::new(Locks::of(lock))),
            WorkloadKind::Set(_) => Self::Set(Sets::default()),
            WorkloadKind::Counter(_) => Self::Counter(Counters::default()),
            WorkloadKind::Register(_) => Self::Register(Registers::default()),
            WorkloadKind::PaymentJob(payment) => Self::Payment(Payments::new(payment)),
            WorkloadKind::CacheAside(cache) => Self::Cache(Caches::new(cache)),
            WorkloadKind::FixedWindowLimiter(limiter) => Self::Limiter(Limiters::fixed(limiter)),
            WorkloadKind::SlidingWindowLimiter(limiter) => Self::Limiter(Limiters::sliding(limiter)),
        }
    }

    /// Takes in one attempt.
    pub fn op(&mut self, op: &Op) {
        match self {
            Self::Lock(locks) => locks.op(op),
            Self::Set(sets) => sets.op(op),
            Self::Payment(payments) => payments.op(op),
            _ => {}
        }
    }

    /// Takes in one primary's part in an attempt of a lock.
    pub fn vote(&mut self, vote: &Vote) {
        if let Self::Lock(locks) = self {
            locks.vote(vote);
        }
    }

    /// Takes in what a holder did with what its lock guards.
    pub fn access(&mut self, access: &Access) {
        if let Self::Lock(locks) = self {
            locks.access(access);
        }
    }

    /// Takes in what a limiter's client decided.
    pub fn decision(&mut self, decision: &Decision) {
        if let Self::Limiter(limiter) = self {
            limiter.decision(decision);
        }
    }

    /// Takes in one query of the database.
    pub fn query(&mut self, query: &Query) {
        if let Self::Cache(cache) = self {
            cache.query(query);
        }
    }

    /// Takes in one read through a cache.
    pub fn read(&mut self, read: &Read) {
        if let Self::Cache(cache) = self {
            cache.read(read);
        }
    }

    /// Takes in one attempt to pay.
    pub fn payment(&mut self, payment: &Payment) {
        if let Self::Payment(payments) = self {
            payments.payment(payment);
        }
    }

    /// Takes in payments of the ledger.
    pub fn paid(&mut self, paid: &Paid) {
        if let Self::Payment(payments) = self {
            payments.paid(paid);
        }
    }

    /// Takes in what a limiter left on the server.
    pub fn keys(&mut self, keys: &Keys) {
        if let Self::Limiter(limiter) = self {
            limiter.keys(keys);
        }
    }

    /// Takes in one call of a register or counter.
    pub fn exchange(&mut self, exchange: &Exchange) {
        match self {
            Self::Counter(counters) => counters.exchange(exchange),
            Self::Register(registers) => registers.exchange(exchange),
            _ => {}
        }
    }

    /// Takes in the final read of a register or counter.
    pub fn value(&mut self, value: &Value) {
        match self {
            Self::Counter(counters) => counters.value(value),
            Self::Register(registers) => registers.value(value),
            _ => {}
        }
    }

    /// Takes in the final read of one key.
    pub fn last(&mut self, last: &Final) {
        if let Self::Lock(locks) = self {
            locks.last(last);
        }
    }

    /// Takes in elements of the final read of a set.
    pub fn members(&mut self, members: &Members) {
        if let Self::Set(sets) = self {
            sets.members(members);
        }
    }

    /// From when a final state shows everything it can, given when every fault was reverted.
    pub fn judgeable_from(&self, healed: u64) -> Option<u64> {
        match self {
            Self::Lock(locks) => locks.judgeable_from(healed),
            _ => None,
        }
    }

    /// Judges. `healed` is when every fault was reverted, `None` if that never happened; `period` is the measured time.
    pub fn finish(self, healed: Option<u64>, period: Period, names: &Names<'_>, servers: &Servers, found: &mut Found<'_>) -> Checked {
        match self {
            Self::Lock(locks) => {
                let (counts, metrics) = locks.judge(healed, names, found);
                Checked { metrics, locks: Some(counts), ..Checked::default() }
            }
            Self::Limiter(limiter) => limiter.finish(names, found),
            Self::Cache(cache) => cache.finish(period),
            Self::Payment(payments) => payments.finish(names, found),
            Self::Counter(counters) => counters.finish(names, servers, found),
            Self::Register(registers) => registers.finish(names, servers, found),
            Self::Set(sets) => {
                let counts = sets.judge(names, servers, found);
                let mut metrics = vec![
                    ("acknowledged", counts.acknowledged as f64),
                    ("lost", counts.lost as f64),
                    ("recovered", counts.recovered as f64),
                    ("unexpected", counts.unexpected as f64),
                    ("never_read", counts.never_read as f64),
                ];
                if counts.acknowledged > 0 {
                    metrics.push(("lost_share", counts.lost as f64 / counts.acknowledged as f64));
                }
                Checked { metrics, set: Some(counts), ..Checked::default() }
            }
        }
    }
}
