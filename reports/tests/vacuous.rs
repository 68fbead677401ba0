//! Assertions that could not have failed, each beside the same one that could.

use redquake_experiments::spec::{Assertion, Severity};
use redquake_reports::analysis::{Assembly, assemble};
use redquake_reports::history::{FaultState, Why};
use redquake_reports::result::{
    CacheResult, CounterCounts, Document, LimiterResult, PaymentCounts, RegisterCounts, Sample, SetCounts, TrialStatus, Verdict,
    WorkloadResult,
};
use redquake_reports::testing::{FailoverParams, assembly};

/// The first assertion of a run whose only workload `locks` is as told.
fn judged(metric: &str, expect: &str, value: f64, change: impl Fn(&mut WorkloadResult)) -> Document {
    let mut run = assembly(&FailoverParams::default(), 2);
    run.plan.experiment.assertions =
        vec![Assertion { metric: metric.to_owned(), expect: expect.parse().expect("an expectation"), severity: Severity::Error }];
    for trial in &mut run.trials {
        trial.status = TrialStatus::Conclusive;
        trial.metrics.insert(metric.to_owned(), Sample::Exact(value));
        change(&mut trial.workloads[0]);
    }
    assemble(run)
}

fn told(metric: &str, expect: &str, change: impl Fn(&mut WorkloadResult)) -> Option<String> {
    let document = judged(metric, expect, 0.0, change);
    assert_eq!(document.assertions[0].verdict, Verdict::Pass, "{metric} {expect}: a warning, and no verdict");
    document.assertions[0].vacuous.clone()
}

fn limiter(limit: u64, most_offered: u64) -> impl Fn(&mut WorkloadResult) {
    move |workload| {
        workload.locks = None;
        let denied_redis = u64::from(most_offered > limit);
        workload.limiter = Some(LimiterResult { limit, most_offered, admitted_redis: 16_000, denied_redis, ..LimiterResult::default() });
    }
}

#[test]
fn a_limiter_that_was_never_offered_its_limit_shows_nothing() {
    for metric in ["locks.over_admitted", "locks.over_admitted_redis", "locks.peak"] {
        let expect = if metric.ends_with("peak") { "max <= 100" } else { "count == 0" };
        let why = told(metric, expect, limiter(100, 12)).unwrap();
        assert_eq!(why, "no subject asked more than 12 times within a window of at most 100; 0 of 32,000 requests were denied");
        assert_eq!(told(metric, expect, limiter(100, 101)), None, "{metric} was put to the test");
    }
    assert_eq!(told("locks.over_admitted", "count >= 0", |_| ()), None);
    let harmed = judged("locks.over_admitted", "min > 0", 3.0, limiter(100, 12));
    assert_eq!(harmed.assertions[0].vacuous, None, "what asks for harm cannot hold for nothing");
}

#[test]
fn a_lock_that_nobody_wanted_while_it_was_held_shows_nothing() {
    let uncontended = |workload: &mut WorkloadResult| workload.reasons.retain(|reason| reason.why != Why::Held);
    let why = told("locks.double_acquired", "count == 0", uncontended).unwrap();
    assert!(why.starts_with("no lock was ever asked for while it was held: none of "), "{why}");
    assert_eq!(told("locks.double_acquired", "count == 0", |_| ()), None, "the forged clients meet at their locks");
    let idle = |workload: &mut WorkloadResult| workload.locks.as_mut().unwrap().acquired = 0;
    assert_eq!(told("locks.stuck", "count == 0", idle).as_deref(), Some("no lock was taken"));
    assert_eq!(told("locks.lost", "count == 0", |_| ()), None);
    assert_eq!(told("locks.lost_updates", "count == 0", |_| ()).as_deref(), Some("no guarded value was updated"));
}

#[test]
fn where_nothing_was_acknowledged_read_or_paid_nothing_could_be_lost() {
    type Change = fn(&mut WorkloadResult);
    let cases: [(&str, Change, Change, &str); 5] = [
        (
            "locks.lost",
            |workload| (workload.locks, workload.set) = (None, Some(SetCounts::default())),
            |workload| (workload.locks, workload.set) = (None, Some(SetCounts { acknowledged: 1, ..SetCounts::default() })),
            "no write was acknowledged",
        ),
        (
            "locks.lost",
            |workload| (workload.locks, workload.counter) = (None, Some(CounterCounts::default())),
            |workload| (workload.locks, workload.counter) = (None, Some(CounterCounts { acknowledged: 1, ..CounterCounts::default() })),
            "no write was acknowledged",
        ),
        (
            "locks.stale_reads",
            |workload| (workload.locks, workload.register) = (None, Some(RegisterCounts { acknowledged: 9, ..RegisterCounts::default() })),
            |workload| {
                (workload.locks, workload.register) =
                    (None, Some(RegisterCounts { acknowledged: 9, reads: 1, ..RegisterCounts::default() }));
            },
            "no register was read",
        ),
        (
            "locks.charged_twice",
            |workload| (workload.locks, workload.payments) = (None, Some(PaymentCounts { jobs: 40, ..PaymentCounts::default() })),
            |workload| {
                (workload.locks, workload.payments) = (None, Some(PaymentCounts { jobs: 40, contested: 1, ..PaymentCounts::default() }));
            },
            "none of 80 jobs was taken up by more than one server",
        ),
        (
            "locks.stale_reads",
            |workload| (workload.locks, workload.cache) = (None, Some(CacheResult::default())),
            |workload| (workload.locks, workload.cache) = (None, Some(CacheResult { reads: [1, 0, 0, 0, 0], ..CacheResult::default() })),
            "no item was read",
        ),
    ];
    for (metric, empty, full, why) in cases {
        assert_eq!(told(metric, "count == 0", empty).as_deref(), Some(why), "{metric}");
        assert_eq!(told(metric, "count == 0", full), None, "{metric}");
    }
}

#[test]
fn without_a_fault_there_is_no_aftershock_and_everything_else_may_still_happen() {
    let run = |metric: &str, expect: &str, injected: bool| {
        let mut run: Assembly = assembly(&FailoverParams::default(), 2);
        run.plan.experiment.assertions =
            vec![Assertion { metric: metric.to_owned(), expect: expect.parse().expect("an expectation"), severity: Severity::Error }];
        for trial in &mut run.trials {
            trial.metrics.insert("failover.aftershocks".to_owned(), Sample::Exact(0.0));
            for fault in trial.faults.iter_mut().filter(|_| !injected) {
                (fault.injected_at, fault.state) = (None, FaultState::Skipped);
            }
        }
        assemble(run).assertions.remove(0).vacuous
    };
    assert_eq!(run("failover.aftershocks", "max == 0", false).as_deref(), Some("no fault was injected in 2 trials"));
    assert_eq!(run("failover.aftershocks", "max == 0", true), None);
    assert_eq!(run("failover.write_gap", "max < 5s", false), None, "servers may stop by themselves");
}
