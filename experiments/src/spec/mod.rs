//! The experiment file: its types, and how text becomes them.

mod assertion;
mod check;
mod codes;
mod conf;
mod directive_rules;
mod directives;
mod experiment;
mod fault;
mod include;
mod load;
pub mod metrics;
mod problem;
mod render;
mod schema;
mod selector;
mod source;
mod structure;
mod text;
mod topology;
mod units;
mod workload;
mod yaml;

pub use assertion::{Aggregate, Assertion, Comparison, Expectation, ExpectationError, Limit, Severity};
pub use codes::{CODES, Code};
pub use directives::Directives;
pub use experiment::Experiment;
pub use fault::{Direction, Fault, Kill, Partition};
pub use load::{Loaded, Resolver, is_topology, load};
pub use problem::{Level, Problem};
pub use schema::{schema, topology_schema};
pub use selector::{Pick, Role, Selector};
pub use source::{FileId, Location, SourceFile, SourceMap, Sources, Span};
pub use topology::{SentinelTopology, Server, ServerError, ServerKind, Topology, TopologyConfig};
pub use units::{Duration, Rate, UnitError};
pub use workload::{ClientPolicy, LockWorkload, Workload};
pub use yaml::MAX_FILE_BYTES;
