//! Numbers of nodes and votes.

use super::Finding;
use crate::spec::{Action, Experiment, SentinelTopology, Topology};

/// The Sentinel topology of an experiment, if it has one.
pub(super) fn sentinel(experiment: &Experiment) -> Option<&SentinelTopology> {
    experiment.topology.sentinel()
}

/// Replicas of each primary, and where their number is written.
pub(super) fn replicas(experiment: &Experiment) -> (u32, &'static str) {
    match &experiment.topology {
        Topology::Sentinel(topology) => (topology.replicas, "topology.replicas"),
        Topology::Cluster(topology) => (topology.replicas_per_shard, "topology.replicas_per_shard"),
    }
}

/// Votes that elect a leader: a majority of all Sentinels.
pub(super) fn majority(topology: &SentinelTopology) -> u32 {
    topology.sentinels / 2 + 1
}

/// A whole number a Sentinel directive is set to, else Redis' default for it; `None` for what is no number.
fn sentinel_directive(topology: &SentinelTopology, name: &str, default: u64) -> Option<u64> {
    topology.config.sentinel.get(name).map_or(Some(default), |value| value.parse().ok())
}

/// `down-after-milliseconds` in force; 30 s is Redis' default (sentinel.c, `SENTINEL_DEFAULT_DOWN_AFTER`).
pub(super) fn down_after_ms(topology: &SentinelTopology) -> Option<u64> {
    sentinel_directive(topology, DOWN_AFTER, 30_000)
}

pub(super) const DOWN_AFTER: &str = "down-after-milliseconds";
pub(super) const DOWN_AFTER_PATH: &str = "topology.config.sentinel.down-after-milliseconds";

pub(super) fn quorum_can_be_reached(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(topology) = sentinel(experiment) else { return };
    let (quorum, sentinels) = (topology.quorum, topology.sentinels);
    if quorum > sentinels {
        let message = format!("a quorum of {quorum} can never be reached by {sentinels} Sentinel{}", plural(sentinels));
        found.push(
            Finding::error("RQ0211", "topology.quorum", message)
                .label(format!("asks for {quorum}"))
                .related("topology.sentinels", format!("there are {sentinels}"))
                .help(format!("no failover would ever start; set `quorum: {}`, the majority", majority(topology))),
        );
    }
}

pub(super) fn sentinels_can_outvote_one_another(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(topology) = sentinel(experiment) else { return };
    let (quorum, sentinels, majority) = (topology.quorum, topology.sentinels, majority(topology));
    if sentinels < 3 {
        let message = format!("with {sentinels} Sentinel{} the loss of one ends every failover", plural(sentinels));
        let finding = Finding::warning("RQ0304", "topology.sentinels", message);
        found.push(finding.help("use 3 or more, an odd number (docs/management/sentinel.md, \"Fundamental things to know\")"));
    } else if sentinels.is_multiple_of(2) {
        let message = format!("{sentinels} Sentinels bear the loss of no more than {} would", sentinels - 1);
        let finding = Finding::warning("RQ0304", "topology.sentinels", message).label("an even number");
        found.push(finding.help(format!("a leader needs {majority} votes of {sentinels}; use {} or {}", sentinels - 1, sentinels + 1)));
    }
    if quorum < majority && sentinels > 1 {
        let message = format!("a quorum of {quorum} is less than the majority of {sentinels} Sentinels");
        found.push(
            Finding::warning("RQ0305", "topology.quorum", message)
                .related("topology.sentinels", format!("their majority is {majority}"))
                .help(format!("{quorum} Sentinel{} with a bad link can cause a failover; use `quorum: {majority}`", plural(quorum))),
        );
    } else if quorum > majority && quorum <= sentinels {
        let message = format!("a quorum of {quorum} is more than the majority of {sentinels} Sentinels");
        found.push(
            Finding::warning("RQ0305", "topology.quorum", message)
                .related("topology.sentinels", format!("their majority is {majority}"))
                .help(format!("the loss of {} Sentinels ends every failover; use `quorum: {majority}`", sentinels - quorum + 1)),
        );
    }
}

pub(super) fn something_can_be_promoted(experiment: &Experiment, found: &mut Vec<Finding>) {
    let (replicas, path) = replicas(experiment);
    // What every crash is followed by is the primary's return: somebody wants to know how that goes.
    let comes_back = experiment.faults.iter().any(|fault| matches!(fault.action, Action::Restart(_)));
    let stays_down = experiment.faults.iter().any(|fault| matches!(fault.action, Action::Kill(_) | Action::Stop(_)));
    if replicas == 0 && comes_back && !stays_down {
        return;
    }
    if replicas == 0 {
        let finding = Finding::warning("RQ0313", path, "without replicas nothing can be promoted when the primary is lost");
        let field = path.rsplit('.').next().unwrap_or(path);
        found.push(finding.help(format!("the outage lasts as long as the primary's; use `{field}: 1` or more")));
        return;
    }
    // A Cluster looks at the offsets alone (cluster.c, `clusterGetSlaveRank`), and has a switch of its own.
    let (names, never): (&[&str], _) = match &experiment.topology {
        Topology::Sentinel(_) => (&["replica-priority", "slave-priority"], "0"),
        Topology::Cluster(_) => (&["cluster-replica-no-failover", "cluster-slave-no-failover"], "yes"),
    };
    let redis = experiment.topology.redis();
    let set = names.iter().find(|name| redis.get(name).is_some_and(|value| value.eq_ignore_ascii_case(never)));
    if let Some(name) = set {
        let finding = Finding::warning("RQ0313", format!("topology.config.redis.{name}"), "no replica can be promoted")
            .label(format!("{never} means: never promote this node"))
            .related(path, "holds for every one of them");
        let instead = if never == "0" { "a number above 0" } else { "`no`" };
        found.push(finding.help(format!("leave it out, or use {instead}")));
    }
}

pub(super) fn replicas_suffice_for_writes(experiment: &Experiment, found: &mut Vec<Finding>) {
    let (replicas, path) = replicas(experiment);
    for name in ["min-replicas-to-write", "min-slaves-to-write"] {
        let Some(wanted) = experiment.topology.redis().get(name).and_then(|value| value.parse::<u32>().ok()) else { continue };
        if wanted == 0 || wanted < replicas {
            continue;
        }
        let (message, why) = if wanted > replicas {
            ("no write is ever accepted".to_owned(), format!("{wanted} replicas asked for, {replicas} there"))
        } else {
            ("the loss of one replica stops all writes".to_owned(), format!("all {replicas} replicas have to answer"))
        };
        found.push(
            Finding::warning("RQ0307", format!("topology.config.redis.{name}"), message)
                .label(why)
                .related(path, format!("there {} {replicas}", if replicas == 1 { "is" } else { "are" }))
                .help(format!("after a failover there is one replica less; use fewer than `{}`", path.rsplit('.').next().unwrap_or(path))),
        );
    }
}

pub(super) fn failover_timeout_outlasts_detection(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(topology) = sentinel(experiment) else { return };
    // 180 s is Redis' default (sentinel.c, `SENTINEL_DEFAULT_FAILOVER_TIMEOUT`).
    let timeout = sentinel_directive(topology, "failover-timeout", 180_000);
    let (Some(timeout), Some(down_after)) = (timeout, down_after_ms(topology)) else { return };
    if timeout < down_after {
        found.push(
            Finding::warning("RQ0306", "topology.config.sentinel.failover-timeout", "the failover timeout is shorter than the detection")
                .label(format!("{timeout} ms"))
                .related(DOWN_AFTER_PATH, format!("{down_after} ms"))
                .help("promotions may be given up half-way; use at least twice `down-after-milliseconds`, and 6000 or more"),
        );
    }
}

pub(super) fn plural(number: u32) -> &'static str {
    if number == 1 { "" } else { "s" }
}
