//! From a results folder to its result and reports. A fresh run goes the same way as an old one.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;

use redquake_reports::analysis::{self, Assembly};
use redquake_reports::history::Reader;
use redquake_reports::render;
use redquake_reports::result::{Anomaly, AnomalyWriter, Document, EndedBy, Trial};

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

/// Name of the file that has every anomaly of a trial, beside its history.
const ANOMALIES: &str = "anomalies.ndjson.zst";

/// Analyses one history, and writes all anomalies it shows into a file beside it.
pub fn trial(folder: &Folder, history: &str) -> Result<Trial, String> {
    let path = folder.path().join(history);
    let failed = |reason: String| format!("{}: {reason}", path.display());
    let file = File::open(&path).map_err(|error| failed(error.to_string()))?;
    let reader = Reader::open(BufReader::new(file)).map_err(|error| failed(error.to_string()))?;
    let beside = history.rsplit_once('/').map_or_else(|| ANOMALIES.to_owned(), |(folder, _)| format!("{folder}/{ANOMALIES}"));
    let mut all = Anomalies::new(folder, &beside);
    let mut trial = analysis::analyze_telling(reader, &mut |anomaly| all.take(anomaly)).map_err(|error| failed(error.to_string()))?;
    if all.finish().map_err(|error| format!("{}: {error}", folder.path().join(&beside).display()))? {
        trial.anomalies_file = beside;
    }
    trial.history = history.to_owned();
    Ok(trial)
}

/// The file of all anomalies, under a temporary name until it is complete. Where there are none there is no file.
struct Anomalies {
    path: PathBuf,
    temporary: PathBuf,
    out: Option<std::io::Result<AnomalyWriter<BufWriter<File>>>>,
}

impl Anomalies {
    fn new(folder: &Folder, name: &str) -> Self {
        let path = folder.path().join(name);
        Self { temporary: path.with_extension("part"), path, out: None }
    }

    /// Adds one. What cannot be written is told by `finish`.
    fn take(&mut self, anomaly: &Anomaly) {
        let out = self.out.get_or_insert_with(|| AnomalyWriter::create(BufWriter::new(File::create(&self.temporary)?)));
        let written = out.as_mut().map(|out| out.write(anomaly));
        if let Ok(Err(error)) = written {
            self.out = Some(Err(error));
        }
    }

    /// Whether there is a file now.
    fn finish(self) -> std::io::Result<bool> {
        let Some(out) = self.out else {
            return match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(false),
            };
        };
        let (file, _) = out?.finish()?;
        file.into_inner()?.sync_all()?;
        std::fs::rename(self.temporary, self.path).map(|()| true)
    }
}

/// Writes `result.json` and every report rendered from it.
pub fn write_reports(folder: &Folder, document: &Document) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.path().display());
    let json = serde_json::to_vec_pretty(document).map_err(|error| error.to_string())?;
    folder.write("result.json", &json).map_err(failed)?;
    folder.write("report.html", render::html::render(document).as_bytes()).map_err(failed)?;
    folder.write("junit.xml", render::junit::render(document).as_bytes()).map_err(failed)?;
    folder.write("summary.md", render::summary::render(document).as_bytes()).map_err(failed)?;
    folder.write("metrics.txt", render::metrics::render(document).as_bytes()).map_err(failed)?;
    folder.write("metrics.prom", render::metrics::prometheus(document).as_bytes()).map_err(failed)
}
