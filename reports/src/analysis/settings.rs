//! What of the configuration the analysis has to know.

use redquake_experiments::spec::{Action, Experiment};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// Values in force where the file does not set them (sentinel.conf, redis.conf).
const DOWN_AFTER: u64 = 30 * SECOND;
const FAILOVER_TIMEOUT: u64 = 180 * SECOND;
const MAX_LAG: u64 = 10;

/// Limits that servers go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `down-after-milliseconds`, ns.
    pub down_after: u64,
    /// `failover-timeout`, ns.
    pub failover_timeout: u64,
    /// Number of Sentinels, and how many must agree that the primary is down.
    pub sentinels: u32,
    pub quorum: u32,
    /// After how long without a replica a primary refuses writes (`min-replicas-max-lag`), ns; `None` where it never does.
    pub refuses_after: Option<u64>,
    /// Whether a Cluster refuses every request while a slot is not served.
    pub full_coverage: bool,
    /// By when after its cause a failover has begun, failed once and succeeded, ns.
    pub failover_within: u64,
}

impl Settings {
    /// Those of an experiment.
    pub fn of(experiment: &Experiment) -> Self {
        let topology = &experiment.topology;
        let sentinel = topology.sentinel();
        let directive =
            |name: &str, default: u64| sentinel.and_then(|sentinel| sentinel.config.sentinel.get(name)).and_then(millis).unwrap_or(default);
        let (down_after, failover_timeout) =
            (directive("down-after-milliseconds", DOWN_AFTER), directive("failover-timeout", FAILOVER_TIMEOUT));
        let redis = topology.redis();
        let number = |names: [&str; 2]| names.iter().find_map(|name| redis.get(name)?.parse::<u64>().ok());
        let set_later = experiment.faults.iter().any(|fault| match &fault.action {
            Action::ConfigSet(config) => {
                config.set.keys().any(|key| key.as_str().starts_with("min-replicas") || key.as_str().starts_with("min-slaves"))
            }
            _ => false,
        });
        let wanted = number(["min-replicas-to-write", "min-slaves-to-write"]).is_some_and(|wanted| wanted > 0);
        let lag = number(["min-replicas-max-lag", "min-slaves-max-lag"]).unwrap_or(MAX_LAG);
        let node_timeout = topology.cluster().and_then(|cluster| cluster.node_timeout_ms()).map(|millis| millis.saturating_mul(MS));
        let failover_within = match node_timeout {
            // A lost election is repeated after four node timeouts, 4 s at least.
            Some(timeout) => timeout.saturating_mul(2).saturating_add(timeout.saturating_mul(4).max(4 * SECOND)).saturating_add(2 * SECOND),
            None => down_after.saturating_add(failover_timeout.saturating_mul(2)).saturating_add(2 * SECOND),
        };
        Self {
            down_after,
            failover_timeout,
            sentinels: sentinel.map_or(0, |sentinel| sentinel.sentinels),
            quorum: sentinel.map_or(0, |sentinel| sentinel.quorum),
            refuses_after: (wanted || set_later).then(|| lag.saturating_mul(SECOND)),
            full_coverage: topology.cluster().is_some_and(|cluster| cluster.requires_full_coverage()),
            failover_within,
        }
    }
}

fn millis(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().map(|millis| millis.saturating_mul(MS))
}
