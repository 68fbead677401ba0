//! Delay: packets arrive later, by netem where the kernel has it, else by a queue (`NFQUEUE`) and a thread that lets them wait.

mod chains;
mod fault;
mod hold;
mod netlink;
mod queues;
mod tables;

pub use fault::{Counters, Delay, inject, present, remove};
pub(super) use queues::Queues;
pub(crate) use queues::chains_of;
