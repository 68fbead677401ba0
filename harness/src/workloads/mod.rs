//! What clients do: one file a kind of load.

mod arrivals;
mod dispatch;
mod lock;

pub use arrivals::{Arrivals, stream_of};
pub use lock::{LockLoad, lock_key, token_id};
