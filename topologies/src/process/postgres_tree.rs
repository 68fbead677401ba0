//! PostgreSQL from Debian's packages. Unlike a Redis it starts programs of its own, so it runs on the C library of this system, and only the
//! release this system is can be taken.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::packages::{extract, fetch, kept, run};
use crate::runtime::{Announce, RuntimeError};

/// Which release carries which version.
const CARRIED: [(&str, &str); 2] = [("15", "bookworm"), ("17", "trixie")];
/// To be raised when trees are made differently, so that older ones are not used any more.
const RECIPE: u32 = 1;

/// The tree: `usr/lib/postgresql`, `usr/share/postgresql` as in the packages, because the server finds the one from the other, and `libraries`.
pub(crate) fn postgres_tree(version: &str, announce: &Announce) -> Result<PathBuf, RuntimeError> {
    let refused = |reason: String| {
        RuntimeError::Server(format!("PostgreSQL {version} is not installed and {reason}; install it, or use `--runtime docker`"))
    };
    let known = || CARRIED.map(|(version, suite)| format!("{version} ({suite})")).join(", ");
    let Some((_, suite)) = CARRIED.iter().find(|(carried, _)| *carried == version) else {
        return Err(refused(format!("packages are known for {} only", known())));
    };
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !system.lines().any(|line| line == format!("VERSION_CODENAME={suite}")) {
        return Err(refused(format!("its packages are those of Debian {suite}, which this system is not")));
    }
    let name = format!("{suite}-postgresql-{version}-{}-{RECIPE}", std::env::consts::ARCH);
    kept(&name, &format!("PostgreSQL {version}"), suite, "install the package `postgresql`", announce, |partial| {
        make(version, suite, partial)
    })
}

fn make(version: &str, suite: &str, partial: &Path) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    let (unpacked, tree) = (partial.join("unpacked"), partial.join("tree"));
    let libraries = tree.join("libraries");
    for folder in [&unpacked, &libraries, &tree.join("usr/lib/postgresql"), &tree.join("usr/share/postgresql")] {
        fs::create_dir_all(folder).map_err(io)?;
    }
    let package = format!("postgresql-{version}");
    fetch(&package, suite, partial)?;
    for archive in fs::read_dir(partial.join("cache/archives")).map_err(io)?.flatten() {
        let file = archive.file_name().to_string_lossy().into_owned();
        // The compiler for hot queries is switched off, and the C library is the system's.
        let library = (file.starts_with("lib") || file.starts_with("zlib")) && !file.starts_with("libc6") && !file.starts_with("libllvm");
        if library || file.starts_with(&format!("{package}_")) {
            extract(&archive.path(), &unpacked)?;
        }
    }
    for part in ["usr/lib/postgresql", "usr/share/postgresql"] {
        fs::rename(unpacked.join(part).join(version), tree.join(part).join(version)).map_err(io)?;
    }
    let architecture = |folder: &str| {
        let inside = fs::read_dir(unpacked.join(folder)).ok()?.flatten().map(|entry| entry.path());
        inside.into_iter().find(|path| path.is_dir() && path.to_string_lossy().contains("-linux-gnu"))
    };
    for folder in ["usr/lib", "lib"].into_iter().filter_map(architecture) {
        run(Command::new("cp").arg("--archive").arg(folder.join(".")).arg(&libraries))?;
    }
    Ok(())
}
