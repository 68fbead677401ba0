//! The root of an experiment file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Assertion, Database, Duration, Fault, PostgresDatabase, Topology, Workload};

/// Period of the servers' timers that decide when an outage begins and ends: Sentinel's `PING` and its `INFO` during a failover, the
/// acknowledgements of replicas, the count of replicas that are not behind, and the reconnects all come once a second.
pub const TIMER_PERIOD: Duration = Duration::from_secs(1);

/// One experiment: what is brought up, what loads it, what breaks it and what must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Version of the file format. This tool reads version 1.
    #[schemars(schema_with = "super::schema::version_schema")]
    pub version: u32,
    /// Short name, used for the results folder and as the JUnit suite. Letters, digits, `-`, `_` and `.`.
    #[schemars(schema_with = "super::schema::name_schema")]
    pub name: String,
    /// The hypothesis in one sentence: what should hold while the faults happen.
    #[serde(default)]
    pub description: String,
    /// The servers to bring up, written here or in a file of their own that is named by its path.
    #[schemars(schema_with = "super::schema::topology_or_path")]
    pub topology: Topology,
    /// Measured time of one trial, from the start of the baseline window until the clients stop.
    /// Fault times count from the same zero.
    pub duration: Duration,
    /// How many times the experiment is executed, each on a fresh topology.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10_000))]
    pub trials: u32,
    /// Window over which the start of the schedule is drawn for each trial, so that the faults of a run meet every phase of the servers'
    /// timers. `0s` turns it off. Default: 1s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Duration>,
    /// Seed of the load and of every random choice. Drawn and recorded when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What real clients do.
    #[serde(default)]
    pub workloads: Vec<Workload>,
    /// What is broken, and when.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What must hold for the verdict to be `pass`.
    #[serde(default, rename = "assert")]
    pub assertions: Vec<Assertion>,
}

impl Experiment {
    /// The window over which the start of the schedule is drawn. Without a fault at a fixed time there is nothing to draw.
    pub fn jitter(&self) -> Duration {
        let fixed = self.faults.iter().any(|fault| fault.timing.at.is_some());
        if fixed { self.jitter.unwrap_or(TIMER_PERIOD) } else { Duration::default() }
    }

    /// The PostgreSQL server its workloads share, if any of them uses one.
    pub fn postgres(&self) -> Option<&PostgresDatabase> {
        self.workloads.iter().find_map(|workload| match workload.kind.database() {
            Some(Database::Postgres(postgres)) => Some(postgres),
            _ => None,
        })
    }

    /// Names of the zones in which clients live, in the order of the file, each once.
    pub fn zones(&self) -> Vec<String> {
        let mut zones: Vec<String> = Vec::new();
        for zone in self.workloads.iter().filter_map(|workload| workload.zone.as_ref()).flat_map(|zone| zone.names()) {
            if !zones.contains(zone) {
                zones.push(zone.clone());
            }
        }
        zones
    }
}

fn one() -> u32 {
    1
}
