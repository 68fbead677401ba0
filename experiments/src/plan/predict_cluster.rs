//! What a Cluster's configuration predicts for a primary that dies.
//!
//! A Cluster failover is a chain of waits (`cluster.c` of Redis 7.0, `cluster_legacy.c` since; unchanged up to Valkey 8.1):
//!
//! | part | length | why |
//! |---|---|---|
//! | detection | 1 to 1.5 node timeouts + 0 to 2 ticks of 100 ms | a ping is sent half a node timeout after the last answer, and grows too old (`PFAIL`) |
//! | agreement | up to 1.8 node timeouts in all | gossip carries it to a majority of the primaries (`FAIL`) |
//! | election | 500 + 0 to 499 ms, and a tick | the replica waits so that `FAIL` is everywhere (`CLUSTER_FAILOVER_DELAY`), then asks for votes |
//! | promotion | 0.1 to 0.2 s | votes are on disk before they are given; the winner takes the slots |
//!
//! Detection and agreement together took 1.1 to 1.8 node timeouts on Redis 7.0.15. A replica with less data than its siblings waits a
//! second more for each of them, so only the first in rank counts here.
//!
//! Not predicted: a lost or split election (again after four node timeouts, 4 s at least), a replica whose data is too old, and
//! Valkey from 9.0 on, which waits less.

use super::Prediction;
use crate::spec::{
    Action, ClientPolicy, ClusterTopology, Duration, Experiment, Fault, Pick, Role, Selector, Server, ServerKind, WantedRole, Workload,
};

const MS: u64 = 1_000_000;
/// One `clusterCron`.
const TICK: u64 = 100 * MS;

/// Predictions for one kill of one shard's primary; none for anything else.
pub(super) fn predict(experiment: &Experiment, topology: &ClusterTopology) -> Vec<Prediction> {
    let [Fault { action: Action::Kill(kill), .. }] = experiment.faults.as_slice() else { return Vec::new() };
    let Some(millis) = topology.node_timeout_ms().filter(|_| formula_holds(topology) && one_primary(topology, &kill.target)) else {
        return Vec::new();
    };
    let timeout = millis.saturating_mul(MS);
    let shown = Duration::from_nanos(timeout);
    let range =
        |metric: &str, low: u64, high: u64, formula: String| Prediction { metric: format!("failover.{metric}"), low, high, formula };
    let (low, high) = (timeout / 10 * 11 + 600 * MS, timeout / 10 * 18 + 1_200 * MS);
    let mut predictions = vec![
        range(
            "detection",
            timeout,
            timeout / 2 * 3 + 2 * TICK,
            format!("cluster-node-timeout {shown} x 1 to 1.5 (nodes ping each other every half of it) + 0 to 2 ticks of 100 ms"),
        ),
        range(
            "agreement",
            0,
            timeout / 5 * 4,
            format!(
                "up to 1.8 x {shown} after the last write in all, of which the detection takes 1 at least: gossip, every half of it and with every ping"
            ),
        ),
        range(
            "delay",
            500 * MS,
            999 * MS + 2 * TICK,
            "500 ms + 0 to 499 ms at random (the first in rank; 1 s more for each sibling with more data) + 0 to 2 ticks of 100 ms"
                .to_owned(),
        ),
        range("election", 0, 200 * MS, "0.1 to 0.2 s together with the promotion: votes are on disk before they are given".to_owned()),
        range(
            "write_gap",
            low,
            high,
            format!(
                "cluster-node-timeout {shown} x 1.1 to 1.8 until a majority agrees + 500 to 999 ms before the election + 0.1 to 0.2 s of votes and promotion"
            ),
        ),
    ];
    let lock =
        |workload: &Workload| (workload.client == ClientPolicy::Rebuild, workload.timeout.as_nanos() + workload.connect_timeout.as_nanos());
    let clients: Vec<(bool, u64)> = experiment.workloads.iter().map(lock).collect();
    // A client that leaves everything to the library need never find the new primary; no formula covers that.
    if let Some(wait) = clients.iter().map(|(_, wait)| *wait).max().filter(|_| clients.iter().all(|(rebuild, _)| *rebuild)) {
        let formula = format!("write gap + up to {} of a client's own timeouts", Duration::from_nanos(wait));
        predictions.push(range("client_gap", low, high + wait, formula));
    }
    predictions
}

/// Whether an election can be won, by servers that wait as the formula says.
fn formula_holds(topology: &ClusterTopology) -> bool {
    let newer = match &topology.server {
        Server::Release { kind: ServerKind::Valkey, version } => {
            version.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major >= 9)
        }
        _ => false,
    };
    let forbidden = ["cluster-replica-no-failover", "cluster-slave-no-failover"];
    let forbidden = forbidden.iter().any(|name| topology.config.redis.get(name).is_some_and(|value| value.eq_ignore_ascii_case("yes")));
    // With a replica fewer than `min-replicas-to-write` asks for, the promoted one refuses writes for good.
    let needed = ["min-replicas-to-write", "min-slaves-to-write"].iter().find_map(|name| topology.config.redis.get(name));
    let refused = needed.is_some_and(|needed| needed != "0");
    topology.shards >= 3 && topology.replicas_per_shard > 0 && !newer && !forbidden && !refused
}

/// Whether a target is the primary of exactly one shard, while nothing else has happened yet.
fn one_primary(topology: &ClusterTopology, target: &Selector) -> bool {
    let one = target.in_one_shard() || matches!(target.pick, Pick::One | Pick::Count(1));
    let by_role = target.role == Some(WantedRole::Primary) && one;
    let named = |name: &str| topology.nodes().iter().any(|node| node.name == name && node.role == Role::Primary);
    by_role || target.node.as_deref().is_some_and(named)
}
