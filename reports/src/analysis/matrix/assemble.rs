//! The documents of the cells put together.

use redquake_experiments::spec::{Experiment, metrics};

use super::compared::compared;
use super::differences::differences;
use super::trade_off::trade_off;
use crate::result::{Document, MatrixAxis, MatrixCell, MatrixDocument, SCHEMA_VERSION, Source, Tool, TrialStatus, Verdict};

/// What a comparison is made of, beside what the cells' documents say.
#[derive(Debug, Clone)]
pub struct MatrixAssembly {
    /// Version of the tool that assembles it.
    pub tool_version: String,
    /// Name of the experiment.
    pub name: String,
    /// Its hypothesis.
    pub description: String,
    /// The file it came from.
    pub source: Source,
    /// Seed of the run.
    pub seed: u64,
    /// Command that repeats the run.
    pub repro: String,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended; `None` when the tool was killed.
    pub ended_at: Option<String>,
    /// What was varied.
    pub axes: Vec<MatrixAxis>,
    /// The cells, in the order of the file.
    pub cells: Vec<CellDocument>,
}

/// One cell with its result.
#[derive(Debug, Clone)]
pub struct CellDocument {
    /// Name of its folder.
    pub folder: String,
    /// What distinguishes it.
    pub label: String,
    /// Value of each axis.
    pub values: Vec<String>,
    /// Its result.
    pub document: Document,
}

/// Puts the cells of a matrix side by side. The same input gives the same document.
pub fn assemble_matrix(assembly: MatrixAssembly) -> MatrixDocument {
    let worst = assembly.cells.iter().max_by_key(|cell| (rank(cell.document.exit_code), std::cmp::Reverse(cell.folder.clone())));
    let (verdict, exit_code) = worst.map_or((Verdict::Inconclusive, 3), |cell| (cell.document.verdict, cell.document.exit_code));
    let reasons = assembly.cells.iter().flat_map(|cell| cell.document.reasons.iter().map(|reason| format!("{}: {reason}", cell.label)));
    let reasons = if exit_code == 0 { Vec::new() } else { reasons.collect() };
    let runtime = assembly.cells.first().map(|cell| cell.document.environment.runtime.clone()).unwrap_or_default();
    let experiments: Vec<Option<Experiment>> =
        assembly.cells.iter().map(|cell| serde_json::from_value(cell.document.experiment.clone()).ok()).collect();
    let mut cells: Vec<MatrixCell> = assembly.cells.into_iter().map(cell).collect();
    let compared = compared(&cells);
    for (cell, experiment) in cells.iter_mut().zip(&experiments) {
        let Some(experiment) = experiment else { continue };
        cell.topology = experiment.topology.to_string();
        cell.lacks = compared.iter().filter(|name| metrics::find(name, experiment).is_none()).cloned().collect();
    }
    MatrixDocument {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "redquake".to_owned(), version: assembly.tool_version },
        verdict,
        exit_code,
        reasons,
        ended_at: assembly.ended_at.unwrap_or_else(|| assembly.started_at.clone()),
        started_at: assembly.started_at,
        name: assembly.name,
        description: assembly.description,
        source: assembly.source,
        seed: assembly.seed,
        repro: assembly.repro,
        runtime,
        axes: assembly.axes,
        differences: differences(&cells, &compared),
        trade_off: trade_off(&cells),
        compared,
        cells,
    }
}

fn cell(cell: CellDocument) -> MatrixCell {
    let CellDocument { folder, label, values, document } = cell;
    let count = |status: Option<TrialStatus>| {
        let counted = document.trials.iter().filter(|trial| status.is_none_or(|status| trial.status == status)).count();
        u32::try_from(counted).unwrap_or(u32::MAX)
    };
    MatrixCell {
        folder,
        label,
        values,
        verdict: document.verdict,
        exit_code: document.exit_code,
        server: document.environment.server.clone(),
        topology: String::new(),
        lacks: Vec::new(),
        trials: count(None),
        conclusive: count(Some(TrialStatus::Conclusive)),
        precision: document.precision,
        assertions: document.assertions,
        metrics: document.metrics,
        predictions: document.predictions,
    }
}

/// The order of exit codes from good to bad: a pass, nothing proved, a failed assertion, the environment, a signal, residue.
fn rank(exit_code: u8) -> u8 {
    match exit_code {
        0 => 0,
        3 => 1,
        1 => 2,
        4 => 3,
        6 => 5,
        _ => 4,
    }
}
