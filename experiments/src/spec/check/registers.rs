//! Registers.

use super::Finding;
use crate::spec::{Experiment, WorkloadKind};

pub(super) fn are_used(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, workload) in experiment.workloads.iter().enumerate() {
        let WorkloadKind::Register(register) = &workload.kind else { continue };
        if register.mix.sum() == 0 {
            let finding = Finding::error("RQ0272", format!("workloads[{index}].mix"), "every share of the mix is zero");
            found.push(finding.help("give one of `read`, `write` and `swap` a share, or leave `mix` out for equal ones"));
        }
    }
}
