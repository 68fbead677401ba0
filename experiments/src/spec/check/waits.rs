//! Locks and writes that count only once replicas have them.

use super::Finding;
use super::topology::{plural, replicas};
use crate::spec::Experiment;

/// Every workload that waits for replicas: where it says so, and for how many.
fn all(experiment: &Experiment) -> impl Iterator<Item = (String, u32)> {
    experiment.workloads.iter().enumerate().filter_map(|(index, workload)| {
        let wait = workload.kind.wait();
        (wait > 0).then(|| (format!("workloads[{index}].wait"), wait))
    })
}

pub(super) fn are_for_replicas_that_are_there(experiment: &Experiment, found: &mut Vec<Finding>) {
    let (replicas, field) = replicas(experiment);
    let name = field.rsplit('.').next().unwrap_or(field);
    for (path, wait) in all(experiment) {
        if wait > replicas {
            let message = format!("`wait: {wait}` of {replicas} replica{}: no lock is ever granted", plural(replicas));
            let finding = Finding::error("RQ0236", path, message).related(field, format!("{replicas} of each primary"));
            let less = if replicas == 0 { "leave `wait` out".to_owned() } else { format!("wait for {replicas} at most") };
            found.push(finding.help(format!("{less}, or raise `{name}`")));
        } else if wait == replicas && !experiment.faults.is_empty() {
            let message = "once a replica is lost or promoted, no lock is granted any more";
            let finding = Finding::warning("RQ0325", path, message).label("needs every replica");
            let finding = finding.related(field, format!("{replicas} of each primary"));
            found.push(finding.help(format!("nobody takes its place before it is back; use `{name}: {}` or more", replicas + 1)));
        }
    }
}
