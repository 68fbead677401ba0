//! The reference runtime: nodes as containers of a Docker engine, on an internal network of their own.

mod cleanup;
mod clock;
mod container;
mod disk;
mod engine;
mod exec;
mod files;
mod lab;
mod labels;
mod network;
mod place;
mod process;
mod raise;
mod rooms;
mod runtime;
mod subnet;
mod watch;

pub(crate) use container::confined;
pub(crate) use engine::{Engine, cause};
pub use lab::DockerLab;
pub(crate) use labels::probe_labels;
pub use runtime::{DockerRuntime, connect};
