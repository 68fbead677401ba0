//! Times: of the run, of its faults, of what clients wait for.

use super::Finding;
use super::detection;
use super::instants::{self, Instants};
use crate::spec::{Action, Duration, Experiment, Fault, Role, Selector, WantedRole, WorkloadKind};

pub(super) fn lengths_are_not_zero(experiment: &Experiment, found: &mut Vec<Finding>) {
    let mut lengths = vec![("duration".to_owned(), experiment.duration)];
    for (index, workload) in experiment.workloads.iter().enumerate() {
        let at = |field: &str| format!("workloads[{index}].{field}");
        lengths.extend([(at("timeout"), workload.timeout), (at("connect_timeout"), workload.connect_timeout)]);
        let limiter = match &workload.kind {
            WorkloadKind::FixedWindowLimiter(limiter) => Some((limiter.window, limiter.burst)),
            WorkloadKind::SlidingWindowLimiter(limiter) => Some((limiter.window, limiter.burst)),
            _ => None,
        };
        if let Some((window, burst)) = limiter {
            lengths.push((at("window"), window));
            lengths.extend(burst.into_iter().flat_map(|burst| [(at("burst.every"), burst.every), (at("burst.for"), burst.lasts)]));
        }
        let WorkloadKind::Lock(lock) = &workload.kind else { continue };
        let Some(ttl) = lock.ttl.limit() else { continue };
        lengths.push((at("ttl"), ttl));
        if ttl.as_nanos() % 1_000_000 != 0 {
            let finding = Finding::error("RQ0208", at("ttl"), "`ttl` must be a whole number of milliseconds");
            found.push(finding.help("Redis counts lifetimes in milliseconds (`PX`)"));
        }
    }
    for (index, fault) in experiment.faults.iter().enumerate() {
        let timing = &fault.timing;
        let written = [("for", timing.lasts), ("within", timing.within), ("every", timing.every)];
        lengths.extend(written.into_iter().filter_map(|(field, length)| Some((format!("faults[{index}].{field}"), length?))));
        match &fault.action {
            Action::Delay(delay) => lengths.push((format!("faults[{index}].delay"), delay.delay)),
            Action::Reshard(reshard) => lengths.push((format!("faults[{index}].over"), reshard.over)),
            _ => {}
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
    let instants = Instants::of(experiment);
    let wanted = needed(experiment, &instants);
    for (index, (fault, first)) in experiment.faults.iter().zip(&instants.first).enumerate() {
        let name = &fault.name;
        let lasts = fault.lasts().unwrap_or_default();
        // Where the beginning is not known, it is the start of the baseline at the earliest.
        let begin = first.unwrap_or_default();
        let last = begin + instants::repeated_for(fault);
        let when = format!("faults[{index}].{}", if fault.timing.after.is_some() { "after" } else { "at" });
        let times = format!("faults[{index}].times");
        let finding = if begin >= end {
            Finding::error("RQ0209", when, format!("fault `{name}` never happens: the run is over by then"))
                .label(format!("would begin at {begin}"))
        } else if last >= end {
            let every = fault.timing.every.unwrap_or_default().as_nanos().max(1);
            let fit = (end.as_nanos() - begin.as_nanos()).div_ceil(every);
            Finding::error("RQ0209", times, format!("`{name} #{}` never happens: the run is over by then", fit + 1))
                .label(format!("the last would begin at {last}"))
                .uses(format!("faults[{index}].every"))
                .uses(when)
        } else if fault.lasts().is_some() && last + lasts >= end {
            let label =
                if first.is_some() { format!("{last} + {lasts} = {}", last + lasts) } else { format!("{lasts} or more into the run") };
            let message = format!("fault `{name}` ends after the run, so its recovery is never observed");
            Finding::error("RQ0210", instants::length_path(index, fault), message).label(label).uses(when).uses(times)
        } else {
            continue;
        };
        let shorten = match (fault.timing.times, fault.lasts()) {
            (Some(_), _) => " or use fewer `times`".to_owned(),
            (None, Some(_)) => format!(" or shorten `{}`", instants::length_field(fault)),
            (None, None) => String::new(),
        };
        found.push(finding.related("duration", format!("the run ends at {end}")).help(format!("set `duration: {wanted}`{shorten}")));
    }
}

/// A duration that leaves every fault room to be recovered from.
fn needed(experiment: &Experiment, instants: &Instants) -> Duration {
    let failover = detection::of(experiment).map_or(Duration::from_millis(2_300), |detection| detection.failover);
    let over = |(fault, first): (&Fault, &Option<Duration>)| {
        first.unwrap_or_default() + instants::repeated_for(fault) + fault.lasts().unwrap_or_default() + failover
    };
    let last = experiment.faults.iter().zip(&instants.first).map(over).max();
    let second = 1_000_000_000;
    let nanos = last.unwrap_or_default().as_nanos();
    Duration::from_secs(nanos.div_ceil(second) + 2)
}

pub(super) fn failover_can_finish(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(detection) = detection::of(experiment) else { return };
    let replicas = if experiment.topology.cluster().is_some() { "topology.replicas_per_shard" } else { "topology.replicas" };
    let instants = Instants::of(experiment);
    for (index, (fault, first)) in experiment.faults.iter().zip(&instants.first).enumerate() {
        let (Some(target), Some(at)) = (ended(&fault.action), *first) else { continue };
        if !hits_primary(experiment, target) || experiment.topology.count(Role::Replica) == 0 || at >= experiment.duration {
            continue;
        }
        let over = at + detection.failover;
        if over >= experiment.duration {
            let message = format!("the run ends before the failover that `{}` causes is over", fault.name);
            found.push(
                Finding::warning(
                    "RQ0309",
                    format!("faults[{index}].{}", if fault.timing.after.is_some() { "after" } else { "at" }),
                    message,
                )
                .label(format!("expected to be over about {over} into the run"))
                .related("duration", format!("the run ends at {}", experiment.duration))
                .uses(detection.path)
                .uses(format!("faults[{index}].target"))
                .uses(replicas)
                .help(format!(
                    "{} is {}, {}; set `duration: {}`",
                    detection.name,
                    detection.after.as_millis(),
                    detection.beyond,
                    needed(experiment, &instants)
                )),
            );
        }
    }
}

/// Whom an action ends for good.
pub(super) fn ended(action: &Action) -> Option<&Selector> {
    match action {
        Action::Kill(_) | Action::Stop(_) => action.target(),
        _ => None,
    }
}

/// Whether the end of that target takes the primary away while nothing else has happened yet.
pub(super) fn hits_primary(experiment: &Experiment, target: &Selector) -> bool {
    let primary = |name: &str| experiment.topology.nodes().iter().any(|node| node.name == name && node.role == Role::Primary);
    target.role == Some(WantedRole::Primary) || target.node.as_deref().is_some_and(primary)
}
