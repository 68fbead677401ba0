//! `redquake analyze`: everything again from the histories.

use super::args::FolderArgs;
use super::run::conclude;
use super::{Exit, Failure};
use crate::run::{Folder, judge, write_reports};

/// Recomputes the result of a run and renders its reports.
pub fn perform(args: &FolderArgs) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.folder);
    let document = judge(&folder).map_err(Failure::usage)?;
    write_reports(&folder, &document).map_err(Failure::environment)?;
    Ok(conclude(&document, &folder))
}
