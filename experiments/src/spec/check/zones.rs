//! Zones: where clients live, and who may name them.

use super::Finding;
use super::selectors::all;
use crate::spec::{Action, Experiment, Workload, Zones, structure};

/// The zones in which a workload has clients: they are dealt out in turn.
fn inhabited(workload: &Workload) -> impl Iterator<Item = &str> {
    workload.zone.iter().flat_map(Zones::names).take(workload.clients as usize).map(String::as_str)
}

pub(super) fn are_inhabited(experiment: &Experiment, found: &mut Vec<Finding>) {
    let mut known: Vec<&str> = experiment.workloads.iter().flat_map(inhabited).collect();
    known.sort_unstable();
    known.dedup();
    for (path, selector) in all(experiment) {
        let Some(zone) = selector.zone.as_deref().filter(|zone| known.binary_search(zone).is_err()) else { continue };
        let help = structure::help_among(zone, &known).unwrap_or_else(|| format!("put clients there: add `zone: {zone}` to a workload"));
        let finding = Finding::error("RQ0250", format!("{path}.zone"), format!("no workload lives in a zone `{zone}`")).uses("workloads");
        found.push(finding.uses_each("workloads", "zone", experiment.workloads.len()).help(help));
    }
}

pub(super) fn are_cut_and_not_killed(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        if matches!(fault.action, Action::Partition(_) | Action::Loss(_) | Action::Delay(_)) {
            continue;
        }
        for (path, selector) in fault.action.selectors() {
            let Some(zone) = &selector.zone else { continue };
            let word = fault.action.word();
            let message = format!("`{word}` acts on servers, and `{zone}` is a zone of clients");
            let finding = Finding::error("RQ0251", format!("faults[{index}].{path}.zone"), message)
                .related(format!("faults[{index}].action"), "acts on servers");
            found.push(finding.help("zones are for `partition`, `loss` and `delay`; clients themselves die by `client-crash`"));
        }
    }
}

pub(super) fn are_not_named_like_nodes(experiment: &Experiment, found: &mut Vec<Finding>) {
    let nodes = experiment.topology.nodes();
    for (index, workload) in experiment.workloads.iter().enumerate() {
        let several = matches!(workload.zone, Some(Zones::Several(_)));
        for (place, zone) in workload.zone.iter().flat_map(Zones::names).enumerate() {
            let path = format!("workloads[{index}].zone{}", if several { format!("[{place}]") } else { String::new() });
            if nodes.iter().any(|node| node.name == *zone) {
                let finding = Finding::error("RQ0252", path, format!("a node is named `{zone}` already"));
                found.push(finding.uses("topology").help("reports tell zones and nodes apart by their names; choose another one"));
            } else if place >= workload.clients as usize {
                let message = format!("nobody is left to live in `{zone}`");
                let finding = Finding::error("RQ0250", path, message)
                    .related(format!("workloads[{index}].clients"), format!("{} in all, dealt out in turn", workload.clients));
                found.push(finding.help("name as many zones as there are clients, or fewer"));
            }
        }
    }
}
