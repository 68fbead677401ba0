//! Spec, seed and what the machine can do, turned into an absolute schedule.

mod build;
mod capabilities;
mod model;
mod predict;
mod refuse;
mod render;
mod timeline;

pub use build::{plan, trial_seed};
pub use capabilities::{Capabilities, RuntimeKind};
pub use model::{NodePlan, Plan, PlannedFault, TrialPlan};
pub use predict::{Prediction, predict};
pub use refuse::{Cause, Refusal, refuse_trials};
pub use render::{json, render};
pub use timeline::{Act, Step};
