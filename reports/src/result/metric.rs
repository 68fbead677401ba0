//! Numbers derived from histories.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One value of a metric in one trial.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sample {
    /// Measured exactly.
    Exact(f64),
    /// The trial ended first: the true value is at least this (a gap that was still open).
    AtLeast(f64),
}

impl Sample {
    /// The number, whether exact or a lower bound.
    pub fn value(self) -> f64 {
        match self {
            Self::Exact(value) | Self::AtLeast(value) => value,
        }
    }
}

/// What a metric's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricUnit {
    /// Nanoseconds.
    Ns,
    /// A count of events; `count` sums it over the trials.
    Count,
    /// A share between 0 and 1.
    Share,
    /// Events per second.
    Rate,
}

/// A metric over all conclusive trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricSummary {
    /// What the numbers are.
    pub unit: MetricUnit,
    /// What it means and how it is measured, in one sentence.
    pub meaning: String,
    /// Number of samples.
    #[serde(default)]
    pub n: u32,
    /// Value of each conclusive trial that has one, as (trial index, sample).
    pub samples: Vec<(u32, Sample)>,
    /// Smallest.
    pub min: Sample,
    /// Middle (mean of the two middle ones for an even number).
    pub median: Sample,
    /// 95 % bootstrap interval of the median; absent for fewer than 5 samples, and where too many are only lower bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_interval: Option<Interval>,
    /// 95th percentile by nearest rank; absent for fewer than 20 samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Sample>,
    /// Largest.
    pub max: Sample,
    /// Sum, for counts.
    pub total: f64,
    /// For counts of what should never happen: how often it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rare: Option<RareEvent>,
    /// How much it depends on the phase of the servers' timers at which a trial began; absent where that is little or could be chance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<PhaseDependence>,
}

/// How a metric goes with the phases of the trials: a straight line over the window with a jump back, fitted to their values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseDependence {
    /// The window of the phases (the experiment's `jitter`), ns.
    pub window: u64,
    /// Share of the variance of the values' ranks that the line explains.
    pub r2: f64,
    /// Chance that as much is explained where nothing depends on the phase (permutation test).
    pub p: f64,
    /// Lower end of the line, in the unit of the metric.
    pub low: f64,
    /// Higher end.
    pub high: f64,
}

/// Two ends, in the unit of what they belong to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How often something happens that should not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RareEvent {
    /// Trials in which it happened at all.
    pub trials: u32,
    /// Events per trial.
    pub per_trial: f64,
    /// 95 % interval of the share of trials in which it happens (Clopper-Pearson); one-sided where it happened in none or
    /// in all.
    pub share: Interval,
}
