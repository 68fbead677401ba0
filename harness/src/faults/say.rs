//! What is said of a fault while a trial runs.

use std::time::Instant;

use redquake_reports::history::FaultState;

/// Says what happened to a fault, and when.
pub type Say = Box<dyn Fn(Instant, &str) + Send + Sync>;

/// A step of a fault in words, with its targets; `None` for its verification, which the report has.
pub fn happened(state: FaultState, targets: &[String]) -> Option<String> {
    let what = match state {
        FaultState::Injected => "injected",
        FaultState::Reverted => "reverted",
        FaultState::Missed => "did not happen",
        FaultState::Skipped => "was not injected",
        FaultState::Proved | FaultState::Unproved | FaultState::RevertProved | FaultState::RevertUnproved => return None,
    };
    Some(if targets.is_empty() { what.to_owned() } else { format!("{what} ({})", targets.join(", ")) })
}
