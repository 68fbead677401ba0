//! From an experiment to a plan.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::refuse::{refuse_machine, refuse_trials};
use super::schedule::schedule;
use super::{Capabilities, NodePlan, Plan, Refusal};
use crate::spec::{Experiment, Topology};

/// Resolves an experiment into an absolute schedule: nodes, faults in the order in which they happen, trials with their seeds.
///
/// `trials` overrides the file's number. The same arguments give the same plan, on every machine and in every version.
///
/// # Errors
///
/// Everything that stands in the way at once: overrides the file cannot do with, and what the machine cannot do.
pub fn plan(experiment: &Experiment, seed: u64, trials: Option<u32>, capabilities: &Capabilities) -> Result<Plan, Vec<Refusal>> {
    let mut refusals = refuse_trials(experiment, trials);
    refusals.extend(refuse_machine(experiment, capabilities));
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let mut experiment = experiment.clone();
    experiment.trials = trials.unwrap_or(experiment.trials);
    experiment.seed = Some(seed);
    experiment.jitter = Some(experiment.jitter());
    let mut plan = Plan {
        nodes: nodes(&experiment.topology),
        faults: schedule(&experiment.faults, experiment.duration.as_nanos()),
        runtime: capabilities.runtime,
        seed,
        trials: Vec::new(),
        experiment,
    };
    for _ in 0..plan.experiment.trials {
        plan.trials.push(plan.next_trial(None));
    }
    Ok(plan)
}

/// Seed of a trial, from the run's seed and the trial's index: its own stream of the run's generator, so that trial 3 is
/// the same on every machine and whether 3 or 20 are run.
pub fn trial_seed(seed: u64, index: u32) -> u64 {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(b"trials\0\0");
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(u64::from(index));
    generator.next_u64()
}

fn nodes(topology: &Topology) -> Vec<NodePlan> {
    topology.nodes().into_iter().map(|node| NodePlan { name: node.name, role: node.role, shard: node.shard }).collect()
}
