//! Times: of the run, of its faults, of what clients wait for.

use super::Finding;
use super::topology::{DOWN_AFTER_PATH, down_after_ms, sentinel};
use crate::spec::{Duration, Experiment, Fault, Role, Selector, Workload};

/// From the promotion's start to its announcement, on top of `down-after-milliseconds`: up to 1.3 s measured.
const ANNOUNCED_AFTER: Duration = Duration::from_millis(1_300);

pub(super) fn lengths_are_not_zero(experiment: &Experiment, found: &mut Vec<Finding>) {
    let mut lengths = vec![("duration".to_owned(), experiment.duration)];
    for (index, workload) in experiment.workloads.iter().enumerate() {
        let Workload::Lock(lock) = workload;
        let at = |field: &str| format!("workloads[{index}].{field}");
        lengths.extend([(at("ttl"), lock.ttl), (at("timeout"), lock.timeout), (at("connect_timeout"), lock.connect_timeout)]);
        if lock.ttl.as_nanos() % 1_000_000 != 0 {
            let finding = Finding::error("RQ0208", at("ttl"), "`ttl` must be a whole number of milliseconds");
            found.push(finding.help("Redis counts lifetimes in milliseconds (`PX`)"));
        }
    }
    for (index, fault) in experiment.faults.iter().enumerate() {
        if let Fault::Partition(partition) = fault {
            lengths.push((format!("faults[{index}].for"), partition.duration));
        }
    }
    for (path, length) in lengths {
        if length.is_zero() {
            let name = path.rsplit('.').next().unwrap_or(&path).to_owned();
            found.push(Finding::error("RQ0208", path, format!("`{name}` must be longer than zero")));
        }
    }
}

pub(super) fn faults_happen_inside_the_run(experiment: &Experiment, found: &mut Vec<Finding>) {
    let end = experiment.duration;
    for (index, fault) in experiment.faults.iter().enumerate() {
        let name = fault.name();
        let finding = if fault.at() >= end {
            Finding::error("RQ0209", format!("faults[{index}].at"), format!("fault `{name}` never happens: the run is over by then"))
                .label(format!("would begin at {}", fault.at()))
        } else {
            match fault.until() {
                Some(until) if until >= end => {
                    let message = format!("fault `{name}` ends after the run, so its recovery is never observed");
                    Finding::error("RQ0210", format!("faults[{index}].for"), message)
                        .label(format!("{} + {} = {until}", fault.at(), Duration::from_nanos(until.as_nanos() - fault.at().as_nanos())))
                        .uses(format!("faults[{index}].at"))
                }
                _ => continue,
            }
        };
        let wanted = needed(experiment);
        let shorten = if fault.until().is_some() { " or shorten `for`" } else { "" };
        found.push(finding.related("duration", format!("the run ends at {end}")).help(format!("set `duration: {wanted}`{shorten}")));
    }
}

/// A duration that leaves every fault room to be recovered from.
fn needed(experiment: &Experiment) -> Duration {
    let down_after = Duration::from_millis(down_after_ms(sentinel(experiment)).unwrap_or(1_000));
    let last = experiment.faults.iter().map(|fault| fault.until().unwrap_or(fault.at()) + down_after + ANNOUNCED_AFTER).max();
    let second = 1_000_000_000;
    let nanos = last.unwrap_or_default().as_nanos();
    Duration::from_secs(nanos.div_ceil(second) + 2)
}

pub(super) fn failover_can_finish(experiment: &Experiment, found: &mut Vec<Finding>) {
    let topology = sentinel(experiment);
    let Some(down_after) = down_after_ms(topology).map(Duration::from_millis) else { return };
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Fault::Kill(kill) = fault else { continue };
        if !hits_primary(&kill.target) || topology.replicas == 0 || kill.at >= experiment.duration {
            continue;
        }
        let over = kill.at + down_after + ANNOUNCED_AFTER;
        if over >= experiment.duration {
            let message = format!("the run ends before the failover that `{}` causes is over", kill.name);
            found.push(
                Finding::warning("RQ0309", format!("faults[{index}].at"), message)
                    .label(format!("expected to be over about {over} into the run"))
                    .related("duration", format!("the run ends at {}", experiment.duration))
                    .uses(DOWN_AFTER_PATH)
                    .uses(format!("faults[{index}].target"))
                    .uses("topology.replicas")
                    .help(format!(
                        "down-after-milliseconds is {}, a failover takes about 1.3s more; set `duration: {}`",
                        down_after.as_millis(),
                        needed(experiment)
                    )),
            );
        }
    }
}

/// Whether a kill of that target takes the primary away while nothing else has happened yet.
pub(super) fn hits_primary(target: &Selector) -> bool {
    target.role == Some(Role::Primary) || target.node.as_deref() == Some("redis-1")
}
