//! Lifetimes of locks.

use super::Finding;
use super::topology::{DOWN_AFTER, DOWN_AFTER_PATH, down_after_ms, sentinel};
use crate::spec::{Duration, Experiment, LockWorkload, Workload};

fn all(experiment: &Experiment) -> impl Iterator<Item = (String, &LockWorkload)> {
    experiment.workloads.iter().enumerate().map(|(index, workload)| {
        let Workload::Lock(lock) = workload;
        (format!("workloads[{index}]"), lock)
    })
}

pub(super) fn lease_outlasts_hold(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, lock) in all(experiment) {
        // Who asserts something about overruns wants to see them.
        let overrun = format!("{}.ttl_overrun", lock.name);
        let meant = experiment.assertions.iter().any(|assertion| assertion.metric == overrun);
        if lock.hold >= lock.ttl && !lock.ttl.is_zero() && !meant {
            found.push(
                Finding::warning(
                    "RQ0315",
                    format!("{path}.hold"),
                    format!("every lock of `{}` expires before its holder gives it back", lock.name),
                )
                .label(format!("held for {}", lock.hold))
                .related(format!("{path}.ttl"), format!("gone after {}", lock.ttl))
                .uses("assert")
                .help(format!(
                    "make `ttl` longer than `hold`, with room for a slow release; if overruns are to be shown, assert on `{overrun}`"
                )),
            );
        }
    }
}

pub(super) fn drift_leaves_a_core(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, lock) in all(experiment) {
        if lock.drift() >= lock.ttl && !lock.ttl.is_zero() {
            let written = if lock.drift.is_some() { "" } else { " (1 % of `ttl` plus 2 ms)" };
            found.push(
                Finding::error("RQ0218", format!("{path}.drift"), "the drift margin takes the whole lifetime")
                    .label(format!("a margin of {}{written}", lock.drift()))
                    .related(format!("{path}.ttl"), format!("of {}", lock.ttl))
                    .help("no hold would ever count; use a longer `ttl` or a smaller `drift`"),
            );
        }
    }
}

pub(super) fn expiry_does_not_hide_a_second_holder(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(down_after) = down_after_ms(sentinel(experiment)).map(Duration::from_millis) else { return };
    let written = sentinel(experiment).config.sentinel.get(DOWN_AFTER).is_some();
    let by_default = if written { "" } else { ", the default of `down-after-milliseconds`" };
    for (path, lock) in all(experiment) {
        if lock.ttl < down_after && !lock.ttl.is_zero() && !experiment.faults.is_empty() {
            let message = format!("locks of `{}` have expired before a failover can give them to another", lock.name);
            found.push(
                Finding::warning("RQ0308", format!("{path}.ttl"), message)
                    .label(format!("gone after {}", lock.ttl))
                    .related(DOWN_AFTER_PATH, format!("no failover before {down_after}{by_default}"))
                    .help("double-acquired locks cannot show; use a `ttl` longer than the detection, as production does"),
            );
        }
    }
}
