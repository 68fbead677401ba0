//! `run.json`: what a run was, apart from its histories. With them it is all that analysis needs.

use std::io::ErrorKind;
use std::path::Path;

use redquake_experiments::plan::Plan;
use redquake_experiments::shown;
use redquake_reports::result::{EndedBy, Environment, Location, Source};
use redquake_topologies::files::read_regular;
use serde::{Deserialize, Serialize};

use super::outcome::MOST_TOLD;

/// Largest record read; ten thousand trials of a long experiment have a fiftieth of it.
pub const MOST_BYTES: u64 = 256 << 20;

/// Version of the file.
pub const FORMAT: u32 = 1;

/// What a run was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this file.
    pub format: u32,
    /// Id every object of the run was labelled with.
    pub run: String,
    /// What distinguishes it from the other cells, where it is one of a matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// How sure it is to become, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UntilRecord>,
    /// The plan.
    pub plan: Plan,
    /// The file the experiment came from.
    pub source: Source,
    /// Where each assertion stands in it, in the file's order.
    pub locations: Vec<Option<Location>>,
    /// The machine and the servers.
    pub environment: Environment,
    /// Command that repeats the run.
    pub repro: String,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended; absent when the tool was killed.
    pub ended_at: Option<String>,
    /// The signal that interrupted it.
    pub interrupted: Option<String>,
    /// Objects that could not be removed.
    pub residue: Vec<String>,
    /// Numbers of the trials that were begun, each written before its trial began. Early versions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Vec<u32>>,
    /// Why a trial that proved nothing was not repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_repeated: Option<String>,
}

/// How sure a run is to become, and what ended its trials.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UntilRecord {
    /// As typed.
    pub target: String,
    /// What ended them; absent while they go on.
    pub ended_by: Option<EndedBy>,
}

impl RunRecord {
    /// Name of the file in a results folder.
    pub const FILE: &str = "run.json";

    /// Reads the record of a results folder.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join(Self::FILE);
        let bytes = read_regular(&path, MOST_BYTES).map_err(|error| match error.kind() {
            ErrorKind::NotFound => format!("{}: not the results folder of a run: it has no {}", folder.display(), Self::FILE),
            _ => format!("{}: {error}", path.display()),
        })?;
        let record: Self = serde_json::from_slice(&bytes)
            .map_err(|error| format!("{}: {}", path.display(), shown::clipped(&error.to_string(), MOST_TOLD)))?;
        if record.format != FORMAT {
            return Err(format!("{}: format {} is not the format {FORMAT} this version reads", path.display(), record.format));
        }
        Ok(record)
    }
}
