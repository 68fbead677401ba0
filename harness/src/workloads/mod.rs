//! What clients do: one file a kind of load.

mod arrivals;
mod lock;

pub use arrivals::stream_of;
pub use lock::{LockLoad, lock_key, token_id};
