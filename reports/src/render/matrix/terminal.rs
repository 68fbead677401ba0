//! The table of cells at the end of a run.

use std::fmt::Write;

use super::{figures, words};
use crate::render::terminal::{Options, Paint, plain, printed, wrap};
use crate::render::{facts, words as common};
use crate::result::MatrixDocument;

/// Most metrics shown beside each other; the report has all.
const COLUMNS: usize = 5;
/// Most differences shown.
const SHOWN: usize = 6;

/// The document as a few lines of plain text.
pub fn render(document: &MatrixDocument, options: &Options) -> String {
    let mut text = String::new();
    let paint = Paint(options.color);
    let trials: u32 = document.cells.iter().map(|cell| cell.trials).sum();
    let verdict = paint.verdict(words::tone(document), common::verdict(document.verdict));
    let _ =
        writeln!(text, "{verdict}  {}  ({} cells, {trials} trials, seed {})", plain(&document.name), document.cells.len(), document.seed);
    for line in wrap(&plain(&words::sentence(document)), 96) {
        let _ = writeln!(text, "  {line}");
    }
    for warning in words::warnings(document).iter().take(SHOWN) {
        for (line, mark) in wrap(&plain(warning), 94).iter().zip(std::iter::once("!").chain(std::iter::repeat(" "))) {
            let _ = writeln!(text, "  {} {line}", paint.verdict("warn", mark));
        }
    }
    for reason in document.reasons.iter().take(5) {
        let _ = writeln!(text, "  - {}", plain(reason));
    }
    text.push('\n');
    cells(&mut text, document, paint);
    for cell in &document.cells {
        if let Some(precision) = &cell.precision {
            let _ = writeln!(text, "  {}: {}", plain(&cell.label), plain(&facts::precision_text(precision)));
        }
    }
    let shown = words::shown(document);
    if !shown.is_empty() {
        let _ = writeln!(text, "\n  against the first cell");
        for one in shown.iter().take(SHOWN) {
            let _ = writeln!(text, "    {}", plain(one));
        }
        if shown.len() > SHOWN {
            let _ = writeln!(text, "    and {} more differences, in the report", shown.len() - SHOWN);
        }
    }
    text.push('\n');
    if let Some(folder) = options.folder {
        let _ = writeln!(text, "  report  {}/report.html", plain(folder.trim_end_matches('/')));
    }
    let _ = writeln!(text, "  repeat  {}", plain(&document.repro));
    printed(text, options)
}

fn cells(text: &mut String, document: &MatrixDocument, paint: Paint) {
    let names: Vec<&String> = document.compared.iter().take(COLUMNS).collect();
    let head = ["".to_owned(), "cell".to_owned()]
        .into_iter()
        .chain(names.iter().map(|name| plain(name.strip_prefix("failover.").unwrap_or(name))));
    let mut rows: Vec<Vec<String>> = vec![head.collect()];
    for cell in &document.cells {
        let figures = names.iter().map(|name| figures::figure(cell, name).value);
        rows.push([cell.verdict.as_str().to_owned(), plain(&cell.label)].into_iter().chain(figures).collect());
    }
    let lacked = names.iter().filter(|name| document.cells.iter().any(|cell| cell.lacks.contains(name)));
    let notes: Vec<String> = lacked.map(|name| format!("{}: {}", plain(name), figures::lacking(name))).collect();
    let wide: Vec<usize> =
        (0..names.len() + 2).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    for (index, row) in rows.iter().enumerate() {
        let verdict = format!("{:1$}", row[0], wide[0]);
        let verdict = if index == 0 { verdict } else { paint.verdict(&row[0], &verdict) };
        let figures: Vec<String> = row.iter().zip(&wide).skip(2).map(|(value, wide)| format!("  {value:>wide$}")).collect();
        let rest = format!("{:2$}{}", row[1], figures.concat(), wide[1]);
        let _ = writeln!(text, "  {verdict}  {}", if index == 0 { paint.dim(rest.trim_end()) } else { rest.trim_end().to_owned() });
    }
    notes.iter().for_each(|note| {
        let _ = writeln!(text, "  {note}");
    });
}
