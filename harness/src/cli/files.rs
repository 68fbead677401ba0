//! Experiment files by path, by folder or by the name of one that comes with the tool.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use redquake_experiments::catalogue::{self, NotFound};
use redquake_experiments::spec::{self, Loaded, MAX_FILE_BYTES, Policy};
use redquake_topologies::files::read_regular;

use super::args::ReadingArgs;
use super::places::{self, Places};
use super::trust::{self, Trusted};
use crate::run::{MatrixRecord, RunRecord};
use crate::ui::Failure;

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
/// A folder means every `.yaml` and `.yml` file below it. Folders whose names begin with a dot and results of runs are left out, and so
/// are topology files: they are parts of the experiments that name them.
pub fn read_all(arguments: &[String], reading: &ReadingArgs) -> Result<Vec<ExperimentFile>, Failure> {
    let reading = Reading { allowed: places::allowed(&reading.allow_path)?, trusted: trust::decide(reading.trust) };
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
            files.extend(found.iter().map(|path| reading.file(path, false)).filter(|file| !spec::is_topology(&file.bytes)));
        } else if path.symlink_metadata().is_ok() {
            if seen.insert(identity(path)) {
                files.push(reading.file(path, true));
            }
        } else {
            let text = catalogue::find(argument).map_err(|error| match error {
                NotFound::Unknown { .. } => Failure::usage(format!("{argument}: no such file or folder, and {error}")),
                NotFound::Ambiguous(_) => Failure::usage(format!("{argument}: {error}")),
            })?;
            if seen.insert(Identity::Ready(text)) {
                files.push(ready(argument, text));
            }
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

/// Whether a folder holds the results of a run: its record beside the copy of its experiment.
fn is_result(folder: &Path) -> bool {
    let has = |file: &str| folder.join(file).symlink_metadata().is_ok();
    (has(RunRecord::FILE) || has(MatrixRecord::FILE)) && has("experiment.yaml")
}

/// The yaml files below a folder, in the order of their paths.
fn below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if path.is_dir() {
            // A link back up would never end, and the results of a run hold a copy of its experiment.
            let left_out = path.is_symlink() || entry.file_name().as_encoded_bytes().starts_with(b".") || is_result(&path);
            if !left_out {
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

/// How files are read.
struct Reading {
    allowed: Vec<PathBuf>,
    trusted: Trusted,
}

impl Reading {
    /// Reads a file; one that cannot be read is a problem like any other, so that those of the other files are still told.
    ///
    /// `named`: by whoever typed the command, and not only found in a folder.
    fn file(&self, path: &Path, named: bool) -> ExperimentFile {
        // GitHub puts an annotation on `a.yaml`, and none on `./a.yaml`.
        let name = path.strip_prefix(".").unwrap_or(path).display().to_string();
        let (bytes, loaded) = self.load(path, &name, named).unwrap_or_else(|loaded| (Vec::new(), *loaded));
        ExperimentFile { name, bytes, loaded }
    }

    fn load(&self, path: &Path, name: &str, named: bool) -> Result<(Vec<u8>, Loaded), Box<Loaded>> {
        let unreadable = |why: &str| Box::new(Loaded::unreadable(name, why));
        let places = Places::of(path, &self.allowed).map_err(|error| unreadable(&error.to_string()))?;
        let own = path.file_name().ok_or_else(|| unreadable("it has no name"))?;
        let bytes = read(&places.resolve(own).map_err(|why| unreadable(&why))?).map_err(|error| match error.kind() {
            ErrorKind::FileTooLarge => Box::new(Loaded::too_large(name)),
            _ => unreadable(&error.to_string()),
        })?;
        let policy = Policy {
            trust: self.trusted.trust,
            because: &self.trusted.because,
            program: &|program| {
                let real = places.resolve(program)?;
                let text = real.to_str().ok_or("its path is not UTF-8")?;
                if real.is_file() { Ok(text.to_owned()) } else { Err("it is not a regular file".to_owned()) }
            },
        };
        let beside = |other: &str| read(&places.resolve(other)?).map_err(|error| error.to_string());
        let loaded = spec::load_under(name, &bytes, &beside, &policy);
        // A secret may lie in the folder, and a link may have been given the name of an experiment to have one shown.
        let other = (path.is_symlink() || !named) && !spec::is_experiment(&bytes);
        Ok((bytes, if other { loaded.without_words() } else { loaded }))
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    read_regular(path, MAX_FILE_BYTES as u64)
}
