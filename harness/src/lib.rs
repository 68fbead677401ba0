//! The tool's parts. The binary only calls [`main`]; benches drive the clients and the recorder by themselves.

#[macro_use]
mod ui;

mod cli;
mod clients;
mod context;
mod databases;
mod faults;
mod observers;
mod probes;
mod run;
pub mod speed;
mod trial;
mod workloads;

pub use cli::main;
