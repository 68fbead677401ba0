//! Probes: small writes and reads that start every few milliseconds on every data node, whatever became of the ones before.
//!
//! They know each node by its address and ask no Sentinel, so what they see is the servers' own gap.

mod pace;
mod probe;

pub use pace::Pace;
pub use probe::{every, start};
