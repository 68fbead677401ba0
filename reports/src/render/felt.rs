//! What users of limiters, payments and caches felt, over the conclusive trials.

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

/// All of it in words, for a sentence.
pub fn words(document: &Document) -> Vec<String> {
    let limits = limits(document).map(|limits| match limits.over {
        0 => "no limit was overrun".to_owned(),
        over => {
            format!(
                "{} of {} admitted were beyond a limit",
                number::plural(over, "request", "requests"),
                number::count(limits.admitted as f64)
            )
        }
    });
    let payments = payments(document).map(|payments| match payments.twice {
        0 => "no job was charged twice".to_owned(),
        twice => format!("{} came on top of the first of their job", number::plural(twice, "payment", "payments")),
    });
    let fallback = fallback(document)
        .map(|load| format!("the database behind `{}` took up to {:.1} times its usual load", load.workload, load.times()));
    [limits, payments, fallback].into_iter().flatten().collect()
}
