//! Names of workloads and faults.

use std::collections::HashMap;

use super::Finding;
use crate::spec::Experiment;
use crate::spec::metrics::FAILOVER;

pub(super) fn are_unique(experiment: &Experiment, found: &mut Vec<Finding>) {
    unique("workload", "workloads", experiment.workloads.iter().map(|workload| workload.name.as_str()), found);
    unique("fault", "faults", experiment.faults.iter().map(|fault| fault.name.as_str()), found);
}

fn unique<'n>(what: &str, list: &str, names: impl Iterator<Item = &'n str>, found: &mut Vec<Finding>) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (index, name) in names.enumerate() {
        if let Some(first) = seen.get(name) {
            found.push(
                Finding::error("RQ0202", format!("{list}[{index}].name"), format!("two {what}s are named `{name}`"))
                    .label("named again here")
                    .related(format!("{list}[{first}].name"), "first named here")
                    .help("reports tell them apart by their names"),
            );
        } else {
            seen.insert(name, index);
        }
    }
}

pub(super) fn do_not_collide(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, workload) in experiment.workloads.iter().enumerate() {
        if workload.name == FAILOVER {
            let message = format!("a workload cannot be named `{FAILOVER}`");
            let finding = Finding::error("RQ0201", format!("workloads[{index}].name"), message);
            found.push(finding.help("metrics of that prefix are those of the servers; choose another name"));
        }
    }
}
