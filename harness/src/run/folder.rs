//! The results folder of one run. Every file appears complete or not at all.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use redquake_experiments::shown;
use tempfile::NamedTempFile;

use crate::context::Budget;

/// A results folder that exists and can be written to.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    budget: Budget,
}

impl Folder {
    /// Creates `<out>/<name>-<utc>-<seed>/` and points `<out>/latest` at it. Done before anything is started,
    /// so that a run of minutes cannot end at a folder that is read-only. Without a budget it is the disk that decides.
    pub fn create(out: &Path, name: &str, seed: u64, budget: Option<Budget>) -> std::io::Result<Self> {
        let utc = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let base = format!("{name}-{utc}-{seed}");
        std::fs::create_dir_all(out)?;
        // Two runs of the same experiment and seed may begin in the same second.
        let mut path = out.join(&base);
        let mut turn = 2;
        while let Err(error) = std::fs::create_dir(&path) {
            if error.kind() != std::io::ErrorKind::AlreadyExists {
                return Err(error);
            }
            path = out.join(format!("{base}-{turn}"));
            turn += 1;
        }
        let folder = Self { budget: budget.unwrap_or_else(|| Budget::of_disk(&path)), path };
        folder.point_latest(out);
        Ok(folder)
    }

    /// A results folder of an earlier run.
    pub fn open(path: &Path) -> Self {
        Self { budget: Budget::of_disk(path), path: path.to_owned() }
    }

    /// A results folder inside this one, for a cell of a matrix.
    pub fn within(&self, name: &str) -> std::io::Result<Self> {
        let path = self.path.join(name);
        std::fs::create_dir(&path)?;
        Ok(Self { path, budget: self.budget.clone() })
    }

    /// The results folder inside this one of a cell that a document names: right in it, wherever the document came from.
    pub fn cell(&self, name: &str) -> Result<Self, String> {
        let mut parts = Path::new(name).components();
        let path = self.path.join(name);
        let folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(part)), None) if part == name && folder => Ok(Self { path, budget: self.budget.clone() }),
            _ => {
                let name = shown::clipped(name, 100);
                Err(format!(
                    "{}: the folder of a cell, `{name}`, is not one of this folder's own; the document was altered",
                    self.path.display()
                ))
            }
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What may still be written into it and its like.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Folder of a trial, created if missing.
    pub fn trial(&self, index: u32) -> std::io::Result<PathBuf> {
        let path = self.path.join(Self::trial_name(index));
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Name of a trial's folder.
    pub fn trial_name(index: u32) -> String {
        format!("trial-{index:03}")
    }

    /// Whether there is a folder of a trial.
    pub fn has_trial(&self, index: u32) -> bool {
        self.path.join(Self::trial_name(index)).symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
    }

    /// Writes a file under a temporary name, waits for the disk, and renames it.
    pub fn write(&self, name: &str, content: &[u8]) -> std::io::Result<()> {
        let mut file = aside(&self.path)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(self.path.join(name)).map(drop).map_err(|error| error.error)
    }

    /// `latest` is a convenience; a file system without links does not stop a run.
    fn point_latest(&self, out: &Path) {
        let Some(name) = self.path.file_name() else { return };
        let temporary = out.join(format!(".latest-{}", uuid::Uuid::new_v4().simple()));
        let linked = std::os::unix::fs::symlink(name, &temporary).and_then(|()| std::fs::rename(&temporary, out.join("latest")));
        if linked.is_err() {
            let _ = std::fs::remove_file(temporary);
        }
    }
}

/// A new file in a folder under a name that nobody could have known and nobody had; it is gone with its handle unless it is renamed.
pub(super) fn aside(folder: &Path) -> std::io::Result<NamedTempFile> {
    // As any file of the user's: what others may read of it is for the umask to say.
    let everyone = std::fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(".").suffix(".part").rand_bytes(16).permissions(everyone).tempfile_in(folder)
}
