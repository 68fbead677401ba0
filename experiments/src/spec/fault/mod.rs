//! What is broken, when, and whom it hits.

mod action;
mod declared;
mod network;
mod node;
mod quantities;
mod reshard;
mod server;
mod timing;
mod trigger;

pub use action::{Action, Reversal};
pub use declared::Fault;
pub use network::{Bandwidth, Delay, Direction, Group, Link, Loss, Partition, Shape};
pub use node::{ClientCrash, ClockJump, DataAfter, DiskFull, HowStopped, Kill, Pause, Restart, RestartConfig, Stop};
pub use quantities::{BitRate, Offset, Percent, QuantityError};
pub use reshard::Reshard;
pub use server::{Busy, BusyHow, ClientsPause, ConfigSet, CrashPoint, Failover, FailoverMode, PauseMode, SentinelCrash};
pub use timing::Timing;
pub use trigger::{After, Trigger, TriggerError};
