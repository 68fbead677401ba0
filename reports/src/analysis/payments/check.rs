//! One payment workload of a trial: attempts and ledger taken in, judged and told.

use std::collections::{BTreeMap, BTreeSet};

use redquake_experiments::spec::PaymentJobWorkload;

use super::causes::{Attempt, Cause, ChargedTwice, PaymentRules, charged_twice};
use crate::analysis::check::Checked;
use crate::analysis::found::Found;
use crate::analysis::hash::Map;
use crate::analysis::locks::{Grant, LockRules, Names, regressions};
use crate::analysis::words::instant;
use crate::history::{Op, OpKind, Outcome, Paid, Paying, Payment};
use crate::result::{Anomaly, AnomalyKind, PaymentCounts};

/// Takes in what servers did and what the ledger has in the end.
#[derive(Debug)]
pub struct Payments {
    rules: PaymentRules,
    attempts: Map<u64, Payment>,
    /// Acknowledged renewals by attempt: invoked and completed.
    renewals: Map<u64, Vec<[u64; 2]>>,
    /// Job and attempt by position; a ledger may be told twice.
    ledger: BTreeMap<u64, (u32, u64)>,
    read: bool,
}

impl Payments {
    /// For a workload as described.
    pub fn new(spec: &PaymentJobWorkload) -> Self {
        let rules = PaymentRules { ttl: spec.ttl.as_nanos(), drift: spec.drift() };
        Self { rules, attempts: Map::default(), renewals: Map::default(), ledger: BTreeMap::new(), read: false }
    }

    /// Takes in one attempt of a server at Redis: those that prolonged a lock count.
    pub fn op(&mut self, op: &Op) {
        if op.op == OpKind::Renew && op.out == Outcome::Ok && op.why.is_none() {
            self.renewals.entry(op.id).or_default().push([op.at[1], op.at[2]]);
        }
    }

    /// Takes in one attempt.
    pub fn payment(&mut self, payment: &Payment) {
        self.attempts.insert(payment.id, *payment);
    }

    /// Takes in the ledger, or a part of it.
    pub fn paid(&mut self, paid: &Paid) {
        self.read = true;
        self.ledger.extend((paid.from..).zip(paid.entries.iter().copied()));
    }

    /// Judges. Without a ledger there is nothing to judge.
    pub(in crate::analysis) fn finish(self, names: &Names<'_>, found: &mut Found<'_>) -> Checked {
        if !self.read {
            return Checked::default();
        }
        let charges: Vec<Attempt> = self.ledger.iter().map(|(position, (job, id))| self.attempt(*position, *job, *id)).collect();
        let twice = charged_twice(&charges, self.rules);
        let paid: BTreeSet<u32> = charges.iter().map(|charge| charge.job).collect();
        let jobs: BTreeSet<u32> = self.attempts.values().map(|payment| payment.key).chain(paid.iter().copied()).collect();
        let of = |cause: Cause| twice.iter().filter(|one| one.cause == cause).count() as u64;
        let token = |payment: &Payment| Some(Grant { key: payment.key, id: payment.id, at: payment.lock?, token: payment.fence? });
        let grants: Vec<Grant> = self.attempts.values().filter_map(token).collect();
        let causes = [Cause::NoLock, Cause::LostLock, Cause::LeaseEnded, Cause::LateCharge, Cause::Unexplained].map(of);
        let counts = PaymentCounts {
            jobs: jobs.len() as u64,
            paid: paid.len() as u64,
            charges: charges.len() as u64,
            charged_twice: twice.len() as u64,
            causes,
            fenced_out: self.attempts.values().filter(|payment| payment.out == Paying::Fenced).count() as u64,
            token_regressions: regressions(&grants).len() as u64,
            unpaid: jobs.difference(&paid).count() as u64,
            contested: self.contested(),
        };
        let mut metrics = vec![
            ("jobs", counts.jobs as f64),
            ("paid", counts.paid as f64),
            ("charged_twice", counts.charged_twice as f64),
            ("twice_no_lock", causes[0] as f64),
            ("twice_lost_lock", causes[1] as f64),
            ("twice_lease_ended", causes[2] as f64),
            ("twice_late", causes[3] as f64),
            ("twice_unexplained", causes[4] as f64),
            ("fenced_out", counts.fenced_out as f64),
            ("token_regressions", counts.token_regressions as f64),
            ("unpaid", counts.unpaid as f64),
        ];
        if counts.paid > 0 {
            metrics.push(("charges_per_job", counts.charges as f64 / counts.paid as f64));
        }
        twice.iter().for_each(|one| found.one(self.told(one, names)));
        Checked { metrics, payments: Some(counts), ..Checked::default() }
    }

    /// Jobs that more than one server took up.
    fn contested(&self) -> u64 {
        let mut servers: Map<u32, (u16, bool)> = Map::default();
        for payment in self.attempts.values() {
            let known = servers.entry(payment.key).or_insert((payment.c, false));
            known.1 |= known.0 != payment.c;
        }
        servers.values().filter(|(_, several)| *several).count() as u64
    }

    fn attempt(&self, position: u64, job: u32, id: u64) -> Attempt {
        let known = self.attempts.get(&id);
        let charged = known.and_then(|payment| {
            let [sent, ended] = payment.charged?;
            Some((sent, (payment.out == Paying::Charged).then_some(ended)))
        });
        Attempt {
            job,
            id,
            position,
            known: known.is_some(),
            lock: known.and_then(|payment| payment.lock),
            prolonged: self.prolonged(id, known.and_then(|payment| payment.lock)),
            looked: known.map_or([0, 0], |payment| payment.looked),
            charged: charged.unwrap_or((0, None)),
        }
    }

    /// Until when the lease of an attempt lasted, if it was prolonged.
    fn prolonged(&self, id: u64, lock: Option<[u64; 2]>) -> Option<u64> {
        let rules = LockRules { ttl: self.rules.ttl, drift: self.rules.drift, renewed: true };
        Some(rules.prolonged(lock?[0], self.renewals.get(&id)?))
    }

    fn told(&self, found: &ChargedTwice, names: &Names<'_>) -> Anomaly {
        let who = |attempt: &Attempt| {
            let client = self.attempts.get(&attempt.id).map(|payment| format!("server {}", payment.c));
            let lock = attempt.lock.map_or_else(String::new, |lock| format!(", who had the lock from {},", instant(lock[1], names.zero)));
            format!("{}{lock} at {}", client.as_deref().unwrap_or("an unknown server"), instant(attempt.charged.0, names.zero))
        };
        let cause = match found.cause {
            Cause::NoLock => "no lock kept them apart",
            Cause::LostLock => "the lock was granted again while the first lease still ran",
            Cause::LeaseEnded => "the first server's lease had ended before it charged",
            Cause::LateCharge => "a charge took effect after its server had stopped waiting for the answer",
            Cause::Unexplained => "no event of the lock explains it",
        };
        let text = format!("job {} was charged by {}, and by {}: {cause}", found.job, who(&found.first), who(&found.second));
        let from = found.first.charged.0.min(found.second.charged.0);
        let to = Some(found.first.charged.0.max(found.second.charged.0));
        Anomaly { kind: AnomalyKind::ChargedTwice, workload: names.workload.to_owned(), key: found.job, from, to, text }
    }
}
