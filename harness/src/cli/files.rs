//! Experiment files by path, by folder or by the name of one that comes with the tool.

use std::collections::HashSet;
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

/// Reads every experiment meant by the arguments, each once, however often and by whatever path it is named.
///
/// A folder means every `.yaml` and `.yml` file below it. Folders whose names begin with a dot are left out, and so
/// are topology files: they are parts of the experiments that name them.
pub fn read_all(arguments: &[String]) -> Result<Vec<ExperimentFile>, Failure> {
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    for argument in arguments {
        let path = Path::new(argument);
        if path.is_dir() {
            let mut found = below(path)?;
            if found.is_empty() {
                return Err(Failure::usage(format!("{argument}: no .yaml or .yml file in this folder")));
            }
            found.retain(|path| seen.insert(identity(path)));
            files.extend(found.iter().map(|path| read_path(path)).filter(|file| !spec::is_topology(&file.bytes)));
        } else if path.symlink_metadata().is_ok() {
            if seen.insert(identity(path)) {
                files.push(read_path(path));
            }
        } else if let Some(text) = catalogue::find(argument) {
            if seen.insert(Identity::Ready(text)) {
                files.push(ready(argument, text));
            }
        } else {
            return Err(Failure::usage(format!("{argument}: no such file or folder, and no experiment of that name in `redquake list`")));
        }
    }
    if files.is_empty() {
        return Err(Failure::usage(format!("{}: nothing but topology files", arguments.join(", "))));
    }
    Ok(files)
}

/// What makes two names those of one experiment.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    /// The same file.
    File(PathBuf),
    /// The same text of the catalogue.
    Ready(&'static str),
}

fn identity(path: &Path) -> Identity {
    Identity::File(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
}

/// The yaml files below a folder, in the order of their paths.
fn below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if path.is_dir() {
            // A link back up would never end.
            if !path.is_symlink() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
                files.extend(below(&path)?);
            }
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn ready(name: &str, text: &'static str) -> ExperimentFile {
    let loaded = spec::load(name, text.as_bytes(), &|path| Err(format!("{path}: an experiment of the catalogue has no files beside it")));
    ExperimentFile { name: name.to_owned(), bytes: text.as_bytes().to_vec(), loaded }
}

/// Reads a file; one that cannot be read is a problem like any other, so that those of the other files are still told.
fn read_path(path: &Path) -> ExperimentFile {
    // GitHub puts an annotation on `a.yaml`, and none on `./a.yaml`.
    let name = path.strip_prefix(".").unwrap_or(path).display().to_string();
    // A file beyond the parser's own limit is read only so far that the parser can say so.
    let bytes = match read_at_most(path, spec::MAX_FILE_BYTES + 1) {
        Ok(bytes) => bytes,
        Err(error) => {
            let loaded = Loaded::unreadable(&name, &error.to_string());
            return ExperimentFile { name, bytes: Vec::new(), loaded };
        }
    };
    let beside = path.parent().unwrap_or(Path::new("")).to_owned();
    let loaded = spec::load(&name, &bytes, &|other| {
        let other = beside.join(other);
        read_at_most(&other, spec::MAX_FILE_BYTES + 1).map_err(|error| format!("{}: {error}", other.display()))
    });
    ExperimentFile { name, bytes, loaded }
}

fn read_at_most(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
