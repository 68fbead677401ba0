//! The experiment file: its types, and how text becomes them.

mod assertion;
mod directives;
mod experiment;
mod fault;
mod selector;
mod text;
mod topology;
mod units;
mod workload;

pub use assertion::{Aggregate, Assertion, Comparison, Expectation, ExpectationError, Limit, Severity};
pub use directives::Directives;
pub use experiment::Experiment;
pub use fault::{Direction, Fault, Kill, Partition};
pub use selector::{Pick, Role, Selector};
pub use topology::{SentinelTopology, Server, ServerKind, Topology, TopologyConfig};
pub use units::{Rate, Span as Duration, UnitError};
pub use workload::{ClientPolicy, LockWorkload, Workload};
