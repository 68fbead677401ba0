//! The plan: who, what and when, with nothing left to decide but what selectors resolve to.

use serde::{Deserialize, Serialize};

use super::{PlannedFault, RuntimeKind};
use crate::spec::{Experiment, Role};

/// Everything that will be done, in absolute terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The experiment with every default filled in.
    pub experiment: Experiment,
    /// Seed of the run.
    pub seed: u64,
    /// Where the servers run.
    pub runtime: RuntimeKind,
    /// Nodes to bring up, data nodes first, the first primary before its replicas.
    pub nodes: Vec<NodePlan>,
    /// Injections, by their time; those without a fixed one last.
    pub faults: Vec<PlannedFault>,
    /// One entry a trial.
    pub trials: Vec<TrialPlan>,
}

/// One server process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePlan {
    /// `redis-1`, `sentinel-2`, ...
    pub name: String,
    /// The role it starts with.
    pub role: Role,
    /// The shard it belongs to, from 1; only in a Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
}

/// One execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialPlan {
    /// From 1.
    pub index: u32,
    /// Seed of this trial, derived from the run's seed and the index.
    pub seed: u64,
    /// Time from when its servers were ready to the start of its baseline window, modulo the experiment's `jitter`, ns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub phase: u64,
    /// The trial it repeats, because that one proved nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(phase: &u64) -> bool {
    *phase == 0
}
