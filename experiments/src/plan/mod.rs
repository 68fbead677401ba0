//! Spec, seed and what the machine can do, turned into an absolute schedule.

mod build;
mod capabilities;
mod model;
mod predict;
mod render;
mod timeline;

pub use build::{Refusal, plan, trial_seed};
pub use capabilities::{Capabilities, RuntimeKind};
pub use model::{NodePlan, Plan, PlannedFault, TrialPlan};
pub use predict::{Prediction, predict};
pub use render::{json, render};
pub use timeline::{Act, Step};
