//! When a fault is injected, how often, and for how long it stays.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{After, Trigger};
use crate::spec::Duration;

/// Exactly one of `at`, `after` and `when` is given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// When, from the start of the baseline window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Duration>,
    /// So long after another fault was injected: `crash + 500ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// As soon as something is seen: `replica_lag > 1MB`, `event +odown`, `full-sync` or `promotion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Trigger>,
    /// How long `when` may take, counted from the start of the baseline window; later, the trial is inconclusive. Default: until the run ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// For how long; it is then reverted.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Duration>,
    /// Injected again and again, so long after each time before; wants `times`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Duration>,
    /// How often in all, with `every`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 1000))]
    pub times: Option<u32>,
}
