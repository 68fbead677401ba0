//! Experiment files by path, by folder or by the name of one that comes with the tool.

use std::path::{Path, PathBuf};

use redquake_experiments::catalogue;
use redquake_experiments::spec::{self, Loaded};

use super::Failure;

/// An experiment file that was read.
pub struct ExperimentFile {
    /// Path as given, or the name in the catalogue.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it says, or what is wrong with it.
    pub loaded: Loaded,
}

/// Reads every experiment meant by the arguments. A folder means every `.yaml` and `.yml` file below it that has a
/// top-level `version`, `topology` files and broken ones included only when named themselves.
pub fn read_all(arguments: &[String]) -> Result<Vec<ExperimentFile>, Failure> {
    let mut files = Vec::new();
    for argument in arguments {
        let path = Path::new(argument);
        if path.is_dir() {
            let found = below(path)?;
            if found.is_empty() {
                return Err(Failure::usage(format!("{argument}: no .yaml or .yml file in this folder")));
            }
            for path in found {
                files.push(read_path(&path)?);
            }
        } else if path.exists() {
            files.push(read_path(path)?);
        } else if let Some(text) = catalogue::find(argument) {
            let loaded = spec::load(argument, text.as_bytes(), &|path| {
                Err(format!("{path}: an experiment of the catalogue has no files beside it"))
            });
            files.push(ExperimentFile { name: argument.clone(), bytes: text.as_bytes().to_vec(), loaded });
        } else {
            return Err(Failure::usage(format!("{argument}: no such file or folder, and no experiment of that name in `redquake list`")));
        }
    }
    Ok(files)
}

/// The yaml files below a folder, in the order of their paths.
fn below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // A link back up would never end.
        if path.is_dir() && !path.is_symlink() {
            files.extend(below(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_path(path: &Path) -> Result<ExperimentFile, Failure> {
    let name = path.display().to_string();
    // A file beyond the parser's own limit is read only so far that the parser can say so.
    let bytes = read_at_most(path, spec::MAX_FILE_BYTES + 1).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let beside = path.parent().unwrap_or(Path::new("")).to_owned();
    let loaded = spec::load(&name, &bytes, &|other| {
        let other = beside.join(other);
        read_at_most(&other, spec::MAX_FILE_BYTES + 1).map_err(|error| format!("{}: {error}", other.display()))
    });
    Ok(ExperimentFile { name, bytes, loaded })
}

fn read_at_most(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
