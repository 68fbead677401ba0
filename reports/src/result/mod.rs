//! The result of a run: the document every report is rendered from, and `result.json` itself.

mod anomaly;
mod anomaly_file;
mod crash;
mod document;
mod failover;
mod matrix;
mod metric;
mod moves;
mod precision;
mod schema;
mod timeline;
mod trial;
mod workload;

pub use anomaly::{Anomaly, AnomalyCount, AnomalyKind};
pub use anomaly_file::AnomalyWriter;
pub use crash::Crash;
pub use document::{AssertionResult, Document, Environment, Location, Prediction, SCHEMA_VERSION, Source, Tool, Verdict};
pub use failover::{CoverageRefusal, Failover, FailoverPart, FaultOutcome, Gap, Promotion};
pub use matrix::{Difference, MatrixAxis, MatrixCell, MatrixDocument, Middle, OpenInterval, TradeOff, TradeOffPoint};
pub use metric::{Interval, MetricSummary, MetricUnit, PhaseDependence, RareEvent, Sample};
pub use moves::SlotMove;
pub use precision::{EndedBy, Precision};
pub use schema::{matrix_schema, schema};
pub use timeline::{ClassSeries, NodeLane, OpBucket, RoleSpan, SentinelMark, TimelineData, WorkloadSeries};
pub use trial::{NodeInfo, SplitBrain, SplitNode, Trial, TrialStatus};
pub use workload::{
    CacheResult, CounterCounts, LimiterResult, LockCounts, NodeWrites, PaymentCounts, Projection, RegisterCounts, SetCounts, WhyCount,
    WorkloadResult,
};
