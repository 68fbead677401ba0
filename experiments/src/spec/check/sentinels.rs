//! What Sentinels publish, and who led: whether faults that wait for it can ever happen.

use super::Finding;
use super::instants::Instants;
use crate::spec::{Action, Experiment, Fault, Role, Selector, Trigger, WantedRole, structure};

/// Names a Sentinel publishes events by (`sentinelEvent` in sentinel.c of Redis 7.0; the same in 7.4 and Valkey 8.0).
const EVENTS: &[&str] = &[
    "+config-update-from",
    "+convert-to-slave",
    "+elected-leader",
    "+failover-end",
    "+failover-end-for-timeout",
    "+failover-state-reconf-slaves",
    "+failover-state-select-slave",
    "+failover-state-send-slaveof-noone",
    "+failover-state-wait-promotion",
    "+fix-slave-config",
    "+monitor",
    "+new-epoch",
    "+odown",
    "+promoted-slave",
    "+reboot",
    "+reset-master",
    "+role-change",
    "+sdown",
    "+selected-slave",
    "+sentinel",
    "+sentinel-address-switch",
    "+sentinel-address-update",
    "+sentinel-invalid-addr",
    "+set",
    "+slave",
    "+slave-reconf-done",
    "+slave-reconf-inprog",
    "+slave-reconf-sent",
    "+slave-reconf-sent-be",
    "+switch-master",
    "+tilt",
    "+try-failover",
    "+vote-for-leader",
    "-failover-abort-no-good-slave",
    "-failover-abort-not-elected",
    "-failover-abort-slave-timeout",
    "-monitor",
    "-odown",
    "-role-change",
    "-script-error",
    "-script-timeout",
    "-sdown",
    "-slave-reconf-sent-timeout",
    "-tilt",
];

pub(super) fn publish_what_is_waited_for(experiment: &Experiment, found: &mut Vec<Finding>) {
    let replicas = if experiment.topology.cluster().is_some() { "topology.replicas_per_shard" } else { "topology.replicas" };
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Some(trigger) = &fault.timing.when else { continue };
        let path = format!("faults[{index}].when");
        match trigger {
            Trigger::Event(_) if experiment.topology.sentinel().is_none() => found.push(
                Finding::error("RQ0258", path, "events are published by Sentinels, and this topology has none")
                    .related("topology.kind", "no Sentinels")
                    .help("use `at`, `after`, `when: promotion` or `when: full-sync`"),
            ),
            Trigger::Event(event) if !EVENTS.contains(&event.as_str()) => found.push(
                Finding::warning("RQ0318", path, format!("no Sentinel event named `{event}` is known"))
                    .help("a Sentinel that does not publish it makes every trial inconclusive")
                    .maybe_help(structure::closest(event, EVENTS.iter().copied()).map(|meant| format!("did you mean `event {meant}`?"))),
            ),
            Trigger::ReplicaLag(_) | Trigger::FullSync | Trigger::Promotion if experiment.topology.count(Role::Replica) == 0 => found.push(
                Finding::error("RQ0258", path, format!("`{trigger}` is never seen where there is no replica"))
                    .related(replicas, "there is none")
                    .help(format!("use `{}: 1` or more, or `at`", replicas.rsplit('.').next().unwrap_or(replicas))),
            ),
            _ => {}
        }
    }
}

pub(super) fn have_led_before_they_are_named(experiment: &Experiment, found: &mut Vec<Finding>) {
    let instants = Instants::of(experiment);
    // Where an instant is not known, it may be as early as the run.
    let causes = experiment.faults.iter().zip(&instants.first).filter(|(fault, _)| may_end_a_primary(fault));
    let earliest = causes.map(|(_, first)| first.unwrap_or_default()).min();
    for (index, fault) in experiment.faults.iter().enumerate() {
        let waits = matches!(fault.timing.when, Some(Trigger::Event(_)));
        let leader = fault.action.selectors().into_iter().find(|(_, selector)| selector.role == Some(WantedRole::LeaderSentinel));
        let Some((path, _)) = leader.filter(|_| !waits && experiment.topology.sentinel().is_some()) else { continue };
        let now = instants.first.get(index).copied().flatten();
        let earlier = earliest.is_some_and(|earliest| now.is_none_or(|now| earliest < now));
        if !earlier {
            let finding = Finding::warning("RQ0317", format!("faults[{index}].{path}.role"), "no Sentinel can have led a failover by then");
            let finding = finding.label("the one elected last").uses("faults");
            found.push(
                finding.help("a target that matches nobody is an error; break the primary first, and use `when: event +elected-leader`"),
            );
        }
    }
}

/// Whether a fault can make Sentinels elect a leader: it reaches a data node, or asks for a failover.
fn may_end_a_primary(fault: &Fault) -> bool {
    let elsewhere = |selector: &Selector| {
        matches!(selector.role, Some(WantedRole::Sentinel | WantedRole::LeaderSentinel))
            || selector.role == Some(WantedRole::Independent)
            || selector.node.as_deref().is_some_and(|node| node.starts_with("sentinel-") || node.starts_with("independent-"))
    };
    match &fault.action {
        Action::Failover(_) => true,
        Action::ClientCrash(_) | Action::Reshard(_) => false,
        // A shape is drawn over every node where nobody is named.
        Action::Partition(partition) if partition.shape.is_some() && partition.of.is_none() => true,
        action => action.selectors().iter().any(|(_, selector)| selector.zone.is_none() && !elsewhere(selector)),
    }
}
