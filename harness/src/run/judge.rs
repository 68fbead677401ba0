//! From a results folder to its result and reports. A fresh run goes the same way as an old one.

use std::fs::File;
use std::io::BufReader;

use redquake_reports::analysis::{self, Assembly};
use redquake_reports::history::Reader;
use redquake_reports::render;
use redquake_reports::result::{Document, EndedBy, Trial};

use super::{Folder, RunRecord};

/// Computes the result of the run in a folder from nothing but what the folder holds.
pub fn judge(folder: &Folder) -> Result<Document, String> {
    let record = RunRecord::read(folder.path())?;
    let mut trials = Vec::new();
    for planned in &record.plan.trials {
        let history = format!("{}/history.ndjson.zst", Folder::trial_name(planned.index));
        if folder.path().join(&history).exists() {
            trials.push(trial(folder, &history)?);
        }
    }
    Ok(analysis::assemble(Assembly {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        plan: record.plan,
        cell: record.cell,
        until: record.until.and_then(|until| Some((until.target.parse().ok()?, until.ended_by.unwrap_or(EndedBy::Other)))),
        source: record.source,
        locations: record.locations,
        environment: record.environment,
        repro: record.repro,
        started_at: record.started_at,
        ended_at: record.ended_at,
        interrupted: record.interrupted,
        residue: record.residue,
        trials,
    }))
}

/// Analyses one history.
pub fn trial(folder: &Folder, history: &str) -> Result<Trial, String> {
    let path = folder.path().join(history);
    let failed = |reason: String| format!("{}: {reason}", path.display());
    let file = File::open(&path).map_err(|error| failed(error.to_string()))?;
    let reader = Reader::open(BufReader::new(file)).map_err(|error| failed(error.to_string()))?;
    let mut trial = analysis::analyze(reader).map_err(|error| failed(error.to_string()))?;
    trial.history = history.to_owned();
    Ok(trial)
}

/// Writes `result.json` and every report rendered from it.
pub fn write_reports(folder: &Folder, document: &Document) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.path().display());
    let json = serde_json::to_vec_pretty(document).map_err(|error| error.to_string())?;
    folder.write("result.json", &json).map_err(failed)?;
    folder.write("report.html", render::html::render(document).as_bytes()).map_err(failed)?;
    folder.write("junit.xml", render::junit::render(document).as_bytes()).map_err(failed)?;
    folder.write("summary.md", render::summary::render(document).as_bytes()).map_err(failed)?;
    folder.write("metrics.txt", render::metrics::render(document).as_bytes()).map_err(failed)
}
