//! The result of a run: the document every report is rendered from, and `result.json` itself.

mod document;
mod metric;
mod schema;
mod trial;

pub use document::{AssertionResult, Document, Environment, Location, Prediction, SCHEMA_VERSION, Source, Tool, Verdict};
pub use metric::{Interval, MetricSummary, MetricUnit, RareEvent, Sample};
pub use schema::schema;
pub use trial::{
    Anomaly, AnomalyKind, ClassSeries, Failover, FailoverPart, FaultOutcome, Gap, LockCounts, NodeInfo, NodeLane, OpBucket, RoleSpan,
    SentinelMark, TimelineData, Trial, TrialStatus, WhyCount, WorkloadResult, WorkloadSeries,
};
