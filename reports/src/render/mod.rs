//! How a result is shown: pure functions from the document to text.

mod aftermath;
mod anomalies;
mod by_shard;
mod crashes;
mod facts;
mod felt;
pub mod harm;
pub mod html;
pub mod junit;
pub mod matrix;
pub mod metrics;
mod outage;
mod phase;
mod projection;
pub mod summary;
pub mod terminal;
mod words;

pub use crate::number;
pub use words::sentence;
