//! Rate limiters.

use super::Finding;
use crate::spec::{Burst, Duration, Experiment, LimiterClock, SlidingBy, WorkloadKind};

/// Every limiter: its path, its window and its burst.
fn all(experiment: &Experiment) -> impl Iterator<Item = (String, Duration, Option<Burst>)> {
    experiment.workloads.iter().enumerate().filter_map(|(index, workload)| match &workload.kind {
        WorkloadKind::FixedWindowLimiter(limiter) => Some((format!("workloads[{index}]"), limiter.window, limiter.burst)),
        WorkloadKind::SlidingWindowLimiter(limiter) => Some((format!("workloads[{index}]"), limiter.window, limiter.burst)),
        _ => None,
    })
}

pub(super) fn windows_are_whole_milliseconds(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, window, _) in all(experiment) {
        if window.as_nanos() % 1_000_000 != 0 {
            let finding = Finding::error("RQ0208", format!("{path}.window"), "`window` must be a whole number of milliseconds");
            found.push(finding.help("Redis counts lifetimes in milliseconds (`PEXPIRE`)"));
        }
    }
}

pub(super) fn bursts_fit_their_period(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, _, burst) in all(experiment) {
        let Some(burst) = burst else { continue };
        for (field, length) in [("at", burst.at), ("for", burst.lasts)] {
            if length >= burst.every && !burst.every.is_zero() {
                found.push(
                    Finding::error(
                        "RQ0230",
                        format!("{path}.burst.{field}"),
                        format!("`{field}` of a burst must be shorter than its period"),
                    )
                    .label(format!("{length}"))
                    .related(format!("{path}.burst.every"), format!("a period of {}", burst.every))
                    .help("for requests all the time leave `burst` out"),
                );
            }
        }
    }
}

pub(super) fn transactions_have_no_clock(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, workload) in experiment.workloads.iter().enumerate() {
        let WorkloadKind::SlidingWindowLimiter(limiter) = &workload.kind else { continue };
        if limiter.by == SlidingBy::Multi && limiter.clock == LimiterClock::Server {
            let path = format!("workloads[{index}]");
            let finding = Finding::error("RQ0231", format!("{path}.clock"), "a transaction cannot use the server's clock");
            let why = "commands of a `MULTI` cannot use what `TIME` in it answers";
            found.push(finding.label(why).uses(format!("{path}.by")).help("use `by: script`, or `clock: client`"));
        }
    }
}

pub(super) fn windows_are_inside_the_run(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, window, _) in all(experiment) {
        if window > experiment.duration && !experiment.duration.is_zero() {
            found.push(
                Finding::warning("RQ0330", format!("{path}.window"), "the run ends within one window of the limiter")
                    .label(format!("{window}"))
                    .related("duration", format!("the run ends at {}", experiment.duration))
                    .help("scale limit and window down together; the effects are the same"),
            );
        }
    }
}
