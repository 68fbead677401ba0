//! What a history meant: one file per question.

mod failover;
mod gap;
mod hash;
pub mod locks;
mod words;
