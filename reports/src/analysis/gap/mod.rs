//! How long nothing was acknowledged, and by whose fault. Definitions: docs/definitions.md.

mod acks;
mod answers;
mod attribution;
mod reign;
mod series;

pub use acks::Acks;
pub use answers::Answers;
pub use attribution::{Class, Outage, Window, ordinary, outages};
pub use reign::Reigns;
pub use series::{Interval, Series};

/// From this length on an interval without acknowledged writes is an outage, whatever its cause. No failover is shorter
/// than its `down-after-milliseconds`, of which smaller values are not in use; the hiccups of a busy machine are.
pub const OUTAGE: u64 = 250_000_000;
