//! From a results folder to its result and reports. A fresh run goes the same way as an old one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read};
use std::path::{Path, PathBuf};

use redquake_experiments::plan::{Plan, TrialPlan};
use redquake_experiments::shown;
use redquake_reports::analysis::{self, Assembly};
use redquake_reports::history::{Header, HistoryError, Reader};
use redquake_reports::render;
use redquake_reports::result::{Anomaly, AnomalyWriter, Document, EndedBy, Trial, TrialStatus};
use redquake_topologies::files::open_regular;
use tempfile::NamedTempFile;

use super::folder::aside;
use super::{Folder, RunRecord};
use crate::context::{Budget, Within};

/// Trials that were analysed already, by their numbers.
pub type Rows = BTreeMap<u32, Trial>;

/// Computes the result of the run in a folder from nothing but what the folder holds; `rows` are trials of it that this process has
/// analysed already.
///
/// Every trial that was begun has a row, whatever became of its history.
pub fn judge(folder: &Folder, mut rows: Rows) -> Result<Document, String> {
    let record = RunRecord::read(folder.path())?;
    let begun = |index: u32| record.begun.as_ref().is_some_and(|begun| begun.contains(&index)) || folder.has_trial(index);
    let (mut trials, mut missing) = (Vec::new(), Vec::new());
    for planned in &record.plan.trials {
        match rows.remove(&planned.index) {
            Some(row) => trials.push(row),
            None if begun(planned.index) => trials.extend(trial(folder, &record.plan, planned, || false)),
            None => missing.push(*planned),
        }
    }
    // Early versions did not write which trials they began. A run that ended in order had begun them all, unless the environment failed.
    let failed = trials.iter().any(|trial| trial.status == TrialStatus::Error);
    if record.begun.is_none() && record.ended_at.is_some() && record.interrupted.is_none() && !failed {
        trials.extend(missing.drain(..).filter_map(|planned| trial(folder, &record.plan, &planned, || false)));
        trials.sort_by_key(|trial| trial.index);
    }
    let not_begun = missing.iter().filter(|planned| planned.repeats.is_none()).map(|planned| planned.index).collect();
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
        not_begun,
        not_repeated: record.not_repeated,
    }))
}

/// Largest history read, compressed: a trial of an hour under full load has a hundredth of it.
const MOST_HISTORY: u64 = 64 << 30;

/// Name of the file that has every anomaly of a trial, beside its history.
const ANOMALIES: &str = "anomalies.ndjson.zst";

/// Analyses the history of one trial, and writes all anomalies it shows into a file beside it. A history that cannot be read gives a row
/// that says why. `None` only where `enough` was answered with `true` meanwhile.
pub fn trial(folder: &Folder, plan: &Plan, planned: &TrialPlan, enough: impl Fn() -> bool) -> Option<Trial> {
    let own = Folder::trial_name(planned.index);
    let (history, beside) = (format!("{own}/history.ndjson.zst"), format!("{own}/{ANOMALIES}"));
    let mut all = Anomalies::new(folder, &beside);
    let read = read(&folder.path().join(&history), plan, planned, &mut all, &enough);
    if read.is_err() && enough() {
        return None;
    }
    let mut trial = read.unwrap_or_else(|why| {
        all.clear();
        analysis::unread(plan, planned, why)
    });
    if folder.path().join(&own).is_symlink() {
        trial.history = history;
        return Some(trial);
    }
    match all.finish() {
        Ok(true) => trial.anomalies_file = beside,
        Ok(false) => {}
        Err(error) => trial.remarks.push(format!("{beside} could not be written: {error}")),
    }
    trial.history = history;
    Some(trial)
}

fn read(path: &Path, plan: &Plan, planned: &TrialPlan, all: &mut Anomalies, enough: &impl Fn() -> bool) -> Result<Trial, String> {
    if path.parent().is_some_and(Path::is_symlink) {
        return Err("the history cannot be read: its folder is a link".to_owned());
    }
    let file = open_regular(path, MOST_HISTORY).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "the history is missing".to_owned(),
        _ => format!("the history cannot be read: {error}"),
    })?;
    let reader = Reader::open(BufReader::new(Until { file, enough })).map_err(|error| match error {
        HistoryError::NoHeader(why) => format!("the history has no beginning: {why}"),
        HistoryError::Damaged { line, why } => format!("the history is damaged at line {line}: {why}"),
        other => other.to_string(),
    })?;
    let Header { trial, plan: own, .. } = reader.header();
    if (*trial, own.seed, &own.experiment.name) != (planned.index, plan.seed, &plan.experiment.name) {
        return Err(format!("the history is of another trial: number {trial} of `{}` with seed {}", own.experiment.name, own.seed));
    }
    analysis::analyze_telling(reader, &mut |anomaly| all.take(anomaly)).map_err(|error| error.to_string())
}

/// A file that ends in an error as soon as nobody wants the rest of it.
struct Until<'a, E> {
    file: File,
    enough: &'a E,
}

impl<E: Fn() -> bool> Read for Until<'_, E> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if (self.enough)() { Err(std::io::Error::other("nobody waits for it any more")) } else { self.file.read(buffer) }
    }
}

/// The file of all anomalies, under a temporary name until it is complete. Where there are none there is no file.
struct Anomalies {
    path: PathBuf,
    budget: Budget,
    out: Option<std::io::Result<AnomalyWriter<BufWriter<Within<NamedTempFile>>>>>,
}

impl Anomalies {
    fn new(folder: &Folder, name: &str) -> Self {
        Self { path: folder.path().join(name), budget: folder.budget().clone(), out: None }
    }

    /// Adds one. What cannot be written is told by `finish`.
    fn take(&mut self, anomaly: &Anomaly) {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let create = || AnomalyWriter::create(BufWriter::new(Within::new(aside(folder)?, self.budget.clone())));
        let out = self.out.get_or_insert_with(create);
        let written = out.as_mut().map(|out| out.write(anomaly));
        if let Ok(Err(error)) = written {
            self.out = Some(Err(error));
        }
    }

    /// Forgets what was taken in.
    fn clear(&mut self) {
        self.out = None;
    }

    /// Whether there is a file now.
    fn finish(self) -> std::io::Result<bool> {
        let Some(out) = self.out else {
            return match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(false),
            };
        };
        let (file, _) = out?.finish()?;
        let file = file.into_inner()?.into_inner();
        file.as_file().sync_all()?;
        file.persist(self.path).map(|_| true).map_err(|error| error.error)
    }
}

/// Writes `result.json` and every report rendered from it.
pub fn write_reports(folder: &Folder, document: &Document) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.path().display());
    let json = serde_json::to_string_pretty(document).map_err(|error| error.to_string())?;
    folder.write("result.json", shown::json(&json).as_bytes()).map_err(failed)?;
    folder.write("report.html", render::html::render(document).as_bytes()).map_err(failed)?;
    folder.write("junit.xml", render::junit::render(document).as_bytes()).map_err(failed)?;
    folder.write("summary.md", render::summary::render(document).as_bytes()).map_err(failed)?;
    folder.write("metrics.txt", render::metrics::render(document).as_bytes()).map_err(failed)?;
    folder.write("metrics.prom", render::metrics::prometheus(document).as_bytes()).map_err(failed)
}
