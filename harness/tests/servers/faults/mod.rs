//! Faults of servers and clients, each on a set of its own: proved, with the effect it must have, reverted and proved to be gone.

mod clients;
mod common;
mod overlaps;
mod processes;
mod settings;
mod triggers;
