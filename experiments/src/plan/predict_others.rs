//! What the configuration predicts for faults that do not kill the primary: it is frozen, replaced as planned, or cut off.
//!
//! Figures measured on Redis 7.0.15, one primary with two replicas and three Sentinels; formulas from `sentinel.c`.
//!
//! - A frozen primary closes no connection. The ping before the freeze may have been answered just then, so the wait begins up to a ping period
//!   (`min(down-after, 1 s)`, `SENTINEL_PING_PERIOD`) later, and a tick is lost: down-after + U(0, min(down-after, 1 s)) + 0.1 s.
//! - Once it is resumed it still believes to be the primary. A Sentinel tells it otherwise after the wrong role was seen for four hello periods, 8 s,
//!   checked with `INFO` every 10 s (`+convert-to-slave`): about 10 s of two primaries after the freeze, about 11 s after a planned failover, for those
//!   who still write there. The hello period is 2 s.
//! - With `min-replicas-to-write` the old primary refuses as soon as it counts too few replicas: at once when it wakes up, as those that follow the new
//!   primary have closed their connections; `min-replicas-max-lag` and up to 1 s, the period of the count, after it was cut off.

use super::Prediction;
use crate::spec::{Action, Duration, Experiment, Fault, Group, Partition, Pick, SentinelTopology, WantedRole};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// From the demotion's first chance to the last: measured 10.0 to 10.8 s after a freeze and a restart; a second hello or `INFO` more at most.
const DEMOTED: [u64; 2] = [8 * SECOND, 12 * SECOND];

fn range(metric: &str, low: u64, high: u64, formula: String) -> Prediction {
    Prediction { metric: format!("failover.{metric}"), low, high, formula }
}

/// Predictions for the one fault of an experiment; none where the source gives no formula for it.
pub(super) fn predict(experiment: &Experiment, topology: &SentinelTopology, down_after: u64) -> Vec<Prediction> {
    let [fault] = experiment.faults.as_slice() else { return Vec::new() };
    if topology.replicas == 0 || topology.quorum > topology.sentinels || fault.timing.times.is_some() {
        return Vec::new();
    }
    let zones = experiment.workloads.iter().any(|workload| workload.zone.is_some());
    let found = match &fault.action {
        Action::Pause(pause) if hits_primary(&pause.target) => frozen(fault, topology, down_after),
        Action::Failover(_) if needed(topology) == 0 => {
            let formula = "a planned failover leaves the old primary writable until a Sentinel sees its role as wrong for 8 s, checked by INFO every 10 s (11.1 s measured)";
            vec![range("split_brain", DEMOTED[0], DEMOTED[1], formula.to_owned())]
        }
        Action::Partition(partition) if zones => cut_off(fault, partition, topology, down_after),
        _ => Vec::new(),
    };
    // What would go on after the run is not measured to its end.
    let over = fault.timing.at.unwrap_or_default().as_nanos() + fault.timing.lasts.unwrap_or_default().as_nanos();
    let fits = |one: &Prediction| over.saturating_add(one.high) <= experiment.duration.as_nanos() || one.metric != "failover.split_brain";
    if fault.timing.at.is_none() { Vec::new() } else { found.into_iter().filter(fits).collect() }
}

fn frozen(fault: &Fault, topology: &SentinelTopology, down_after: u64) -> Vec<Prediction> {
    let Some(lasts) = fault.timing.lasts.map(Duration::as_nanos) else { return Vec::new() };
    let shown = Duration::from_nanos(down_after);
    let period = down_after.min(SECOND);
    // Beyond that a quorum has certainly agreed before it wakes up; below down-after none can. Between the two it depends.
    if lasts < down_after + period + 700 * MS {
        return if lasts < down_after {
            let formula =
                format!("paused for {} less than down-after {shown}: nobody holds it for down", Duration::from_nanos(down_after - lasts));
            vec![range("write_gap", lasts, lasts + 200 * MS, format!("{formula}; writes wait as long as the pause"))]
        } else {
            Vec::new()
        };
    }
    let wait = format!("down-after {shown} + 0 to {} until its last ping counts + 0.1 s", Duration::from_nanos(period));
    let mut found = vec![range("detection", down_after, down_after + period + 300 * MS, wait.clone())];
    if needed(topology) == 0 {
        // Agreement, election and promotion as after a kill: 4 ticks of 53 to 100 ms at most after the first who noticed.
        let formula = format!("{wait} + agreement, election and promotion: 4 to 6 Sentinel ticks of 53 to 100 ms");
        found.push(range("write_gap", down_after + 200 * MS, down_after + period + 800 * MS, formula));
        let formula = "a zombie: once resumed it takes writes until a Sentinel sees its role as wrong for 8 s, checked by INFO every 10 s (10.0 s measured)";
        found.push(range("split_brain", DEMOTED[0], DEMOTED[1], formula.to_owned()));
    } else if needed(topology) < u64::from(topology.replicas) {
        let formula =
            "min-replicas-to-write: once resumed it finds its replicas gone to the new primary and refuses writes (0.02 s measured)";
        found.push(range("split_brain", 0, 100 * MS, formula.to_owned()));
    }
    found
}

/// The primary cut off from all Sentinels and replicas while clients stay with it.
fn cut_off(fault: &Fault, partition: &Partition, topology: &SentinelTopology, down_after: u64) -> Vec<Prediction> {
    let (Some(from), Some(to), Some(lasts)) = (&partition.from, &partition.to, fault.timing.lasts.map(Duration::as_nanos)) else {
        return Vec::new();
    };
    let has = |group: &Group, roles: &[WantedRole]| {
        group.all().iter().any(|one| one.pick == Pick::All && one.node.is_none() && one.role.is_some_and(|role| roles.contains(&role)))
    };
    let primary = |group: &Group| group.all().iter().any(hits_primary);
    let others = |group: &Group| has(group, &[WantedRole::Sentinel]) && has(group, &[WantedRole::Replica]);
    let with_clients = |group: &Group| group.all().iter().any(|one| one.zone.is_some());
    let sides = [(from, to), (to, from)];
    let stays = sides.into_iter().any(|(one, other)| primary(one) && with_clients(one) && others(other));
    // From the cut until the promoted replica is writable, as for a frozen primary.
    let promoted = [down_after + 200 * MS, down_after + down_after.min(SECOND) + 800 * MS];
    if !stays || lasts <= promoted[1] {
        return Vec::new();
    }
    let shown = Duration::from_nanos(down_after);
    let second =
        format!("from down-after {shown} + 0.2 to {} s, when a second primary takes writes,", (promoted[1] - down_after) as f64 / 1e9);
    if needed(topology) == 0 {
        // Seen again, it is demoted when its role was seen as wrong for 8 s.
        let (low, high) = (lasts - promoted[1], lasts - promoted[0] + DEMOTED[1]);
        return vec![range("split_brain", low, high, format!("{second} until the cut heals, and up to 12 s until the old one is demoted"))];
    }
    if needed(topology) >= u64::from(topology.replicas) {
        // Nobody else ever accepts a write.
        return Vec::new();
    }
    let refuses = [max_lag(topology), max_lag(topology) + SECOND];
    // The promoted replica refuses writes too until the others follow it, up to 1.1 s more.
    let (low, high) = (refuses[0].saturating_sub(promoted[1] + 1_100 * MS), refuses[1].saturating_sub(promoted[0]));
    let formula = format!(
        "{second} until the old one counts too few replicas: min-replicas-max-lag {} + 0 to 1 s after the cut",
        Duration::from_nanos(max_lag(topology))
    );
    vec![range("split_brain", low, high, formula)]
}

fn hits_primary(target: &crate::spec::Selector) -> bool {
    target.role == Some(WantedRole::Primary) || target.node.as_deref() == Some("redis-1")
}

fn directive(topology: &SentinelTopology, names: [&str; 2]) -> Option<u64> {
    names.iter().find_map(|name| topology.config.redis.get(name))?.parse().ok()
}

/// `min-replicas-to-write` in force.
fn needed(topology: &SentinelTopology) -> u64 {
    directive(topology, ["min-replicas-to-write", "min-slaves-to-write"]).unwrap_or(0)
}

/// `min-replicas-max-lag` in force, ns; 10 s is Redis' default.
fn max_lag(topology: &SentinelTopology) -> u64 {
    directive(topology, ["min-replicas-max-lag", "min-slaves-max-lag"]).unwrap_or(10).saturating_mul(SECOND)
}
