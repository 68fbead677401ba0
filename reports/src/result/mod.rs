//! The result of a run: the document every report is rendered from, and `result.json` itself.

mod document;
mod matrix;
mod metric;
mod precision;
mod schema;
mod trial;

pub use document::{AssertionResult, Document, Environment, Location, Prediction, SCHEMA_VERSION, Source, Tool, Verdict};
pub use matrix::{Difference, MatrixAxis, MatrixCell, MatrixDocument, Middle, OpenInterval, TradeOff, TradeOffPoint};
pub use metric::{Interval, MetricSummary, MetricUnit, RareEvent, Sample};
pub use precision::{EndedBy, Precision};
pub use schema::{matrix_schema, schema};
pub use trial::{
    Anomaly, AnomalyKind, CacheResult, ClassSeries, Failover, FailoverPart, FaultOutcome, Gap, LimiterResult, LockCounts, NodeInfo,
    NodeLane, OpBucket, PaymentCounts, Projection, RoleSpan, SentinelMark, SetCounts, SplitBrain, SplitNode, TimelineData, Trial,
    TrialStatus, WhyCount, WorkloadResult, WorkloadSeries,
};
