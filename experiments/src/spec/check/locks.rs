//! Lifetimes of locks, and options that do not go together.

use super::Finding;
use super::detection;
use crate::spec::{Action, ClientPolicy, Duration, Experiment, LockWorkload, Role, WorkloadKind};

/// Every lock workload: its path, its name, what it does, and how long its locks live, if not for ever.
fn all(experiment: &Experiment) -> impl Iterator<Item = (String, &str, &LockWorkload, Duration)> {
    experiment.workloads.iter().enumerate().filter_map(|(index, workload)| match &workload.kind {
        WorkloadKind::Lock(lock) => Some((format!("workloads[{index}]"), workload.name.as_str(), lock, lock.ttl.limit()?)),
        _ => None,
    })
}

pub(super) fn lease_outlasts_hold(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, name, lock, ttl) in all(experiment) {
        // Who asserts something about overruns wants to see them.
        let overrun = format!("{}.ttl_overrun", name);
        let shown = [overrun.clone(), format!("{name}.lost_updates"), format!("{name}.fenced_out")];
        let meant = experiment.assertions.iter().any(|assertion| shown.contains(&assertion.metric));
        if lock.hold >= ttl && !ttl.is_zero() && !meant && !lock.renew {
            found.push(
                Finding::warning(
                    "RQ0315",
                    format!("{path}.hold"),
                    format!("every lock of `{}` expires before its holder gives it back", name),
                )
                .label(format!("held for {}", lock.hold))
                .related(format!("{path}.ttl"), format!("gone after {}", ttl))
                .uses("assert")
                .help(format!(
                    "make `ttl` longer than `hold`, with room for a slow release; if overruns are to be shown, assert on `{overrun}`"
                )),
            );
        }
    }
}

pub(super) fn drift_leaves_a_core(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (path, _, lock, ttl) in all(experiment) {
        if lock.drift() >= ttl && !ttl.is_zero() {
            let written = if lock.drift.is_some() { "" } else { " (1 % of `ttl` plus 2 ms)" };
            found.push(
                Finding::error("RQ0218", format!("{path}.drift"), "the drift margin takes the whole lifetime")
                    .label(format!("a margin of {}{written}", lock.drift()))
                    .related(format!("{path}.ttl"), format!("of {}", ttl))
                    .help("no hold would ever count; use a longer `ttl` or a smaller `drift`"),
            );
        }
    }
}

pub(super) fn expiry_does_not_hide_a_second_holder(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(detection) = detection::of(experiment) else { return };
    let by_default = if detection.written { String::new() } else { format!(", the default of `{}`", detection.name) };
    let after = detection.after;
    for (path, name, lock, ttl) in all(experiment) {
        // What is prolonged outlives its lifetime, and independent primaries have no failover.
        let other = lock.renew || lock.asks_independent();
        if ttl < after && !ttl.is_zero() && !experiment.faults.is_empty() && !other {
            let message = format!("locks of `{name}` have expired before a failover can give them to another");
            found.push(
                Finding::warning("RQ0308", format!("{path}.ttl"), message)
                    .label(format!("gone after {ttl}"))
                    .related(detection.path, format!("no failover before {after}{by_default}"))
                    .help("double-acquired locks cannot show; use a `ttl` longer than the detection, as production does"),
            );
        }
    }
}

pub(super) fn crashed_clients_free_them(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Action::ClientCrash(crash) = &fault.action else { continue };
        let named = experiment.workloads.iter().enumerate().find(|(_, workload)| workload.name == crash.workload);
        let Some((place, workload)) = named else { continue };
        let forever = matches!(&workload.kind, WorkloadKind::Lock(lock) if lock.ttl.limit().is_none());
        let stuck = format!("{}.stuck", workload.name);
        // Who asserts something about stuck locks knows what happens.
        if forever && experiment.assertions.iter().all(|assertion| assertion.metric != stuck) {
            let message = format!("nobody frees the locks of clients of `{}` that crash", workload.name);
            let finding = Finding::warning("RQ0320", format!("faults[{index}].workload"), message)
                .related(format!("workloads[{place}].ttl"), "they never expire")
                .uses("assert");
            found.push(finding.help(format!("give `ttl` a duration; if that is to be shown, assert on `{stuck}`")));
        }
    }
}

pub(super) fn options_go_together(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, workload) in experiment.workloads.iter().enumerate() {
        let WorkloadKind::Lock(lock) = &workload.kind else { continue };
        let at = |field: &str| format!("workloads[{index}].{field}");
        let endless = lock.ttl.limit().is_none();
        if lock.renew && endless {
            found.push(
                Finding::error("RQ0235", at("renew"), "a lock that never expires has no lifetime to prolong")
                    .uses(at("ttl"))
                    .help("give it a `ttl`, or leave `renew` out"),
            );
        }
        if lock.drift.is_some() && endless {
            found.push(
                Finding::error("RQ0235", at("drift"), "a lock that never expires has no lifetime to take a margin off")
                    .uses(at("ttl"))
                    .help("give it a `ttl`, or leave `drift` out"),
            );
        }
        if !lock.asks_independent() {
            continue;
        }
        let clashes = [
            ("ttl", endless, "a quorum lock counts only while its lifetime lasts; give it one"),
            ("wait", lock.wait > 0, "independent primaries have no replicas; leave `wait` out"),
            ("fencing", lock.fenced(), "primaries that do not know of each other have no common number that grows; leave `fencing` out"),
            ("client", workload.client != ClientPolicy::Rebuild, "its clients build connections of their own; leave `client` out"),
        ];
        for (field, _, help) in clashes.into_iter().filter(|(_, clash, _)| *clash) {
            let message = format!("`{field}` does not go with `quorum`");
            found.push(Finding::error("RQ0270", at(field), message).related(at("quorum"), "asks independent primaries").help(help));
        }
    }
}

pub(super) fn quorums_can_be_reached(experiment: &Experiment, found: &mut Vec<Finding>) {
    let there = experiment.topology.count(Role::Independent);
    for (index, workload) in experiment.workloads.iter().enumerate() {
        let WorkloadKind::Lock(lock) = &workload.kind else { continue };
        if !lock.asks_independent() {
            continue;
        }
        let (path, wanted, majority) = (format!("workloads[{index}].quorum"), lock.quorum, there / 2 + 1);
        let finding = if wanted > there {
            let help = match experiment.topology.sentinel() {
                Some(_) if there > 0 => format!("no lock would ever be granted; use `quorum: {majority}`, the majority"),
                Some(_) => "no lock would ever be granted; set `topology.independent: 5`, and a majority of them as `quorum`".to_owned(),
                None => "independent primaries stand beside a Sentinel set: `kind: sentinel` with `independent: 5`".to_owned(),
            };
            Finding::error("RQ0271", path, format!("a quorum of {wanted} of {there} independent primaries")).help(help)
        } else if wanted < majority {
            Finding::warning("RQ0340", path, format!("a quorum of {wanted} of {there} independent primaries is no majority"))
                .help(format!("two clients can hold a lock with nothing broken; use `quorum: {majority}`"))
        } else {
            continue;
        };
        found.push(finding.uses("topology.independent").uses("topology.kind"));
    }
}
