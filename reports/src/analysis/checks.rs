//! The check of a workload over all of its keys, and in a Cluster the same over the keys of each shard.
//!
//! A shard is checked as if its keys were a workload of their own: what is true of peaks and shares is then true of its own, not a part of a sum.

use redquake_experiments::spec::metrics::is_of_keys;
use redquake_experiments::spec::{Workload, shard_of};

use super::check::{Check, Checked};
use super::fallback::Period;
use super::found::Found;
use super::locks::Names;
use super::samples::{Samples, of_workload};
use super::servers::Servers;
use super::tally::Tally;
use crate::history::{Access, Decision, Exchange, Final, Keys, Members, Op, Paid, Payment, Query, Read, Value, Vote};
use crate::result::Sample;

/// The checks of one workload.
#[derive(Debug)]
pub struct Checks {
    whole: Check,
    /// Of each shard; empty where there is one.
    shards: Vec<Part>,
}

/// What became of the keys of a shard.
#[derive(Debug)]
struct Part {
    check: Check,
    tally: Tally,
}

impl Checks {
    /// The checks of a workload.
    pub fn new(spec: &Workload, shards: u32) -> Self {
        let parts = if shards > 1 { shards } else { 0 };
        let part = |_| Part { check: Check::new(spec), tally: Tally::default() };
        Self { whole: Check::new(spec), shards: (0..parts).map(part).collect() }
    }

    /// The part a key belongs to.
    fn part(&mut self, key: u32) -> Option<&mut Part> {
        let shards = u32::try_from(self.shards.len()).unwrap_or(u32::MAX);
        self.shards.get_mut(shard_of(key, shards) as usize - 1)
    }

    fn take(&mut self, key: u32, take: impl Fn(&mut Check)) {
        take(&mut self.whole);
        if let Some(part) = self.part(key) {
            take(&mut part.check);
        }
    }

    /// Takes in one attempt.
    pub fn op(&mut self, op: &Op) {
        self.take(op.key, |check| check.op(op));
    }

    /// Counts one attempt of the measured time.
    pub fn tally(&mut self, op: &Op) {
        if let Some(part) = self.part(op.key) {
            part.tally.op(op);
        }
    }

    /// Takes in one primary's part in an attempt of a lock.
    pub fn vote(&mut self, vote: &Vote) {
        self.take(vote.key, |check| check.vote(vote));
    }

    /// Takes in what a holder did with what its lock guards.
    pub fn access(&mut self, access: &Access) {
        self.take(access.key, |check| check.access(access));
    }

    /// Takes in what a limiter's client decided.
    pub fn decision(&mut self, decision: &Decision) {
        self.take(decision.key, |check| check.decision(decision));
    }

    /// Takes in one query of the database.
    pub fn query(&mut self, query: &Query) {
        self.take(query.key, |check| check.query(query));
    }

    /// Takes in one read through a cache.
    pub fn read(&mut self, read: &Read) {
        self.take(read.key, |check| check.read(read));
    }

    /// Takes in one attempt to pay.
    pub fn payment(&mut self, payment: &Payment) {
        self.take(payment.key, |check| check.payment(payment));
    }

    /// Takes in payments of the ledger: to each shard those of its jobs.
    pub fn paid(&mut self, paid: &Paid) {
        self.whole.paid(paid);
        let shards = u32::try_from(self.shards.len()).unwrap_or(u32::MAX);
        for (part, number) in self.shards.iter_mut().zip(1..) {
            let entries = paid.entries.iter().filter(|(job, _)| shard_of(*job, shards) == number).copied().collect();
            part.check.paid(&Paid { entries, ..paid.clone() });
        }
    }

    /// Takes in what a limiter left on the servers: of which shard its keys are is not told.
    pub fn keys(&mut self, keys: &Keys) {
        self.whole.keys(keys);
    }

    /// Takes in one call of a register or counter.
    pub fn exchange(&mut self, exchange: &Exchange) {
        self.take(exchange.key, |check| check.exchange(exchange));
    }

    /// Takes in the final read of a register or counter.
    pub fn value(&mut self, value: &Value) {
        self.take(value.key, |check| check.value(value));
    }

    /// Takes in the final read of one key.
    pub fn last(&mut self, last: &Final) {
        self.take(last.key, |check| check.last(last));
    }

    /// Takes in elements of the final read of a set.
    pub fn members(&mut self, members: &Members) {
        self.take(members.key, |check| check.members(members));
    }

    /// From when a final state shows everything it can, given when every fault was reverted.
    pub fn judgeable_from(&self, healed: u64) -> Option<u64> {
        self.whole.judgeable_from(healed)
    }

    /// Judges the whole, and puts the metrics of each shard among the samples.
    pub fn finish(
        self,
        healed: Option<u64>,
        period: Period,
        names: &Names<'_>,
        servers: &Servers,
        samples: &mut Samples,
        found: &mut Found<'_>,
    ) -> Checked {
        let measured = period.to.saturating_sub(period.from);
        for (part, number) in self.shards.into_iter().zip(1_u32..) {
            let of = format!("shard-{number}.{}", names.workload);
            // What is wrong with a shard's keys is told with the whole.
            let mut own = part.check.finish(healed, period, names, servers, &mut Found::new(&mut |_| ()));
            own.metrics.retain(|(metric, _)| is_of_keys(metric));
            of_workload(&of, &part.tally, &own.metrics, measured, samples);
            let bounds = own.bounds.iter().filter(|(metric, _)| is_of_keys(metric));
            samples.extend(bounds.map(|(metric, bound)| (format!("{of}.{metric}"), Sample::AtLeast(*bound))));
        }
        self.whole.finish(healed, period, names, servers, found)
    }
}
