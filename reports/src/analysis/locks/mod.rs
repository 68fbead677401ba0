//! Which locks were held twice, outlived, lost or stuck. Definitions: docs/definitions.md.
//!
//! Owner tokens are unique, so exclusion needs no search: a history of acknowledged holds of one key is linearizable
//! as an owner-aware mutex if and only if the cores `[acquire completed, release invoked]` are pairwise disjoint.
//! One sort and one sweep decide it; `tests/lock_oracle.rs` compares the sweep with an exhaustive search.

mod accesses;
mod evidence;
mod hold;
mod keys;
mod overlap;
mod pairing;
mod rules;
mod tally;
mod tokens;
mod votes;

pub use evidence::Names;
pub use hold::NO_NODE;
pub use rules::LockRules;
pub use tally::{LockFindings, Locks};
pub use tokens::{Grant, Regression, regressions};
