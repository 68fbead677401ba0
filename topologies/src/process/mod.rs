//! The embedded runtime `process`: servers as child processes, each in its own network namespace, inside
//! user, pid, mount and network namespaces of the run. It needs no container engine, touches no port or file of the
//! machine, and the kernel removes all of it when the tool dies.
//!
//! The whole tool runs inside these namespaces. See [`enter`] for how it gets there.

mod carrier;
mod disk;
mod enter;
mod faketime;
mod files;
mod init;
mod inside;
mod lab;
mod links;
mod load_generator;
mod log;
mod mounts;
mod node;
mod packages;
mod postgres_tree;
mod runtime;
mod servers;
mod signals;
mod support;
mod watch;

pub use crate::postgres::provide as provide_postgres;
pub use enter::{enter, enter_after, stage};
pub use faketime::provide_clock;
pub(crate) use faketime::{LIBRARIES, check as check_clock, control, environment};
pub use inside::inside;
pub use lab::ProcessLab;
pub use load_generator::provide_load_generator;
pub use packages::{Cached, cached, remove_cached};
pub(crate) use postgres_tree::postgres_tree;
pub use runtime::ProcessRuntime;
pub use servers::provide;
pub use signals::ignores_hang_up;
pub use support::check;
