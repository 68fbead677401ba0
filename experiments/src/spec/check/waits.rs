//! Locks and writes that count only once replicas have them.

use super::Finding;
use super::topology::{plural, replicas};
use crate::spec::{Experiment, WorkloadKind};

/// Every workload that waits for replicas: where it says so, for how many, and what it does not get without them.
fn all(experiment: &Experiment) -> impl Iterator<Item = (String, u32, &'static str, &'static str)> {
    experiment.workloads.iter().enumerate().filter_map(|(index, workload)| {
        let wait = workload.kind.wait();
        let (what, got) = match workload.kind {
            WorkloadKind::Lock(_) | WorkloadKind::PaymentJob(_) => ("lock", "granted"),
            _ => ("write", "acknowledged"),
        };
        (wait > 0).then(|| (format!("workloads[{index}].wait"), wait, what, got))
    })
}

pub(super) fn are_for_replicas_that_are_there(experiment: &Experiment, found: &mut Vec<Finding>) {
    let (replicas, field) = replicas(experiment);
    let name = field.rsplit('.').next().unwrap_or(field);
    for (path, wait, what, got) in all(experiment) {
        if wait > replicas {
            let message = format!("`wait: {wait}` of {replicas} replica{}: no {what} is ever {got}", plural(replicas));
            let finding = Finding::error("RQ0236", path, message).related(field, format!("{replicas} of each primary"));
            let less = if replicas == 0 { "leave `wait` out".to_owned() } else { format!("wait for {replicas} at most") };
            found.push(finding.help(format!("{less}, or raise `{name}`")));
        } else if wait == replicas && !experiment.faults.is_empty() {
            let message = format!("once a replica is lost or promoted, no {what} is {got} any more");
            let finding = Finding::warning("RQ0325", path, message).label("needs every replica");
            let finding = finding.related(field, format!("{replicas} of each primary"));
            found.push(finding.help(format!("nobody takes its place before it is back; use `{name}: {}` or more", replicas + 1)));
        }
    }
}
