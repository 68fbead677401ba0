//! Payments.

use super::Finding;
use crate::spec::{Experiment, PaymentJobWorkload, WorkloadKind};

fn all(experiment: &Experiment) -> impl Iterator<Item = (String, &PaymentJobWorkload)> {
    experiment.workloads.iter().enumerate().filter_map(|(index, workload)| match &workload.kind {
        WorkloadKind::PaymentJob(payment) => Some((format!("workloads[{index}]"), payment)),
        _ => None,
    })
}

pub(super) fn lifetimes_are_whole_milliseconds(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, payment) in all(experiment) {
        let wrong = payment.ttl.limit().filter(|ttl| ttl.is_zero() || ttl.as_nanos() % 1_000_000 != 0);
        if wrong.is_some() {
            let finding =
                Finding::error("RQ0208", format!("{path}.ttl"), "`ttl` must be a whole number of milliseconds, and longer than zero");
            found.push(finding.help("Redis counts lifetimes in milliseconds (`PX`)"));
        }
    }
}

pub(super) fn a_lock_is_there_to_be_used(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, payment) in all(experiment) {
        let asked = [("wait", payment.wait > 0), ("fencing", payment.fencing), ("renew", payment.renew)];
        for (field, _) in asked.into_iter().filter(|(_, asked)| *asked && !payment.lock) {
            found.push(
                Finding::error("RQ0235", format!("{path}.{field}"), format!("`{field}` is about a lock, and there is none"))
                    .uses(format!("{path}.lock"))
                    .help("leave it out, or leave `lock: false` out"),
            );
        }
        if payment.renew && payment.ttl.limit().is_none() {
            found.push(
                Finding::error("RQ0235", format!("{path}.renew"), "a lock that never expires has no lifetime to prolong")
                    .uses(format!("{path}.ttl"))
                    .help("give it a `ttl`, or leave `renew` out"),
            );
        }
    }
}
