//! Injections and reversals on one axis.

use serde::{Deserialize, Serialize};

use super::Plan;

/// What is done to a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// It is injected.
    Inject,
    /// It is reverted.
    Revert,
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, in nanoseconds from the start of the baseline window.
    pub at: u64,
    /// What.
    pub act: Act,
    /// Index of the fault in [`Plan::faults`].
    pub fault: usize,
}

impl Plan {
    /// Everything to do whose time is fixed, in order. At one instant, faults end before others begin, and the latest fault ends first.
    pub fn timeline(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (fault, planned) in self.faults.iter().enumerate() {
            steps.extend(planned.inject_at().map(|at| Step { at, act: Act::Inject, fault }));
            steps.extend(planned.revert_at().map(|at| Step { at, act: Act::Revert, fault }));
        }
        steps.sort_by_key(|step| match step.act {
            Act::Revert => (step.at, 0, usize::MAX - step.fault),
            Act::Inject => (step.at, 1, step.fault),
        });
        steps
    }
}
