//! Failures on demand, so that the tests can show what they leave behind (nothing), and that servers spoilt between two trials are not
//! used again. `REDQUAKE_FAILPOINT` names one.

use redquake_reports::history::PhaseName;

const NAME: &str = "REDQUAKE_FAILPOINT";

/// Panics at the beginning of a phase, for example with `panic@baseline`.
pub fn reach(phase: PhaseName) {
    let Ok(wanted) = std::env::var(NAME) else { return };
    let name = serde_json::to_value(phase).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    assert!(wanted != format!("panic@{name}"), "failpoint {wanted}");
}

/// Ends the process on the spot between a line of the ledger and what it announces: `abort@inject:cut`, `abort@revert:cut`.
pub fn announced(step: &str, fault: &str) {
    if std::env::var(NAME).is_ok_and(|wanted| wanted == format!("abort@{step}:{fault}")) {
        std::process::abort();
    }
}

/// Whether the reversal of a fault is to be refused: `refuse@revert:cut`.
pub fn refused(fault: &str) -> bool {
    std::env::var(NAME).is_ok_and(|wanted| wanted == format!("refuse@revert:{fault}"))
}

/// Whether servers are to be spoilt so after they were reset: `spoil@key`, `spoil@config`.
pub fn spoils(how: &str) -> bool {
    std::env::var(NAME).is_ok_and(|wanted| wanted == format!("spoil@{how}"))
}
