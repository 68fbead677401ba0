//! The embedded runtime `process`: servers as child processes, each in its own network namespace, inside
//! user, pid, mount and network namespaces of the run. It needs no container engine, touches no port or file of the
//! machine, and the kernel removes all of it when the tool dies.
//!
//! The whole tool runs inside these namespaces. See [`enter`] for how it gets there.

mod enter;
mod init;
mod lab;
mod links;
mod mounts;
mod node;
mod packages;
mod runtime;
mod servers;
mod signals;
mod support;

pub use enter::{enter, inside, stage};
pub use lab::ProcessLab;
pub use runtime::ProcessRuntime;
pub use servers::provide;
pub use support::check;
