//! `summary.md` of a matrix: the cells in one table. At most 60 KB.

use std::fmt::Write;

use redquake_experiments::shown;

use super::figures::figure;
use super::words;
use crate::render::summary::{MAX_BYTES, clip, fenced, inline, mark};
use crate::render::{number, words as common};
use crate::result::MatrixDocument;

/// Most differences listed.
const SHOWN: usize = 40;

/// The document as GitHub-flavoured Markdown.
pub fn render(document: &MatrixDocument) -> String {
    let mut text = String::new();
    let (sign, verdict) = (mark(words::tone(document)), common::verdict(document.verdict));
    let _ = writeln!(
        text,
        "## {sign} {verdict}: {}, {}\n",
        inline(&clip(&document.name, 300)),
        number::plural(document.cells.len() as u64, "cell", "cells")
    );
    let _ = writeln!(text, "{}\n", inline(&clip(&words::sentence(document), 2_000)));
    for warning in words::warnings(document).iter().take(SHOWN) {
        let _ = writeln!(text, "⚠️ {}\n", inline(&clip(warning, 500)));
    }
    let names: Vec<String> = document.compared.iter().map(|name| format!(" {} |", inline(name))).collect();
    let _ = writeln!(text, "| | Cell |{}\n|---|---|{}", names.concat(), "---|".repeat(names.len()));
    for (index, cell) in document.cells.iter().enumerate() {
        let figures: Vec<String> = document
            .compared
            .iter()
            .map(|name| {
                let figure = figure(cell, name);
                let value = if figure.tone == "bad" { format!("**{}**", inline(&figure.value)) } else { inline(&figure.value) };
                format!(" {value} ({}) |", inline(&figure.sure))
            })
            .collect();
        let row = format!(
            "| {} {} | {}. {} |{}\n",
            mark(cell.verdict.as_str()),
            cell.verdict.as_str(),
            index + 1,
            inline(&clip(&cell.label, 200)),
            figures.concat()
        );
        if text.len() + row.len() > MAX_BYTES / 2 {
            let _ = writeln!(text, "\n{} more cells are in `report.html`.", document.cells.len() - index);
            break;
        }
        text.push_str(&row);
    }
    let shown = words::shown(document);
    if !document.differences.is_empty() {
        let first = document.cells.first().map(|cell| inline(&clip(&cell.label, 200))).unwrap_or_default();
        let _ = writeln!(
            text,
            "\n<details><summary>Differences from the first cell ({first}) that are shown: {} of {}</summary>\n",
            shown.len(),
            document.differences.len()
        );
        for one in shown.iter().take(SHOWN) {
            let _ = writeln!(text, "- {}", inline(&clip(one, 400)));
        }
        if shown.len() > SHOWN {
            let _ = writeln!(text, "- and {} more", shown.len() - SHOWN);
        }
        text.push_str("\n</details>\n");
    }
    let mut reasons = String::new();
    for reason in document.reasons.iter().take(20) {
        let _ = writeln!(reasons, "- {}", inline(&clip(reason, 500)));
    }
    if !reasons.is_empty() {
        let _ = write!(text, "\n{reasons}");
    }
    let _ = writeln!(text, "\nRepeat with\n\n{}", fenced("sh", &clip(&document.repro, 4_000)));
    let facts = [
        format!("seed {}", document.seed),
        inline(&document.runtime),
        inline(&format!("{} {}", document.tool.name, document.tool.version)),
    ];
    let _ = writeln!(text, "<sub>{}</sub>", facts.join(" · "));
    shown::lines(&text).into_owned()
}
