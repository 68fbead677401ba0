//! What a configuration predicts for a primary that dies, before anything is run.
//!
//! A Sentinel failover is a chain of waits (`sentinel.c`; figures measured on Redis 7.0.15):
//!
//! | part | length | why |
//! |---|---|---|
//! | detection | down-after + 0 to 2 ticks | the connection is reset, the next tick reconnects and starts a ping, a later tick finds it too old |
//! | agreement | 1 tick | the others are asked at once; the next tick counts the quorum |
//! | election | 1 tick | the votes come at once; the next tick counts them |
//! | promotion | 2 ticks | one to select the replica, one to send `REPLICAOF NO ONE` |
//! | announcement | 0.8 to 1.1 s | the promotion is seen by `INFO`, every second, and told by a hello |
//!
//! A tick is 1/hz with hz drawn anew from 10 to 19 at each tick: 53 to 100 ms. So the promoted replica is writable
//! down-after + 4 ticks to 6 ticks after the kill, which widens the 0.33 to 0.42 s that were measured.
//!
//! Two settings lengthen it. With `min-replicas-to-write` the promoted replica refuses writes until the others follow it, and they
//! are told to only once the promotion was seen: the announcement becomes part of the write gap. And a single Sentinel
//! tells clients of the switch only after the other replicas were reconfigured, `parallel-syncs` at a time.
//!
//! Not predicted: a failed attempt (split vote, no fit replica) adds twice `failover-timeout` and up to 1 s; a Sentinel that
//! answered "not down" just before adds up to 1 s to the agreement.

use serde::{Deserialize, Serialize};

use super::{predict_cluster, predict_others};
use crate::spec::{Action, ClientPolicy, Duration, Experiment, Fault, Pick, Selector, Topology, WantedRole};

const MS: u64 = 1_000_000;
/// Shortest and longest tick: 1/hz for hz from 19 down to 10.
const TICK: [u64; 2] = [53 * MS, 100 * MS];
/// Until clients that ask any Sentinel hear of the promotion.
const ANNOUNCE: [u64; 2] = [800 * MS, 1_100 * MS];
/// Until a replica that was told to follow another primary is seen to do so: by `INFO`, every second, and a tick.
const RECONFIGURED: [u64; 2] = [0, 1_200 * MS];
/// `down-after-milliseconds` where the file sets none (sentinel.c, `SENTINEL_DEFAULT_DOWN_AFTER`).
const DEFAULT_DOWN_AFTER: u64 = 30_000 * MS;

/// What the configuration predicts for one metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// The metric.
    pub metric: String,
    /// Lower end, ns.
    pub low: u64,
    /// Upper end, ns.
    pub high: u64,
    /// The formula in words, with the figures that went into it.
    pub formula: String,
}

/// Predictions for the metrics that have a formula; none where the primary is neither killed, frozen, cut off nor replaced, or nothing can replace it.
pub fn predict(experiment: &Experiment) -> Vec<Prediction> {
    let topology = match &experiment.topology {
        Topology::Sentinel(topology) => topology,
        Topology::Cluster(topology) => return predict_cluster::predict(experiment, topology),
    };
    let written = topology.config.sentinel.get("down-after-milliseconds").and_then(|value| value.parse::<u64>().ok());
    let down_after = written.map_or(DEFAULT_DOWN_AFTER, |value| value.saturating_mul(MS));
    if !experiment.faults.iter().any(|fault| matches!(fault.action, Action::Kill(_))) {
        return predict_others::predict(experiment, topology, down_after);
    }
    let hits = |fault: &Fault| match &fault.action {
        Action::Kill(kill) => kill.target.role == Some(WantedRole::Primary) || kill.target.node.as_deref() == Some("redis-1"),
        _ => false,
    };
    if topology.replicas == 0 || topology.quorum > topology.sentinels || experiment.faults.iter().filter(|fault| hits(fault)).count() != 1 {
        return Vec::new();
    }
    if experiment.faults.iter().any(|fault| disturbs(fault, topology.replicas)) {
        return Vec::new();
    }
    let shown = Duration::from_nanos(down_after);
    let range = |metric: &str, add: [u64; 2], formula: String| Prediction {
        metric: format!("failover.{metric}"),
        low: down_after + add[0],
        high: down_after + add[1],
        formula,
    };
    let detection = [0, 2 * TICK[1]];
    let mut writable = [4 * TICK[0], 6 * TICK[1]];
    let mut heard = [writable[0] + ANNOUNCE[0], writable[1] + ANNOUNCE[1]];
    let needed = ["min-replicas-to-write", "min-slaves-to-write"].iter().find_map(|name| topology.config.redis.get(name));
    let needed = needed.and_then(|value| value.parse::<u32>().ok()).unwrap_or(0);
    let mut refusal = String::new();
    if needed > 0 && experiment.faults.iter().any(|fault| matches!(fault.action, Action::Partition(_))) {
        // A primary that hears of too few replicas refuses writes long before it dies.
        return vec![range("detection", detection, format!("down-after {shown} + 0 to 2 Sentinel ticks of at most 100 ms"))];
    }
    if needed > 0 {
        // The killed primary no longer counts, and the promoted replica is none.
        if needed >= topology.replicas {
            return vec![range("detection", detection, format!("down-after {shown} + 0 to 2 Sentinel ticks of at most 100 ms"))];
        }
        writable = heard;
        refusal = format!(" + 0.8 to 1.1 s in which it refuses writes, until {needed} of the others follow it (min-replicas-to-write)");
    }
    let mut alone = String::new();
    if topology.sentinels == 1 {
        let syncs = topology.config.sentinel.get("parallel-syncs").and_then(|value| value.parse::<u32>().ok()).unwrap_or(1);
        let rounds = u64::from((topology.replicas - 1).div_ceil(syncs.max(1)));
        heard = [heard[0] + rounds * RECONFIGURED[0], heard[1] + rounds * RECONFIGURED[1]];
        alone = format!(
            " + up to {} in which a single Sentinel reconfigures the other replicas first",
            Duration::from_nanos(rounds * RECONFIGURED[1])
        );
    }
    let wait = experiment.workloads.iter().map(|workload| workload.timeout.as_nanos() + workload.connect_timeout.as_nanos());
    let mut predictions = vec![
        range("detection", detection, format!("down-after {shown} + 0 to 2 Sentinel ticks of at most 100 ms")),
        range(
            "write_gap",
            writable,
            format!("down-after {shown} + detection, agreement, election and promotion: 4 to 6 Sentinel ticks of 53 to 100 ms{refusal}"),
        ),
    ];
    // A client that leaves everything to the library need never find the new primary; no formula covers that.
    let rebuild = experiment.workloads.iter().all(|workload| workload.client == ClientPolicy::Rebuild);
    if let Some(wait) = wait.max().filter(|_| rebuild) {
        let add = [heard[0], heard[1] + wait];
        let whole = if needed > 0 { "write gap, which includes the" } else { "write gap +" };
        let formula = format!(
            "{whole} announcement of 0.8 to 1.1 s (Sentinel's INFO once a second, then a hello){alone} + up to {} of a client's own timeouts",
            Duration::from_nanos(wait)
        );
        predictions.push(range("client_gap", add, formula));
    }
    predictions
}

/// Whether a fault beside the kill makes the formula wrong: Sentinels that are gone or cut off, no replica left, or anything else that
/// changes how servers and links behave.
fn disturbs(fault: &Fault, replicas: u32) -> bool {
    let sentinel = |selector: &Selector| {
        matches!(selector.role, Some(WantedRole::Sentinel | WantedRole::LeaderSentinel | WantedRole::Any))
            || selector.node.as_deref().is_some_and(|node| node.starts_with("sentinel-"))
    };
    match &fault.action {
        Action::Kill(kill) => {
            let all = match kill.target.pick {
                Pick::All => true,
                Pick::One => replicas == 1,
                Pick::Count(count) => count >= replicas,
            };
            sentinel(&kill.target) || (kill.target.role == Some(WantedRole::Replica) && all)
        }
        Action::Partition(partition) if partition.shape.is_none() => {
            fault.action.selectors().iter().any(|(_, selector)| sentinel(selector))
        }
        Action::ClientCrash(_) => false,
        _ => true,
    }
}
