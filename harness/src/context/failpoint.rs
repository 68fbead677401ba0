//! Failures on demand, for tests of what they leave behind. `REDQUAKE_FAILPOINT` names one. Only tests build the tool with the feature
//! `failpoints`: a released binary has none.

use redquake_reports::history::PhaseName;

/// The failure that is wanted.
fn wanted() -> Option<String> {
    if cfg!(feature = "failpoints") { std::env::var("REDQUAKE_FAILPOINT").ok() } else { None }
}

/// Panics at the beginning of a phase, for example with `panic@baseline`.
pub fn reach(phase: PhaseName) {
    let Some(wanted) = wanted() else { return };
    let name = serde_json::to_value(phase).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    assert!(wanted != format!("panic@{name}"), "failpoint {wanted}");
}

/// Ends the process on the spot between a line of the ledger and what it announces: `abort@inject:cut`, `abort@revert:cut`.
pub fn announced(step: &str, fault: &str) {
    if wanted().is_some_and(|wanted| wanted == format!("abort@{step}:{fault}")) {
        std::process::abort();
    }
}

/// Whether the reversal of a fault is to be refused: `refuse@revert:cut`.
pub fn refused(fault: &str) -> bool {
    wanted().is_some_and(|wanted| wanted == format!("refuse@revert:{fault}"))
}

/// Whether servers are to be altered after they were reset: `spoil@key`, `spoil@config`.
pub fn spoils(how: &str) -> bool {
    wanted().is_some_and(|wanted| wanted == format!("spoil@{how}"))
}
