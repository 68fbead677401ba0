//! Problems for programs.

use serde_json::{Value, json};

use crate::spec::{Loaded, Span};

/// Problems as JSON objects; lines and columns count from 1, `end_column` is the first one after the place.
pub(crate) fn json(loaded: &Loaded) -> Vec<Value> {
    let place = |span: &Span, label: &str| {
        let (from, to) = (loaded.sources.location(span), loaded.sources.end(span));
        json!({
            "file": from.file, "line": from.line, "column": from.column,
            "end_line": to.line, "end_column": to.column, "label": label,
        })
    };
    let problems = loaded.problems.iter().map(|problem| {
        json!({
            "level": problem.level.as_str(),
            "code": problem.code,
            "message": problem.message,
            "place": place(&problem.span, &problem.label),
            "related": problem.related.iter().map(|(span, label)| place(span, label)).collect::<Vec<_>>(),
            "help": problem.help,
        })
    });
    problems.collect()
}
