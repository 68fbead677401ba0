//! What a history meant: one file per question.

mod classes;
mod collect;
mod document;
mod failover;
mod faults;
mod gap;
mod hash;
pub mod locks;
mod outages;
mod samples;
mod split;
pub mod stats;
mod tally;
mod timeline;
mod trial;
mod validity;
mod verdict;
mod words;

pub use document::{Assembly, assemble};
pub(crate) use gap::OUTAGE;
pub use trial::{analyze, analyze_events};
