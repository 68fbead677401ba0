//! The tool from outside, on real servers. One binary, so that one table decides what may run at once.
//!
//! What the runtime does not matter for is tried where it costs least: as child processes, several at once. What is particular to
//! Docker, or takes minutes, is marked `#[ignore]` with the reason, which the test runner prints; `ci/test --all` performs it.

mod catalogue;
mod cluster;
mod cluster_loads;
mod endings;
mod everything;
mod faults;
mod host;
mod hostile;
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
