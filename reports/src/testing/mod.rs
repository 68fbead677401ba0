//! Forged histories, for tests and benches of this crate and of those above it. Feature `testing`.
//!
//! They follow the order and the times of a real Sentinel failover (Redis 7.0.15, three Sentinels, quorum 2), so that
//! an analysis or a page can be tried without servers. No figure in them is a measurement.

mod bulk;
mod failover;
mod locks;
mod plan;
mod run;
mod sentinels;
mod storage;
mod story;

pub use bulk::{KINDS, lock_history, long_trial};
pub use failover::{FailoverParams, failover_history};
pub use plan::{plan, plan_with};
pub use run::{assembly, document, trial};
pub use storage::{loaded, stored};
pub use story::{Story, header};
