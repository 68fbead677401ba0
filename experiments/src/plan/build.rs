//! From an experiment to a plan.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Capabilities, NodePlan, Plan, PlannedFault, RuntimeKind, TrialPlan};
use crate::spec::{Experiment, Fault, Role, Server, Topology};

/// Something the machine cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{what}: {reason}")]
pub struct Refusal {
    /// Path of the value in the file that asks for it, for [`Loaded::location`](crate::spec::Loaded::location).
    pub path: String,
    /// What cannot be done.
    pub what: String,
    /// Why not, and the way out.
    pub reason: String,
}

/// Resolves an experiment into an absolute schedule: nodes, faults in the order in which they happen, trials with their seeds.
///
/// `trials` overrides the file's number. The same arguments give the same plan, on every machine and in every version.
///
/// # Errors
///
/// Everything the file asks for and the machine cannot do, at once.
pub fn plan(experiment: &Experiment, seed: u64, trials: Option<u32>, capabilities: &Capabilities) -> Result<Plan, Vec<Refusal>> {
    let mut experiment = experiment.clone();
    experiment.trials = trials.unwrap_or(experiment.trials);
    experiment.seed = Some(seed);
    let refusals = refusals(&experiment, capabilities);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let trials = (1..=experiment.trials).map(|index| TrialPlan { index, seed: trial_seed(seed, index), repeats: None }).collect();
    Ok(Plan {
        nodes: nodes(&experiment.topology),
        faults: schedule(&experiment.faults),
        runtime: capabilities.runtime,
        seed,
        trials,
        experiment,
    })
}

/// Seed of a trial: its own stream of the run's generator, so that trial 3 is the same whether 3 or 20 are run.
/// Seed of a trial, from the run's seed and the trial's index; the same on every machine.
pub fn trial_seed(seed: u64, index: u32) -> u64 {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(b"trials\0\0");
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(u64::from(index));
    generator.next_u64()
}

fn nodes(topology: &Topology) -> Vec<NodePlan> {
    let Topology::Sentinel(topology) = topology;
    let data = (1..=topology.replicas + 1).map(|number| {
        let role = if number == 1 { Role::Primary } else { Role::Replica };
        NodePlan { name: format!("redis-{number}"), role }
    });
    let sentinels = (1..=topology.sentinels).map(|number| NodePlan { name: format!("sentinel-{number}"), role: Role::Sentinel });
    data.chain(sentinels).collect()
}

/// Faults by the time of their injection; those of one instant keep the order of the file.
fn schedule(faults: &[Fault]) -> Vec<PlannedFault> {
    let mut planned: Vec<PlannedFault> = faults
        .iter()
        .map(|fault| PlannedFault {
            inject_at: fault.at().as_nanos(),
            revert_at: fault.until().map(|until| until.as_nanos()),
            fault: fault.clone(),
        })
        .collect();
    planned.sort_by_key(|fault| fault.inject_at);
    planned
}

fn refusals(experiment: &Experiment, capabilities: &Capabilities) -> Vec<Refusal> {
    let mut found = Vec::new();
    let mut refuse = |path: String, what: String, reason: String| found.push(Refusal { path, what, reason });
    if experiment.trials == 0 {
        refuse("trials".to_owned(), "no trial".to_owned(), "a run has one trial or more; leave the override out or ask for 1".to_owned());
    }
    let Topology::Sentinel(topology) = &experiment.topology;
    let misplaced = match (&topology.server, capabilities.runtime) {
        (Server::Binary(_), RuntimeKind::Docker) => {
            Some("containers do not see files of this machine; name a version like `redis:7.0` or an image")
        }
        (Server::Image(_), RuntimeKind::Process) => {
            Some("images run in containers only; name a version like `redis:7.0` or a binary, or use the runtime `docker`")
        }
        _ => None,
    };
    if let Some(reason) = misplaced {
        let what = format!("the server {} on the runtime `{}`", topology.server, capabilities.runtime.as_str());
        refuse("topology.server".to_owned(), what, reason.to_owned());
    }
    for (index, fault) in experiment.faults.iter().enumerate() {
        if let Fault::Partition(partition) = fault {
            let needed = [
                ("entering the nodes' network namespaces", &capabilities.enter_namespaces),
                ("dropping packets", &capabilities.drop_packets),
            ];
            for (what, capability) in needed {
                if let Err(reason) = capability {
                    let what = format!("partition `{}` needs {what}", partition.name);
                    refuse(format!("faults[{index}].action"), what, reason.clone());
                }
            }
        }
    }
    found
}
