//! Spec, seed and what the machine can do, turned into an absolute schedule.

mod capabilities;
mod model;

pub use capabilities::{Capabilities, RuntimeKind};
pub use model::{NodePlan, Plan, PlannedFault, TrialPlan};
