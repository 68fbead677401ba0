//! One trial: from an empty machine to a closed history, and back to an empty machine.

mod databases;
mod final_read;
mod nodes;
mod perform;
mod reuse;
mod settle;
mod zones;

pub use perform::{CLIENT_THREADS, Performed, TrialRequest, perform};
pub use reuse::{Servers, Warm, may_be_kept};
