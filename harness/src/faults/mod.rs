//! Faults: one file an action, each with its proof; the engine keeps the schedule, the ledger knows what was done.

mod ask;
mod bandwidth;
mod build;
mod busy;
mod client_crash;
mod clients_pause;
mod clock_jump;
mod config_set;
mod deadlines;
mod delay;
mod disk_full;
mod endpoint;
mod engine;
mod failover;
mod failover_cluster;
mod injection;
mod kill;
mod ledger;
mod link_fault;
mod links;
mod loss;
mod mover;
mod names;
mod partition;
mod pause;
mod ping;
mod reshard;
mod restart;
mod select;
mod sentinel_crash;
mod shapes;
mod slots;
mod stop;

pub use engine::Engine;
pub use ledger::Ledger;
pub use select::{Liveness, resolve};
