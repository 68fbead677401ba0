//! The root of `result.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MetricSummary, Precision, Sample, Trial};

/// Version of the document's schema.
pub const SCHEMA_VERSION: u32 = 1;

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Version of this schema.
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// The verdict of the run.
    pub verdict: Verdict,
    /// Exit code the verdict leads to.
    pub exit_code: u8,
    /// Why the verdict is not `pass`, in sentences; empty for `pass`.
    pub reasons: Vec<String>,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// When the run ended, RFC 3339 in UTC.
    pub ended_at: String,
    /// The machine and the servers.
    pub environment: Environment,
    /// Name of the experiment.
    pub name: String,
    /// What distinguishes it from the other cells, where it is one of a matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// Its hypothesis.
    pub description: String,
    /// The file it came from.
    pub source: Source,
    /// The experiment with every default filled in, as JSON.
    pub experiment: serde_json::Value,
    /// Seed of the run.
    pub seed: u64,
    /// Command that repeats this run.
    pub repro: String,
    /// One result an assertion, in the file's order.
    pub assertions: Vec<AssertionResult>,
    /// Every metric over all conclusive trials, by name.
    pub metrics: BTreeMap<String, MetricSummary>,
    /// What the configuration predicts for metrics that have a formula, `[low, high]` in ns, with the formula's source.
    pub predictions: BTreeMap<String, Prediction>,
    /// How sure the run was to become, where that was asked for, and how sure it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// The trials, in order.
    pub trials: Vec<Trial>,
    /// Planned trials that were never begun, by their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_begun: Vec<u32>,
    /// Objects that could not be removed; empty when the machine is clean.
    pub residue: Vec<String>,
}

/// What the configuration predicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prediction {
    /// Lower end, ns.
    pub low: u64,
    /// Upper end, ns.
    pub high: u64,
    /// The formula in words.
    pub formula: String,
}

/// What wrote the document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `redquake`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The machine and the servers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Runtime and its version, for example `docker 20.10.24 (API 1.41)`.
    pub runtime: String,
    /// Server and version as the servers told them.
    pub server: String,
    /// Where the servers came from: image name and digest or id.
    pub server_source: String,
    /// Kernel release.
    pub kernel: String,
    /// Machine architecture.
    pub arch: String,
    /// Number of processors the tool could use.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory: u64,
}

/// The file an experiment came from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// Path as given on the command line.
    pub path: String,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
}

/// A verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything asserted holds.
    Pass,
    /// An assertion does not hold.
    Fail,
    /// The trials prove nothing either way.
    Inconclusive,
    /// Something outside the experiment went wrong.
    Error,
}

impl Verdict {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        }
    }
}

/// One assertion, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssertionResult {
    /// The metric.
    pub metric: String,
    /// The expectation as written.
    pub expect: String,
    /// `error` or `warn`.
    pub severity: redquake_experiments::spec::Severity,
    /// The verdict.
    pub verdict: Verdict,
    /// The aggregate over the trials, in the metric's unit; absent when it could not be computed.
    pub actual: Option<Sample>,
    /// The actual value and the limit in words, for example `median 2.21s of 5 trials (2.18s to 2.29s)`.
    pub actual_text: String,
    /// Distance to the limit in the metric's unit, positive when the limit is kept.
    pub margin: Option<f64>,
    /// Where the assertion stands in the file.
    pub location: Option<Location>,
    /// Whether the file does not mention it: no server may crash unless an experiment says otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implicit: bool,
    /// Why the verdict is not `pass`; empty for `pass`.
    pub reason: String,
    /// Why a `pass` tells nothing: what it limits could not have happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vacuous: Option<String>,
}

/// A place in a file, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// File as given on the command line.
    pub file: String,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}
