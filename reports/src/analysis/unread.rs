//! A trial of which nothing is known but that it began.

use redquake_experiments::plan::{Plan, TrialPlan};

use super::trial::analyze_events;
use crate::history::{FORMAT_VERSION, Header};
use crate::result::{Trial, TrialStatus};

/// The row of a trial whose history is missing, empty or cannot be read, and why: so that a trial that began is always told.
pub fn unread(plan: &Plan, planned: &TrialPlan, why: String) -> Trial {
    let nothing = Header {
        format: FORMAT_VERSION,
        tool: String::new(),
        plan: plan.clone(),
        trial: planned.index,
        seed: planned.seed,
        began: String::new(),
        probe_every: 1_000_000,
    };
    let empty = analyze_events(&nothing, []);
    Trial {
        status: TrialStatus::Error,
        reasons: vec![why.clone()],
        damage: Some(why),
        // Zeros here would be read as measurements.
        metrics: Default::default(),
        remarks: Vec::new(),
        split: None,
        ..empty
    }
}
