//! The sandbox in which every server of the runtime `process` runs, also under root, and every foreign program that is asked something.
//!
//! ```text
//! redquake run …          the tool, inside the namespaces of the run
//! └─ pid 1 of its own     `box` stage: this very program again, alone in a pid namespace
//!    = the server         after it gave up every right and replaced itself
//! ```
//!
//! What holds always: namespaces of its own for processes, mounts and shared memory, on the network of its node; a file system that
//! holds the system's programs read-only, its own folder, and nothing else; another user, no capability, none to be had; limits on
//! memory, processes and files; an environment of a few variables. Landlock and seccomp are added where the kernel has them.
//!
//! The stage is single-threaded and ends in `exec`, so no code of ours runs beside the server. What a fault needs (signals, rules, disks,
//! clocks) the tool does from outside.

mod ask;
mod limits;
mod rights;
mod root;
mod spec;
mod stage;
mod start;
mod walls;

pub(crate) use ask::ask;
pub(crate) use limits::{Limits, share};
pub(crate) use root::of_the_system;
pub(crate) use spec::Sandbox;
pub(crate) use stage::stage;
pub(crate) use start::start;
pub(crate) use walls::{landlock, seccomp};
