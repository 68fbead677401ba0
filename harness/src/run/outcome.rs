//! The result of a results folder, whether of one experiment or of a matrix.

use std::io::ErrorKind;
use std::path::Path;

use redquake_experiments::shown;
use redquake_reports::analysis::{CellDocument, MatrixAssembly, assemble_matrix};
use redquake_reports::render::{matrix, terminal};
use redquake_reports::result::{Document, MatrixDocument, SCHEMA_VERSION};
use redquake_topologies::files::read_regular;
use serde::de::DeserializeOwned;

use super::Folder;
use super::judge::{Rows, judge, write_reports};
use super::matrix::MatrixRecord;

/// Most characters told of what is wrong with a document: it may quote the document.
pub(super) const MOST_TOLD: usize = 300;

/// What a run showed.
pub enum Outcome {
    /// Of one experiment.
    Run(Box<Document>),
    /// Of the cells of a matrix.
    Matrix(Box<MatrixDocument>),
}

impl Outcome {
    /// The exit code it leads to.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Run(document) => document.exit_code,
            Self::Matrix(document) => document.exit_code,
        }
    }

    /// The short table at the end of a run.
    pub fn terminal(&self, options: &terminal::Options) -> String {
        match self {
            Self::Run(document) => terminal::render(document, options),
            Self::Matrix(document) => matrix::terminal(document, options),
        }
    }
}

/// Recomputes a folder's result from its histories and writes every report.
pub fn analyze(folder: &Folder) -> Result<Outcome, String> {
    conclude(folder, Vec::new())
}

/// The same, with the trials of each cell that were analysed already, in the order of the cells.
pub fn conclude(folder: &Folder, rows: Vec<Rows>) -> Result<Outcome, String> {
    let mut rows = rows.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    if !MatrixRecord::is_in(folder.path()) {
        let document = judge(folder, next())?;
        write_reports(folder, &document)?;
        return Ok(Outcome::Run(Box::new(document)));
    }
    let record = MatrixRecord::read(folder.path())?;
    let mut cells = Vec::new();
    for cell in record.cells {
        let own = folder.cell(&cell.folder)?;
        let document = judge(&own, next())?;
        write_reports(&own, &document)?;
        cells.push(CellDocument { folder: cell.folder, label: cell.label, values: cell.values, document });
    }
    let document = assemble_matrix(MatrixAssembly {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        name: record.name,
        description: record.description,
        source: record.source,
        seed: record.seed,
        repro: record.repro,
        started_at: record.started_at,
        ended_at: record.ended_at,
        axes: record.axes,
        cells,
    });
    write_matrix(folder, &document)?;
    Ok(Outcome::Matrix(Box::new(document)))
}

/// Renders a folder's reports again from its `result.json`, and those of its cells from theirs.
pub fn report(folder: &Folder) -> Result<Outcome, String> {
    if !MatrixRecord::is_in(folder.path()) {
        let document: Document = read(folder.path(), |document: &Document| document.schema_version)?;
        write_reports(folder, &document)?;
        return Ok(Outcome::Run(Box::new(document)));
    }
    let document: MatrixDocument = read(folder.path(), |document: &MatrixDocument| document.schema_version)?;
    for cell in &document.cells {
        let own = folder.cell(&cell.folder)?;
        let document: Document = read(own.path(), |document: &Document| document.schema_version)?;
        write_reports(&own, &document)?;
    }
    write_matrix(folder, &document)?;
    Ok(Outcome::Matrix(Box::new(document)))
}

/// Largest result read; one of ten thousand trials has a quarter of it.
const MOST_BYTES: u64 = 1 << 30;

fn read<D: DeserializeOwned>(folder: &Path, version: impl Fn(&D) -> u32) -> Result<D, String> {
    let path = folder.join("result.json");
    let failed = |reason: String| {
        format!("{}: {}; `redquake analyze` recomputes it from the histories", path.display(), shown::clipped(&reason, MOST_TOLD))
    };
    let bytes = read_regular(&path, MOST_BYTES).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            format!("{}: no result.json in this folder; `redquake analyze` makes it from the histories of a run", folder.display())
        }
        _ => failed(error.to_string()),
    })?;
    let document: D = serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
    match version(&document) {
        SCHEMA_VERSION => Ok(document),
        other => Err(failed(format!("schema version {other} is not the {SCHEMA_VERSION} this version reads"))),
    }
}

fn write_matrix(folder: &Folder, document: &MatrixDocument) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.path().display());
    let json = serde_json::to_string_pretty(document).map_err(|error| error.to_string())?;
    folder.write("result.json", shown::json(&json).as_bytes()).map_err(failed)?;
    folder.write("report.html", matrix::html(document).as_bytes()).map_err(failed)?;
    folder.write("junit.xml", matrix::junit(document).as_bytes()).map_err(failed)?;
    folder.write("summary.md", matrix::summary(document).as_bytes()).map_err(failed)?;
    folder.write("metrics.txt", matrix::metrics(document).as_bytes()).map_err(failed)?;
    folder.write("metrics.prom", matrix::prometheus(document).as_bytes()).map_err(failed)
}
