//! What actions can be done to whom.

use super::topology::plural;
use super::{Finding, directives};
use crate::spec::directive_rules;
use crate::spec::{Action, ClientCrash, DirectiveName, Experiment, Failover, Pick, Role, Selector, WantedRole, WorkloadKind, structure};

pub(super) fn crash_clients_that_hold_something(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Action::ClientCrash(ClientCrash { workload: name, pick }) = &fault.action else { continue };
        let path = format!("faults[{index}].workload");
        let Some((place, workload)) = experiment.workloads.iter().enumerate().find(|(_, workload)| workload.name == *name) else {
            let names: Vec<&str> = experiment.workloads.iter().map(|workload| workload.name.as_str()).collect();
            let help = structure::help_among(name, &names).unwrap_or_else(|| "write the `name` of a workload".to_owned());
            let finding = Finding::error("RQ0253", path, format!("no workload is named `{name}`")).uses("workloads");
            found.push(finding.uses_each("workloads", "name", names.len()).help(help));
            continue;
        };
        if !matches!(workload.kind, WorkloadKind::Lock(_)) {
            let message = format!("clients of `{name}` hold nothing that a crash could leave behind");
            let finding = Finding::error("RQ0253", path, message)
                .related(format!("workloads[{place}].kind"), format!("`{}` holds nothing between operations", workload.kind.word()));
            found.push(finding.help("name a workload of `kind: lock`"));
        }
        if let Pick::Count(count) = pick
            && *count > workload.clients
        {
            let message = format!("`pick: {count}` of {} client{}", workload.clients, plural(workload.clients));
            let finding = Finding::error("RQ0206", format!("faults[{index}].pick"), message).label("more than there are");
            let finding = finding.related(format!("workloads[{place}].clients"), format!("there are {}", workload.clients));
            found.push(finding.help(format!("use `pick: all` or a number up to {}", workload.clients)));
        }
    }
}

/// Whether a selector can only mean Sentinels; `None` where it is as wide as every node.
fn means_sentinels(experiment: &Experiment, selector: &Selector) -> Option<bool> {
    match (selector.role, &selector.node) {
        (Some(WantedRole::Sentinel | WantedRole::LeaderSentinel), _) => Some(true),
        (Some(WantedRole::Any), _) => None,
        (Some(WantedRole::Primary | WantedRole::Replica | WantedRole::Data | WantedRole::Independent), _) => Some(false),
        (None, Some(name)) => experiment.topology.nodes().iter().find(|node| node.name == *name).map(|node| node.role == Role::Sentinel),
        (None, None) => None,
    }
}

pub(super) fn ask_sentinels_what_sentinels_do(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let what = match fault.action {
            Action::Failover(_) => "a planned failover is asked of a Sentinel",
            Action::SentinelCrash(_) => "only a Sentinel crashes that way",
            _ => continue,
        };
        if let Action::Failover(failover) = &fault.action {
            if experiment.topology.cluster().is_some() {
                tell_replicas(index, failover, experiment, found);
                continue;
            }
            if failover.mode.is_some() {
                let finding = Finding::error("RQ0254", format!("faults[{index}].mode"), "only a failover of a Cluster has a mode");
                found.push(finding.related("topology.kind", "no Cluster").help("leave `mode` out"));
            }
        }
        if experiment.topology.sentinel().is_none() {
            let message = format!("`{}` needs Sentinels, and this topology has none", fault.action.word());
            let finding = Finding::error("RQ0254", format!("faults[{index}].action"), message);
            found
                .push(finding.related("topology.kind", "no Sentinels").help("use `kind: sentinel`, or another action, for example `kill`"));
            continue;
        }
        let Some(target) = fault.action.target().filter(|target| target.zone.is_none()) else { continue };
        let other = target.role == Some(WantedRole::Any) || means_sentinels(experiment, target) == Some(false);
        if other {
            let finding =
                Finding::error("RQ0254", format!("faults[{index}].target"), format!("the target of `{}` is no Sentinel", fault.name));
            let finding = finding.related(format!("faults[{index}].action"), what);
            found.push(finding.help("use `{ role: sentinel }` or a Sentinel's name, for example `{ node: sentinel-1 }`"));
        }
    }
}

/// In a Cluster replicas are told, and nobody else.
fn tell_replicas(index: usize, failover: &Failover, experiment: &Experiment, found: &mut Vec<Finding>) {
    let help = "for example `{ role: replica, shard: 1 }`";
    let Some(target) = &failover.target else {
        let finding = Finding::error("RQ0254", format!("faults[{index}].action"), "a failover of a Cluster needs a `target`");
        found.push(finding.related("topology.kind", "in a Cluster a replica is told to take its primary's place").help(help));
        return;
    };
    if matches!(target.role, Some(role) if role != WantedRole::Replica) {
        let finding = Finding::error("RQ0254", format!("faults[{index}].target"), "only a replica can be told to take its primary's place");
        found.push(finding.help(help));
    }
    if target.role.is_some() && !target.in_one_shard() && target.pick == Pick::All && experiment.topology.count(Role::Replica) > 1 {
        let finding =
            Finding::error("RQ0254", format!("faults[{index}].target"), "every replica of every shard would take its primary's place");
        found.push(finding.help(format!("name a shard, {help}, or use `pick`")));
    }
}

pub(super) fn ask_servers_what_servers_do(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let why = match fault.action {
            Action::Busy(_) => "Sentinels run no scripts and do not sleep",
            Action::ClientsPause(_) => "Sentinels know no `CLIENT PAUSE`",
            Action::ConfigSet(_) => "Sentinels know no `CONFIG SET`",
            Action::DiskFull(_) => "Sentinels write no data",
            Action::ClockJump(_) => "Sentinels know no `TIME`, by which the jump is seen",
            _ => continue,
        };
        let Some(target) = fault.action.target() else { continue };
        let wide = target.role == Some(WantedRole::Any) && experiment.topology.sentinel().is_some();
        if wide || means_sentinels(experiment, target) == Some(true) {
            let (message, help) = if wide {
                ("`any` means the Sentinels too", "use `{ role: data }` for every data node")
            } else {
                ("the target is a Sentinel", "use a data node, for example `{ role: primary }`; to stall a Sentinel use `pause`")
            };
            let finding = Finding::error(
                "RQ0254",
                format!("faults[{index}].target"),
                format!("{message}, and `{}` is for data nodes", fault.action.word()),
            );
            found.push(finding.related(format!("faults[{index}].action"), why).help(help));
        }
    }
}

pub(super) fn set_directives_that_can_be_set(experiment: &Experiment, found: &mut Vec<Finding>) {
    let cluster = experiment.topology.cluster().is_some();
    let mut guesses = structure::Guesses::default();
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Action::ConfigSet(config) = &fault.action else { continue };
        if config.set.is_empty() {
            let finding = Finding::error("RQ0257", format!("faults[{index}].set"), format!("`{}` sets nothing", fault.name));
            found.push(finding.help("name a directive and its new value, for example `{ min-replicas-to-write: \"1\" }`"));
        }
        for name in config.set.keys().map(DirectiveName::as_str) {
            let path = format!("faults[{index}].set.{name}");
            if let Err(refusal) = directive_rules::redis(name, cluster) {
                let meant = || guesses.closest(name, directive_rules::allowed(cluster));
                found.push(directives::refused(path, name, refusal, meant));
            } else if directive_rules::only_at_start(name) {
                let finding = Finding::error("RQ0257", path, format!("servers take `{name}` only when they start"));
                found.push(finding.help("`CONFIG SET` refuses it; write it under `topology.config.redis`").on_key());
            }
        }
    }
}
