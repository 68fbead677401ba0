//! Spec, seed and what the machine can do, turned into an absolute schedule.

mod build;
mod capabilities;
mod cells;
mod jitter;
mod model;
mod predict;
mod predict_cluster;
mod predict_others;
mod refuse;
mod render;
mod schedule;
mod sides;
mod timeline;
mod words;

pub use build::{plan, trial_seed};
pub use capabilities::{Capabilities, DelayPath, RuntimeKind};
pub use cells::{CellPlan, interleave, json_cells, render_cells};
pub use model::{NodePlan, Plan, TrialPlan};
pub use predict::{Prediction, predict};
pub use refuse::{Cause, Refusal, refuse_trials};
pub use render::{json, render};
pub use schedule::{PlannedFault, Start};
pub use sides::Cut;
pub use timeline::{Act, Step};
