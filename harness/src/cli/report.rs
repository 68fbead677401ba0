//! `redquake report`: the reports again from `result.json`.

use super::args::FolderArgs;
use super::run::conclude;
use crate::run::{Folder, report};
use crate::ui::{Exit, Failure};

/// Renders the reports of a run again.
pub fn perform(args: &FolderArgs) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.folder);
    Ok(conclude(&report(&folder).map_err(Failure::usage)?, &folder))
}
