//! How sure a run was to become, and how sure it became.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A wanted precision and what was reached. Precision is how far the 95 % interval of the median reaches from it, as a share of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Precision {
    /// The metric.
    pub metric: String,
    /// The share that was wanted.
    pub wanted: f64,
    /// The share that was reached; absent for fewer than 5 samples, and where the interval or the median has no end or is zero.
    pub got: Option<f64>,
    /// Samples it rests on.
    pub n: u32,
    /// What ended the trials.
    pub ended_by: EndedBy,
}

/// What ended the trials of a run that was to become precise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// The precision was reached.
    Precision,
    /// The time that was allowed is spent.
    Time,
    /// The trials that were allowed are spent.
    Trials,
    /// The run ended for another reason: a signal, or an environment that failed.
    Other,
}
