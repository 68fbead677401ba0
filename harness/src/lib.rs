//! The tool's parts. The binary only calls [`main`]; benches drive the clients and the recorder by themselves.

mod cli;
mod clients;
mod databases;
mod faults;
mod observers;
mod probes;
mod run;
pub mod speed;
mod trial;
mod workloads;

pub use cli::main;
