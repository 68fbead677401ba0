//! What a history meant: one file per question.

mod check;
mod checks;
mod classes;
mod collect;
mod document;
mod failover;
pub mod fallback;
mod faults;
mod gap;
mod hash;
pub mod limiters;
pub mod locks;
mod matrix;
mod moves;
mod outages;
pub mod payments;
pub mod register;
mod resets;
mod samples;
pub mod sets;
mod shards;
mod split;
pub mod stats;
mod taken;
mod tally;
mod timeline;
mod trial;
mod validity;
mod verdict;
mod words;

pub use document::{Assembly, assemble};
pub(crate) use gap::OUTAGE;
pub use matrix::{CellDocument, MatrixAssembly, assemble_matrix};
pub use trial::{analyze, analyze_events};
