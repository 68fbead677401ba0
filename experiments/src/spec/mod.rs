//! The experiment file: its types, and how text becomes them.

mod assertion;
mod check;
mod cluster;
mod codes;
mod conf;
mod database;
mod directive_lists;
mod directive_name;
mod directive_rules;
mod directives;
mod experiment;
mod fault;
mod include;
mod load;
mod matrix;
pub mod metrics;
mod policy;
mod problem;
mod render;
mod schema;
mod selector;
pub(crate) mod sides;
mod slots;
mod source;
mod structure;
mod text;
mod topology;
mod units;
mod until;
mod workload;
mod yaml;

pub use assertion::{Aggregate, Assertion, Comparison, Expectation, ExpectationError, Limit, Severity};
pub use cluster::{ClusterConfig, ClusterTopology, DEFAULT_NODE_TIMEOUT_MS, SLOTS};
pub use codes::{CODES, Code};
pub use database::{Database, DatabasePool, PostgresDatabase, SqliteDatabase};
pub use directive_name::{DirectiveError, DirectiveName};
pub use directives::Directives;
pub use experiment::{Experiment, TIMER_PERIOD};
pub use fault::{
    Action, After, Bandwidth, BitRate, Busy, BusyHow, ClientCrash, ClientsPause, ClockJump, ConfigSet, CrashPoint, DataAfter, Delay,
    Direction, DiskFull, Failover, FailoverMode, Fault, Group, HowStopped, Kill, Link, Loss, Offset, Partition, Pause, PauseMode, Percent,
    QuantityError, Reshard, Restart, RestartConfig, Reversal, SentinelCrash, Shape, Stop, Timing, Trigger, TriggerError,
};
pub use load::{Loaded, Resolver, is_experiment, is_topology, load, load_under};
pub use matrix::Cell;
pub use policy::{Policy, Trust};
pub use problem::{Level, Problem};
pub use schema::{schema, topology_schema};
pub use selector::{Pick, Role, Selector, WantedRole};
pub use slots::{SlotChoice, SlotRanges, SlotsError, key_slot, shard_of};
pub use source::{FileId, Location, SourceFile, SourceMap, Sources, Span};
pub(crate) use structure::closest;
pub use topology::{SentinelTopology, Server, ServerError, ServerKind, Topology, TopologyConfig, TopologyNode};
pub use units::{Duration, Rate, UnitError};
pub use until::{Until, UntilError};
pub use workload::{
    Access, Breaker, Burst, CacheAsideWorkload, ClientPolicy, Common, CounterWorkload, Fencing, FixedWindowWorkload, Lifetime,
    LimiterClock, LockWorkload, Mix, OnError, PaymentJobWorkload, RegisterWorkload, Scale, SetWorkload, SlidingBy, SlidingWindowWorkload,
    Workload, WorkloadKind, Zones,
};
pub use yaml::MAX_FILE_BYTES;
