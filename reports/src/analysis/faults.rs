//! What became of every planned fault.

use redquake_experiments::plan::PlannedFault;

use crate::history::{FaultEvent, FaultState};
use crate::result::FaultOutcome;

/// The steps of the planned faults, as they come in.
#[derive(Debug)]
pub struct Faults(Vec<Vec<FaultEvent>>);

impl Faults {
    /// None of so many faults has been injected yet.
    pub fn new(planned: usize) -> Self {
        Self(vec![Vec::new(); planned])
    }

    /// Takes in a step. Steps of a fault that was not planned are ignored: the plan is the contract.
    pub fn step(&mut self, event: &FaultEvent) {
        if let Some(steps) = self.0.get_mut(usize::from(event.fault)) {
            steps.push(event.clone());
        }
    }

    /// The steps of a planned fault so far.
    pub fn steps(&self, fault: usize) -> &[FaultEvent] {
        self.0.get(fault).map_or(&[], Vec::as_slice)
    }

    /// What became of them, in the plan's order. `zero` is the schedule's.
    pub fn outcomes(&self, planned: &[PlannedFault], zero: u64) -> Vec<FaultOutcome> {
        planned.iter().zip(&self.0).map(|(planned, steps)| outcome(planned, steps, zero)).collect()
    }
}

fn outcome(planned: &PlannedFault, steps: &[FaultEvent], zero: u64) -> FaultOutcome {
    let mut steps: Vec<&FaultEvent> = steps.iter().collect();
    // The sort is stable: steps of one instant stay in the order in which they were recorded.
    steps.sort_by_key(|step| step.at);
    let first = |state| steps.iter().find(|step| step.state == state);
    let proofs = steps.iter().filter(|step| !matches!(step.state, FaultState::Injected | FaultState::Reverted) && !step.detail.is_empty());
    // A fault that did not bite stays so, even if it was reverted as it should.
    let unproved = first(FaultState::Unproved).map(|step| step.state);
    let mut targets: Vec<String> = Vec::new();
    for target in steps.iter().flat_map(|step| &step.targets) {
        if !targets.contains(target) {
            targets.push(target.clone());
        }
    }
    FaultOutcome {
        name: planned.label(),
        action: planned.fault.action.word().to_owned(),
        planned_at: planned.inject_at().map(|at| zero.saturating_add(at)),
        injected_at: first(FaultState::Injected).map(|step| step.at),
        reverted_at: first(FaultState::Reverted).map(|step| step.at),
        targets,
        state: unproved.or(steps.last().map(|step| step.state)).unwrap_or(FaultState::Skipped),
        proof: proofs.map(|step| step.detail.as_str()).collect::<Vec<_>>().join("; "),
    }
}
