//! What clients do: one file a kind of load.

mod arrivals;
mod behaviour;
mod cache;
mod client;
mod client_pool;
mod contents;
mod copies;
mod counter;
mod dispatch;
mod kinds;
mod laps;
mod limiter;
mod lock;
mod payment;
mod prepare;
mod register;
mod set;

pub use arrivals::{Arrivals, stream_of};
pub use behaviour::{ClientState, Common};
pub use client_pool::{ClientPool, Shutdown};
pub use kinds::{final_ledger, final_read, longest_operation, start};
pub use prepare::prepare;
