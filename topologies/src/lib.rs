//! What is brought up: servers, the networks they live in, and the primitive things that can be done to them.
//!
//! Nothing outside this crate assumes that a node is a local process or a container: whoever needs a
//! namespace, a signal or a file asks the runtime for it and is told when it cannot be had.

mod boot;
pub mod cluster;
pub mod config;
pub mod docker;
pub mod doctor;
pub mod files;
mod foreign;
#[doc(hidden)]
pub mod fuzzing;
pub mod images;
pub mod namespace;
pub mod postgres;
pub mod process;
pub mod rules;
pub mod runtime;
mod sandbox;
pub mod sentinel;
pub mod shaping;
