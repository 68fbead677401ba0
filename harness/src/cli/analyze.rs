//! `redquake analyze`: everything again from the histories.

use super::args::FolderArgs;
use super::run::conclude;
use crate::run::{Folder, analyze};
use crate::ui::{Exit, Failure};

/// Recomputes the result of a run and renders its reports.
pub fn perform(args: &FolderArgs) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.folder);
    Ok(conclude(&analyze(&folder).map_err(Failure::usage)?, &folder))
}
