//! Which locks were held twice, outlived, lost or stuck. Definitions: docs/definitions.md.
//!
//! Owner tokens are unique, so exclusion needs no search: a history of acknowledged holds of one key is linearizable
//! as an owner-aware mutex if and only if the cores `[acquire completed, release invoked]` are pairwise disjoint.
//! One sort and one sweep decide it; `tests/lock_oracle.rs` compares the sweep with an exhaustive search.

mod evidence;
mod hold;
mod keys;
mod overlap;
mod pairing;
mod tally;

pub use evidence::{Names, worst_first};
pub use hold::NO_NODE;
pub use tally::{LockFindings, Locks};

/// The rules of one lock workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockRules {
    /// Lifetime of a lock (`PX`), ns.
    pub ttl: u64,
    /// Safety margin taken off the lifetime, ns.
    pub drift: u64,
}

impl LockRules {
    /// Until when a lock that was asked for at `invoked` is certainly still there: the server starts the lifetime
    /// after that, so it cannot end it before.
    pub fn lease(self, invoked: u64) -> u64 {
        invoked.saturating_add(self.ttl.saturating_sub(self.drift))
    }

    /// From when a lock granted at the latest at `completed` is certainly gone.
    /// One second on top of the drift covers the server's own clock and its lazy expiry.
    pub fn expired(self, completed: u64) -> u64 {
        completed.saturating_add(self.ttl).saturating_add(self.drift).saturating_add(1_000_000_000)
    }
}
