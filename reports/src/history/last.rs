//! What was left on the servers after the clients stopped.

use serde::{Deserialize, Serialize};

/// Final read of one key of a workload, on the primary the Sentinels agree on, after the clients stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Final {
    /// When.
    pub at: u64,
    /// Index of the workload.
    pub w: u16,
    /// Key number.
    pub key: u32,
    /// Identity of the hold whose token the key has; `None` when the key is absent or the token is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// `PTTL`: milliseconds to live, -1 without expiry, -2 when absent.
    pub pttl: i64,
}

/// Final read of the elements of one set, on the primary the Sentinels agree on, after the clients stopped. A large set is told in several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// When.
    pub at: u64,
    /// Index of the workload.
    pub w: u16,
    /// Key number.
    pub key: u32,
    /// Identities of the elements found.
    pub ids: Vec<u64>,
    /// Elements found that no client of ours made.
    #[serde(default)]
    pub foreign: u64,
}
