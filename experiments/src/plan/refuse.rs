//! What stands in the way of a plan.

use serde::Serialize;

use super::{Capabilities, RuntimeKind};
use crate::spec::{Action, Experiment, Server};

/// Something that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{what}: {reason}")]
pub struct Refusal {
    /// Who can change it.
    pub cause: Cause,
    /// Path of the value in the file that asks for it, for [`Loaded::location`](crate::spec::Loaded::location).
    pub path: String,
    /// What cannot be done.
    pub what: String,
    /// Why not, and the way out.
    pub reason: String,
}

/// Who can change what stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Whoever gave a number in place of the file's.
    Override,
    /// Whoever looks after the machine.
    Machine,
}

/// What the file asserts and a number of trials given in place of its own is too small for. Needs no machine.
pub fn refuse_trials(experiment: &Experiment, trials: Option<u32>) -> Vec<Refusal> {
    let Some(trials) = trials else { return Vec::new() };
    let refuse = |path: String, what: String, reason: String| Refusal { cause: Cause::Override, path, what, reason };
    if trials == 0 {
        return vec![refuse("trials".to_owned(), "no trial".to_owned(), "a run has one trial or more; ask for 1".to_owned())];
    }
    let too_few = experiment.assertions.iter().enumerate().filter_map(|(index, assertion)| {
        let needed = assertion.expect.aggregate.trials_needed();
        (u64::from(trials) < needed).then(|| {
            let what = format!("{trials} trial{} for `{} {}`", if trials == 1 { "" } else { "s" }, assertion.metric, assertion.expect);
            refuse(format!("assert[{index}].expect"), what, format!("`{}` needs {needed} or more", assertion.expect.aggregate))
        })
    });
    too_few.collect()
}

/// What the file asks for and the machine cannot do.
pub(super) fn refuse_machine(experiment: &Experiment, capabilities: &Capabilities) -> Vec<Refusal> {
    let mut found = Vec::new();
    let mut refuse = |path: String, what: String, reason: String| found.push(Refusal { cause: Cause::Machine, path, what, reason });
    let misplaced = match (experiment.topology.server(), capabilities.runtime) {
        (Server::Binary(_), RuntimeKind::Docker) => {
            Some("containers do not see files of this machine; name a version like `redis:7.0` or an image")
        }
        (Server::Image(_), RuntimeKind::Process) => {
            Some("images run in containers only; name a version like `redis:7.0` or a binary, or use the runtime `docker`")
        }
        _ => None,
    };
    if let Some(reason) = misplaced {
        let what = format!("the server {} on the runtime `{}`", experiment.topology.server(), capabilities.runtime.as_str());
        refuse("topology.server".to_owned(), what, reason.to_owned());
    }
    for (index, workload) in experiment.workloads.iter().enumerate() {
        if let (Some(zone), Err(reason)) = (&workload.zone, &capabilities.enter_namespaces) {
            let what = format!("the clients of `{}` cannot be placed in zone `{zone}`", workload.name);
            refuse(format!("workloads[{index}].zone"), what, reason.clone());
        }
    }
    for (index, fault) in experiment.faults.iter().enumerate() {
        let enter = ("entering the nodes' network namespaces", capabilities.enter_namespaces.as_ref().err());
        let needed = match &fault.action {
            Action::Partition(_) => [enter, ("dropping packets", capabilities.drop_packets.as_ref().err())],
            Action::Loss(_) => [enter, ("dropping a share of the packets", capabilities.lose_packets.as_ref().err())],
            Action::Delay(_) => [enter, ("delaying packets", capabilities.delay_packets.as_ref().err())],
            Action::Bandwidth(_) => [enter, ("limiting bandwidth", capabilities.limit_bandwidth.as_ref().err())],
            _ => continue,
        };
        for (what, reason) in needed {
            if let Some(reason) = reason {
                let what = format!("{} `{}` needs {what}", fault.action.word(), fault.name);
                refuse(format!("faults[{index}].action"), what, reason.clone());
            }
        }
    }
    found
}
