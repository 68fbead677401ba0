//! The root of `result.json` of a matrix: its cells side by side.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AssertionResult, Interval, MetricSummary, MetricUnit, Precision, Prediction, Sample, Source, Tool, Verdict};

/// The result of a run with a `matrix`. Each cell has a result of its own, of the schema of any run, in its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixDocument {
    /// Version of this schema.
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// The verdict of the worst cell.
    pub verdict: Verdict,
    /// Exit code of the worst cell.
    pub exit_code: u8,
    /// Why the verdict is not `pass`, each with the cell it comes from; empty for `pass`.
    pub reasons: Vec<String>,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended, RFC 3339 in UTC.
    pub ended_at: String,
    /// Name of the experiment.
    pub name: String,
    /// Its hypothesis.
    pub description: String,
    /// The file it came from.
    pub source: Source,
    /// Seed of the run: trials of one number have the same seed in every cell.
    pub seed: u64,
    /// Command that repeats this run.
    pub repro: String,
    /// Runtime and its version.
    pub runtime: String,
    /// What was varied.
    pub axes: Vec<MatrixAxis>,
    /// Names of the metrics that are compared: gaps, what is asserted, and harm that happened in any cell.
    pub compared: Vec<String>,
    /// The cells, in the order of the file.
    pub cells: Vec<MatrixCell>,
    /// Each further cell against the first, metric by metric.
    pub differences: Vec<Difference>,
    /// What is gained against what it costs; absent where no two metrics vary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trade_off: Option<TradeOff>,
}

/// One field that was varied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixAxis {
    /// Path in the experiment file.
    pub path: String,
    /// Its values, as written.
    pub values: Vec<String>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixCell {
    /// Name of its folder, relative to the folder of this document.
    pub folder: String,
    /// What distinguishes it.
    pub label: String,
    /// Value of each axis, in their order.
    pub values: Vec<String>,
    /// Its verdict.
    pub verdict: Verdict,
    /// The exit code it leads to.
    pub exit_code: u8,
    /// Server and version as the servers told them.
    pub server: String,
    /// The servers brought up, in words: `3 shards of 1 primary and 1 replica`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topology: String,
    /// Metrics of `compared` that its experiment does not have, because its topology or its workloads are of another kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// Trials performed, repeats included.
    pub trials: u32,
    /// Those that count.
    pub conclusive: u32,
    /// How sure it was to become, where that was asked for, and how sure it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// One result an assertion, in the file's order.
    pub assertions: Vec<AssertionResult>,
    /// Every metric over its conclusive trials, by name.
    pub metrics: BTreeMap<String, MetricSummary>,
    /// What its configuration predicts, by metric.
    pub predictions: BTreeMap<String, Prediction>,
}

/// A cell against the first one, in one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The metric.
    pub metric: String,
    /// What its numbers are.
    pub unit: MetricUnit,
    /// The cell that is compared with the first: index in `cells`.
    pub cell: u32,
    /// `median`; `mean` for counts, whose median is mostly zero.
    pub of: Middle,
    /// Of the first cell.
    pub first: Sample,
    /// Of this one.
    pub here: Sample,
    /// This one minus the first; absent where one of them had not ended.
    pub difference: Option<f64>,
    /// 95 % bootstrap interval of the difference; absent for fewer than 5 samples on either side.
    pub interval: Option<OpenInterval>,
    /// Whether the interval leaves out zero: else no difference is shown.
    pub shown: bool,
}

/// Which middle of the samples is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Middle {
    /// The median.
    Median,
    /// The mean.
    Mean,
}

impl Middle {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::Mean => "mean",
        }
    }
}

/// Two ends, of which one that is absent is unbounded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenInterval {
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// What is gained against what it costs: a point a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TradeOff {
    /// Metric of the horizontal axis, a gap.
    pub x: String,
    /// Metric of the vertical axis: what the cells differ in most among all harm that was done.
    pub y: String,
    /// Share of the variance of `y` that lies between the cells rather than between the trials of one.
    pub y_between: f64,
    /// What the vertical axis shows of a cell's trials.
    pub y_of: Middle,
    /// The cells that have both.
    pub points: Vec<TradeOffPoint>,
}

/// A cell in the plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TradeOffPoint {
    /// Index in `cells`.
    pub cell: u32,
    /// Median of the gap.
    pub x: Sample,
    /// Its 95 % interval.
    pub x_interval: Option<Interval>,
    /// Median or mean of the cost.
    pub y: Sample,
    /// Its 95 % interval.
    pub y_interval: Option<Interval>,
    /// Both values of every trial that has both.
    pub trials: Vec<(Sample, Sample)>,
}
