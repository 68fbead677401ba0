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

pub(super) fn waits_are_for_one_primary(experiment: &Experiment, found: &mut Vec<Finding>) {
    if experiment.topology.cluster().is_none() {
        return;
    }
    for (index, workload) in experiment.workloads.iter().enumerate() {
        let wait = match &workload.kind {
            WorkloadKind::Lock(lock) => lock.wait,
            WorkloadKind::PaymentJob(payment) => payment.wait,
            _ => 0,
        };
        if wait > 0 {
            let path = format!("workloads[{index}].wait");
            found.push(
                Finding::error("RQ0236", path, "`wait` on a Cluster is not supported yet")
                    .related("topology.kind", "this is a Cluster")
                    .help("`WAIT` names no key, so the client library does not know which shard to ask; leave it out, or use `kind: sentinel`"),
            );
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
