//! How long the servers take to replace a primary, as their directives say.

use super::topology::{DOWN_AFTER, DOWN_AFTER_PATH, down_after_ms};
use crate::spec::{Duration, Experiment, Topology};

const NODE_TIMEOUT: &str = "cluster-node-timeout";
pub(super) const NODE_TIMEOUT_PATH: &str = "topology.config.redis.cluster-node-timeout";

/// From the promotion's start to its announcement, on top of `down-after-milliseconds`: up to 1.3 s measured.
const ANNOUNCED_AFTER: Duration = Duration::from_millis(1_300);

/// The directive that says how long a silent primary is waited for.
pub(super) struct Detection {
    /// For that long.
    pub(super) after: Duration,
    /// The directive.
    pub(super) name: &'static str,
    /// Its path in the file.
    pub(super) path: &'static str,
    /// Whether the file sets it.
    pub(super) written: bool,
    /// From the loss of a primary until clients know its successor, at most, while no attempt fails.
    pub(super) failover: Duration,
    /// What the failover takes beyond the wait, in words.
    pub(super) beyond: String,
}

/// What is in force; `None` where the directive is no number.
pub(super) fn of(experiment: &Experiment) -> Option<Detection> {
    match &experiment.topology {
        Topology::Sentinel(topology) => {
            let after = Duration::from_millis(down_after_ms(topology)?);
            Some(Detection {
                after,
                name: DOWN_AFTER,
                path: DOWN_AFTER_PATH,
                written: topology.config.sentinel.get(DOWN_AFTER).is_some(),
                failover: after + ANNOUNCED_AFTER,
                beyond: format!("a failover takes about {ANNOUNCED_AFTER} more"),
            })
        }
        Topology::Cluster(topology) => {
            let millis = topology.node_timeout_ms()?;
            // docs/definitions.md, "Cluster": up to 1.8 node timeouts until the majority agrees, then the election's delay of 500 to
            // 999 ms and the votes.
            let failover = Duration::from_millis(millis.saturating_mul(9) / 5 + 1_200);
            Some(Detection {
                after: Duration::from_millis(millis),
                name: NODE_TIMEOUT,
                path: NODE_TIMEOUT_PATH,
                written: topology.config.redis.get(NODE_TIMEOUT).is_some(),
                failover,
                beyond: format!("a failover takes up to {failover}"),
            })
        }
    }
}
