//! Problems as GitHub workflow commands.

use std::fmt::Write;

use super::SHOWN;
use crate::shown;
use crate::spec::problem::thousands;
use crate::spec::{Level, Loaded};

/// One `::error` or `::warning` line a problem (the toolkit's "workflow commands").
///
/// GitHub shows ten of each a step and drops the rest without a word; beyond [`SHOWN`] they are only counted.
pub(crate) fn github(loaded: &Loaded) -> String {
    let mut out = String::new();
    for problem in loaded.problems.iter().take(SHOWN) {
        let (from, to) = (loaded.sources.location(&problem.span), loaded.sources.end(&problem.span));
        let command = match problem.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let label = if problem.label.is_empty() { String::new() } else { format!(" ({})", problem.label) };
        let help = problem.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let end = if to.line == from.line && to.column > from.column { format!(",endColumn={}", to.column) } else { String::new() };
        let _ = writeln!(
            out,
            "::{command} file={},line={},col={}{end},title={}::{}",
            shown::github_property(&from.file),
            from.line,
            from.column,
            problem.code,
            shown::github_message(&format!("{}{label}{help}", problem.message)),
        );
    }
    if let (Some(more), Some(file)) = (loaded.problems.len().checked_sub(SHOWN).filter(|more| *more > 0), loaded.sources.files().first()) {
        let level = if loaded.has_errors() { "error" } else { "warning" };
        let _ = writeln!(out, "::{level} file={}::and {} more", shown::github_property(&file.name), thousands(more));
    }
    out
}
