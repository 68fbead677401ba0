//! Faults: one file an action, each with its proof; the engine keeps the schedule, the ledger knows what was done.

mod engine;
mod kill;
mod ledger;
mod partition;
mod select;

pub use engine::Engine;
pub use ledger::Ledger;
pub use select::resolve;
