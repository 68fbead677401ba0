//! `lock`: take a lock, hold it, give it back by compare-and-delete; on one primary or on a quorum of several.

mod client;
mod leftovers;
mod names;
mod quorum;
mod resource;
mod single;

pub use client::LockClients;
pub use leftovers::final_read;
