//! Where the paths of an experiment may lead.

use std::path::{Component, Path, PathBuf};

use crate::ui::Failure;

/// The folder of one experiment, and those that were allowed beside it.
#[derive(Debug)]
pub struct Places<'a> {
    folder: PathBuf,
    allowed: &'a [PathBuf],
}

/// The folders of `--allow-path`, as they are without links.
pub fn allowed(folders: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let real = |folder: &PathBuf| match folder.canonicalize() {
        Ok(real) if real.is_dir() => Ok(real),
        Ok(_) => Err(Failure::usage(format!("--allow-path {}: no folder", folder.display()))),
        Err(error) => Err(Failure::usage(format!("--allow-path {}: {error}", folder.display()))),
    };
    folders.iter().map(real).collect()
}

impl<'a> Places<'a> {
    /// Those of the experiment in a file.
    pub fn of(file: &Path, allowed: &'a [PathBuf]) -> std::io::Result<Self> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { folder: folder.canonicalize()?, allowed })
    }

    /// The file a path stands for, without links; or why the experiment may not name it.
    ///
    /// What lies outside is not touched: whether it is there is nobody's business.
    pub fn resolve(&self, written: impl AsRef<Path>) -> Result<PathBuf, String> {
        let path = self.folder.join(written);
        if !self.hold(&plain(&path)) {
            return Err("it lies outside of the experiment's folder".to_owned());
        }
        match path.canonicalize() {
            Ok(real) if self.hold(&real) => Ok(real),
            Ok(_) => Err(LINK.to_owned()),
            Err(_) if path.is_symlink() => Err(LINK.to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn hold(&self, path: &Path) -> bool {
        path.starts_with(&self.folder) || self.allowed.iter().any(|folder| path.starts_with(folder))
    }
}

const LINK: &str = "it is a link that leads out of the experiment's folder, or nowhere";

/// A path without `.` and `..`, by its text alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn paths_stay_below_the_folder_whatever_they_are_made_of() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let inside = root.join("mine/deeper");
        std::fs::create_dir_all(&inside).unwrap();
        for file in ["outside.conf", "mine/a.yaml", "mine/a.conf", "mine/deeper/b.conf"] {
            std::fs::write(root.join(file), "hz 10\n").unwrap();
        }
        symlink("../outside.conf", root.join("mine/link.conf")).unwrap();
        symlink("deeper/b.conf", root.join("mine/good.conf")).unwrap();
        symlink("/", root.join("mine/root")).unwrap();
        symlink("/no/such/file", root.join("mine/nowhere")).unwrap();
        let places = Places::of(&root.join("mine/a.yaml"), &[]).unwrap();
        for good in ["a.conf", "./a.conf", "deeper/b.conf", "deeper/../a.conf", "good.conf", root.join("mine/a.conf").to_str().unwrap()] {
            assert!(places.resolve(good).is_ok(), "{good}");
        }
        let bad = [
            "../outside.conf",
            "deeper/../../outside.conf",
            "link.conf",
            "root/etc/passwd",
            "nowhere",
            "/etc/passwd",
            "/proc/self/environ",
            "../mine2/a.conf",
            "..",
            "root/../outside.conf",
            "a\0b",
        ];
        for bad in bad {
            assert!(places.resolve(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_folder_that_was_allowed_is_as_good_as_the_experiments_own() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["mine", "shared", "other"] {
            std::fs::create_dir(root.join(folder)).unwrap();
            std::fs::write(root.join(folder).join("a.conf"), "").unwrap();
        }
        let allowed = allowed(&[root.join("shared")]).unwrap();
        let places = Places::of(&root.join("mine/a.yaml"), &allowed).unwrap();
        assert_eq!(places.resolve("../shared/a.conf"), Ok(root.join("shared/a.conf")));
        assert!(places.resolve("../other/a.conf").is_err());
        assert!(super::allowed(&[root.join("nowhere")]).is_err());
    }
}
