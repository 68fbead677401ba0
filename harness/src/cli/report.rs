//! `redquake report`: the reports again from `result.json`.

use redquake_reports::result::{Document, SCHEMA_VERSION};

use super::args::FolderArgs;
use super::run::conclude;
use super::{Exit, Failure};
use crate::run::{Folder, write_reports};

/// Renders the reports of a run again.
pub fn perform(args: &FolderArgs) -> Result<Exit, Failure> {
    let path = args.folder.join("result.json");
    let failed =
        |reason: String| Failure::usage(format!("{}: {reason}; `redquake analyze` recomputes it from the histories", path.display()));
    let bytes = std::fs::read(&path).map_err(|error| failed(error.to_string()))?;
    let document: Document = serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
    if document.schema_version != SCHEMA_VERSION {
        return Err(failed(format!("schema version {} is not the {SCHEMA_VERSION} this version reads", document.schema_version)));
    }
    let folder = Folder::open(&args.folder);
    write_reports(&folder, &document).map_err(Failure::environment)?;
    Ok(conclude(&document, &folder))
}
