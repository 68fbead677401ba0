//! What clients do: one file a kind of load.

mod arrivals;
mod behaviour;
mod cache;
mod client;
mod contents;
mod copies;
mod counter;
mod crowd;
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
pub use behaviour::{Common, Life};
pub use crowd::{Crowd, Ends};
pub use kinds::{final_ledger, final_read, longest_operation, start};
pub use prepare::prepare;
