//! Assertions that could not have failed: what they limit could not happen in any trial.
//!
//! A run that passes by such an assertion shows nothing about the servers. The figures that show it stand with the assertion.

use redquake_experiments::spec::metrics::of_shard;
use redquake_experiments::spec::{Assertion, Comparison, Limit};

use super::words::{count, number_text};
use crate::history::{OpKind, Why};
use crate::result::{Trial, TrialStatus, WorkloadResult};

/// Why an assertion that holds could not have failed, with the figure; `None` where it could.
pub fn vacuous(assertion: &Assertion, trials: &[Trial]) -> Option<String> {
    if !holds_for_nothing(assertion) {
        return None;
    }
    let trials: Vec<&Trial> = trials.iter().filter(|trial| trial.status == TrialStatus::Conclusive).collect();
    let name = of_shard(&assertion.metric).map_or(assertion.metric.as_str(), |(_, rest)| rest);
    let (of, metric) = name.split_once('.')?;
    if of == "failover" || of.starts_with("shard-") {
        // Servers may stop, fail over or crash with nothing injected; only what follows a fault cannot happen without one.
        if metric != "aftershocks" {
            return None;
        }
        let injected = trials.iter().flat_map(|trial| &trial.faults).filter(|fault| fault.injected_at.is_some()).count();
        return (injected == 0).then(|| format!("no fault was injected in {}", count(trials.len() as u64, "trial")));
    }
    let results: Vec<&WorkloadResult> = trials.iter().flat_map(|trial| &trial.workloads).filter(|workload| workload.name == of).collect();
    of_workload(metric, assertion, &results)
}

/// Whether it holds where nothing happens at all: only then can nothing have been looked at.
fn holds_for_nothing(assertion: &Assertion) -> bool {
    let limit = match assertion.expect.limit {
        Limit::Time(nanos) => nanos as f64,
        Limit::Number(number) | Limit::Share(number) => number,
        Limit::Rate(rate) => rate.as_per_second(),
    };
    match assertion.expect.comparison {
        Comparison::Less | Comparison::AtMost => true,
        Comparison::Equal | Comparison::AtLeast => limit == 0.0,
        Comparison::Greater | Comparison::NotEqual => false,
    }
}

fn of_workload(metric: &str, assertion: &Assertion, results: &[&WorkloadResult]) -> Option<String> {
    let sum = |value: &dyn Fn(&WorkloadResult) -> u64| results.iter().map(|one| value(one)).sum::<u64>();
    let attempts = sum(&|one| one.ok + one.fail + one.info);
    let first = results.first()?;
    if matches!(metric, "error_rate" | "unknown") {
        return (attempts == 0).then(|| "no client tried anything".to_owned());
    }
    let nothing = |number: u64, what: &str| (number == 0).then(|| format!("no {what}"));
    if first.locks.is_some() {
        let acquired = sum(&|one| one.locks.as_ref().map_or(0, |locks| locks.acquired));
        let held =
            sum(&|one| one.reasons.iter().filter(|why| why.op == OpKind::Acquire && why.why == Why::Held).map(|why| why.count).sum());
        let updates = sum(&|one| one.locks.as_ref().map_or(0, |locks| locks.updates));
        return match metric {
            _ if acquired == 0 => Some("no lock was taken".to_owned()),
            "double_acquired" | "double_held_time" | "ttl_overrun" | "possible" => (held == 0)
                .then(|| format!("no lock was ever asked for while it was held: none of {} attempts was told so", number_text(attempts))),
            "lost_updates" => nothing(updates, "guarded value was updated"),
            _ => None,
        };
    }
    if first.limiter.is_some() {
        return of_limiter(metric, assertion, results);
    }
    if first.payments.is_some() {
        let jobs = sum(&|one| one.payments.as_ref().map_or(0, |payments| payments.jobs));
        let contested = sum(&|one| one.payments.as_ref().map_or(0, |payments| payments.contested));
        return match metric {
            "charged_twice" | "charges_per_job" | "twice_no_lock" | "twice_lost_lock" | "twice_lease_ended" | "twice_late"
            | "twice_unexplained" => {
                (contested == 0).then(|| format!("none of {} was taken up by more than one server", count(jobs, "job")))
            }
            _ => nothing(jobs, "job was taken up"),
        };
    }
    if let Some(reads) = first.cache.as_ref().map(|_| sum(&|one| one.cache.as_ref().map_or(0, |cache| cache.reads.iter().sum()))) {
        let queries = sum(&|one| one.cache.as_ref().map_or(0, |cache| cache.queries));
        let database = metric.starts_with("db_") || matches!(metric, "stampede" | "duplicate_loads");
        return if database { nothing(queries, "query reached the database") } else { nothing(reads, "item was read") };
    }
    if first.register.is_some() {
        let of = |value: fn(&crate::result::RegisterCounts) -> u64| sum(&|one| one.register.as_ref().map_or(0, value));
        let (acknowledged, reads, swaps) = (of(|one| one.acknowledged), of(|one| one.reads), of(|one| one.swaps));
        return match metric {
            "stale_reads" | "unexpected" if reads + swaps == 0 => Some("no register was read".to_owned()),
            "lost_updates" => nothing(swaps, "swap was answered"),
            _ => nothing(acknowledged, "write was acknowledged"),
        };
    }
    let acknowledged = sum(&|one| {
        let set = one.set.as_ref().map_or(0, |set| set.acknowledged);
        set + one.counter.as_ref().map_or(0, |counter| counter.acknowledged)
    });
    nothing(acknowledged, "write was acknowledged")
}

fn of_limiter(metric: &str, assertion: &Assertion, results: &[&WorkloadResult]) -> Option<String> {
    let limiters = || results.iter().filter_map(|one| one.limiter.as_ref());
    let sum = |value: fn(&crate::result::LimiterResult) -> u64| limiters().map(value).sum::<u64>();
    let asked = sum(|one| one.admitted_redis + one.denied_redis);
    let denied = sum(|one| one.denied_redis + one.denied_error + one.denied_local);
    let all = sum(|one| one.admitted_redis + one.admitted_open + one.admitted_local) + denied;
    match metric {
        "over_admitted" | "over_admitted_redis" | "peak" => {
            let limit = limiters().map(|one| one.limit).max()?;
            let offered = limiters().map(|one| one.most_offered).max()?;
            // A peak may be limited below or above what the limiter admits.
            let bound = match (metric, assertion.expect.limit) {
                ("peak", Limit::Number(number)) => (number as u64).min(limit),
                _ => limit,
            };
            (offered <= bound).then(|| {
                format!(
                    "no subject asked more than {} within a window of at most {}; {} of {} requests were denied",
                    if offered == 1 { "once".to_owned() } else { format!("{} times", number_text(offered)) },
                    number_text(limit),
                    number_text(denied),
                    number_text(all)
                )
            })
        }
        "rolled_back" | "lost_counts" | "ghosts" | "immortal" | "wrongly_denied" => {
            (asked == 0).then(|| "Redis answered no request".to_owned())
        }
        _ => (all == 0).then(|| "no request was made".to_owned()),
    }
}
