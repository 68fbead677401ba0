//! Problems as GitHub workflow commands.

use std::fmt::Write;

use crate::shown;
use crate::spec::{Level, Loaded};

/// One `::error` or `::warning` line a problem (the toolkit's "workflow commands").
///
/// GitHub shows ten of each a step and drops the rest without a word; the caller decides how many to print.
pub(crate) fn github(loaded: &Loaded) -> String {
    let mut out = String::new();
    for problem in &loaded.problems {
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
    out
}
