//! A panic on demand, so that the tests can show what a bug in the tool leaves behind: nothing.

use redquake_reports::history::PhaseName;

/// Panics when `REDQUAKE_FAILPOINT` names this phase, for example `panic@baseline`.
pub fn reach(phase: PhaseName) {
    let Ok(wanted) = std::env::var("REDQUAKE_FAILPOINT") else { return };
    let name = serde_json::to_value(phase).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    assert!(wanted != format!("panic@{name}"), "failpoint {wanted}");
}
