//! The tool from outside, on real servers. One binary, so that one table decides what may run at once.
//!
//! Tests that do not depend on the runtime use child processes and run concurrently. Tests of Docker, and those that take minutes, are
//! marked `#[ignore]` with the reason, which the test runner prints; `ci/test --all` runs them.

mod catalogue;
mod cluster;
mod cluster_loads;
mod disk_budget;
mod endings;
mod everything;
mod faults;
mod host;
mod hostile;
mod images;
mod independent_observer;
mod interrupted;
mod jitter;
mod killed;
mod killed_in_docker;
mod lock_kinds;
mod lost_locks;
mod matrix;
mod ordinary_user;
mod other_experiments;
mod outside;
mod primary_kill;
mod refused;
mod reshard;
mod residue;
mod reuse;
mod reversal;
mod storm;
mod support;
mod turns;
mod unremovable;
mod without_engine;

// Also what the tests of the runtime itself look for.
#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#[path = "../../../topologies/tests/process/leftovers.rs"]
mod leftovers;
