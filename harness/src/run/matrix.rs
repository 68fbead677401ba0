//! `matrix.json`: what a run with a matrix was, apart from its cells, each of which has a `run.json` of its own.

use std::path::Path;

use redquake_experiments::shown;
use redquake_reports::result::{MatrixAxis, Source};
use redquake_topologies::files::read_regular;
use serde::{Deserialize, Serialize};

use super::Folder;
use super::outcome::MOST_TOLD;
use super::record::{FORMAT, MOST_BYTES};
use crate::ui::Failure;

/// What a run with a matrix was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MatrixRecord {
    /// Version of this file.
    pub format: u32,
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
    /// What was varied.
    pub axes: Vec<MatrixAxis>,
    /// The cells, in the order of the file.
    pub cells: Vec<CellRecord>,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended; absent when the tool was killed.
    pub ended_at: Option<String>,
}

/// One cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CellRecord {
    /// Name of its folder.
    pub folder: String,
    /// What distinguishes it.
    pub label: String,
    /// Value of each axis.
    pub values: Vec<String>,
}

impl MatrixRecord {
    /// Name of the file in a results folder.
    pub const FILE: &str = "matrix.json";

    /// Whether a folder holds a run with a matrix.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(Self::FILE).symlink_metadata().is_ok()
    }

    /// Reads the record of a results folder.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join(Self::FILE);
        let bytes = read_regular(&path, MOST_BYTES).map_err(|error| format!("{}: {error}", path.display()))?;
        let record: Self = serde_json::from_slice(&bytes)
            .map_err(|error| format!("{}: {}", path.display(), shown::clipped(&error.to_string(), MOST_TOLD)))?;
        if record.format != FORMAT {
            return Err(format!("{}: format {} is not the format {FORMAT} this version reads", path.display(), record.format));
        }
        Ok(record)
    }

    /// Writes it into a results folder.
    pub fn save(&self, folder: &Folder) -> Result<(), Failure> {
        let json = serde_json::to_string_pretty(self).map_err(|error| Failure::environment(error.to_string()))?;
        folder
            .write(Self::FILE, shown::json(&json).as_bytes())
            .map_err(|error| Failure::environment(format!("{}: {error}", folder.path().display())))
    }
}
