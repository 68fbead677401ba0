//! What users of limiters, payments and caches felt, over the conclusive trials.

use super::harm::Done;
use super::{facts, number};
use crate::result::{Document, WorkloadResult};

/// Admissions, and those beyond a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub admitted: u64,
    pub over: u64,
    /// Those that Redis itself admitted.
    pub over_redis: u64,
}

/// Jobs that were paid, and payments beyond the first of their job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Payments {
    pub paid: u64,
    pub twice: u64,
}

/// The highest load of a database behind a cache, by what it was before the first fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Fallback {
    pub workload: String,
    /// Queries per second before, and the most within any second.
    pub baseline: f64,
    pub peak: f64,
}

impl Fallback {
    /// How many times its usual load.
    pub fn times(&self) -> f64 {
        self.peak / self.baseline
    }
}

fn workloads(document: &Document) -> impl Iterator<Item = &WorkloadResult> {
    facts::conclusive(document).flat_map(|trial| &trial.workloads)
}

/// Of all limiters; `None` without one.
pub fn limits(document: &Document) -> Option<Limits> {
    let all = workloads(document).filter_map(|workload| workload.limiter.as_ref()).map(|one| Limits {
        admitted: one.admitted_redis + one.admitted_open + one.admitted_local,
        over: one.over_admitted,
        over_redis: one.over_admitted_redis,
    });
    all.reduce(|sum, one| Limits {
        admitted: sum.admitted + one.admitted,
        over: sum.over + one.over,
        over_redis: sum.over_redis + one.over_redis,
    })
}

/// Of all payment jobs; `None` without one.
pub fn payments(document: &Document) -> Option<Payments> {
    let all = workloads(document).filter_map(|workload| workload.payments.as_ref());
    all.map(|one| Payments { paid: one.paid, twice: one.charged_twice })
        .reduce(|sum, one| Payments { paid: sum.paid + one.paid, twice: sum.twice + one.twice })
}

/// The worst of all caches and trials; `None` where no database had a load before the first fault.
pub fn fallback(document: &Document) -> Option<Fallback> {
    let all = workloads(document).filter_map(|workload| {
        let cache = workload.cache.as_ref()?;
        let baseline = cache.baseline.filter(|baseline| *baseline > 0.0)?;
        Some(Fallback { workload: workload.name.clone(), baseline, peak: cache.peak })
    });
    all.max_by(|one, other| one.times().total_cmp(&other.times()))
}

/// What went well, for the first sentence: of each kind of workload the harm that was looked for and was not done.
pub fn calm(document: &Document, done: &[Done]) -> Vec<String> {
    let none = |kind: &str, metrics: &[&str]| !done.iter().any(|one| one.harm.kind == kind && metrics.contains(&one.harm.metric));
    // Both the metrics and the counts must say that nothing happened.
    let zero = |nothing: bool, kind: &str, metrics: &[&str], words: &str| (nothing && none(kind, metrics)).then(|| words.to_owned());
    let locks = facts::locks(document);
    let unseen = locks.as_ref().filter(|locks| locks.updates > 0 && locks.lost_updates == 0);
    let updates = number::count(unseen.map_or(0, |locks| locks.updates) as f64);
    let load = fallback(document).filter(|_| none("cache-aside", &["db_peak_multiplier"]));
    let (sets, counters, registers) = (facts::sets(document), facts::counters(document), facts::registers(document));
    [
        // Said of all writes, so those to registers count as well.
        zero(
            sets.is_some_and(|sets| sets.lost + sets.never_read == 0) && none("register", &["lost", "never_read"]),
            "set",
            &["lost", "never_read"],
            "no acknowledged write was lost",
        ),
        zero(counters.is_some_and(|[_, lost]| lost == 0), "counter", &["lost", "never_read"], "no acknowledged increment was lost"),
        zero(
            registers.is_some_and(|[_, broken, unknown]| broken + unknown == 0),
            "register",
            &["violations", "inconclusive", "lost", "lost_updates"],
            "all registers were linearizable",
        ),
        zero(limits(document).is_some_and(|limits| limits.over == 0), "limiter", &["over_admitted", "peak"], "no limit was overrun"),
        zero(payments(document).is_some_and(|payments| payments.twice == 0), "payment-job", &["charged_twice"], "no job was charged twice"),
        load.map(|load| format!("the database behind `{}` took up to {:.1} times its usual load", load.workload, load.times())),
        zero(locks.as_ref().is_some_and(|locks| locks.double_acquired == 0), "lock", &["double_acquired"], "no lock was held twice"),
        zero(unseen.is_some(), "lock", &["lost_updates"], &format!("no update was lost in {updates} guarded ones")),
    ]
    .into_iter()
    .flatten()
    .collect()
}
