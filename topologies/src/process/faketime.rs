//! The library that stands between a server and the wall clock, from Debian's packages, kept in the user's cache.
//!
//! libfaketime looks for the true functions while the server's allocator is being set up, and allocates to do so. jemalloc, on which
//! Debian's servers are linked, does not stand that: the server hangs at its start (libfaketime issue 130). So another allocator
//! is put before it, mimalloc, which does; `INFO memory` then tells of jemalloc what nobody uses.

use std::fs;
use std::path::{Path, PathBuf};

use super::packages::{extract, fetch, kept};
use crate::runtime::{Announce, RuntimeError};

/// An older release than any server's: a library runs with the C library it was made for and with later ones.
const SUITE: &str = "bookworm";
/// Name in the cache, with the number of the way it was made.
const FOLDER: &str = "bookworm-faketime-1";
/// What is preloaded, in that order.
pub(crate) const LIBRARIES: [&str; 2] = ["libmimalloc.so.2", "libfaketime.so.1"];
/// Packages they are in.
const PACKAGES: [&str; 2] = ["libmimalloc2.0", "libfaketime"];

/// Finds the libraries that let clocks be set, or takes them from packages into the user's cache, which needs the network: to be
/// called before the tool enters the namespaces of a run.
///
/// # Errors
/// [`RuntimeError::Server`] with the way out.
pub fn provide_clock(announce: &Announce) -> Result<PathBuf, RuntimeError> {
    kept(FOLDER, "libfaketime", SUITE, "or leave out what sets clocks", announce, make)
}

fn make(partial: &Path) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    let (unpacked, tree) = (partial.join("unpacked"), partial.join("tree"));
    fs::create_dir_all(&tree).map_err(io)?;
    fs::create_dir_all(&unpacked).map_err(io)?;
    for package in PACKAGES {
        fetch(package, SUITE, partial)?;
    }
    for package in fs::read_dir(partial.join("cache/archives")).map_err(io)?.flatten() {
        let file = package.file_name().to_string_lossy().into_owned();
        if PACKAGES.iter().any(|known| file.starts_with(&format!("{known}_"))) {
            extract(&package.path(), &unpacked)?;
        }
    }
    for library in LIBRARIES {
        let found = find(&unpacked, library).ok_or_else(|| format!("no {library} among the packages"))?;
        fs::copy(found, tree.join(library)).map_err(io)?;
    }
    Ok(())
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => find(&path, name),
            _ => (entry.file_name() == name).then_some(path),
        }
    })
}

/// Refuses a server that asks jemalloc by its own names (Redis 8.0 and Valkey 8.1 of Debian do): it does not stand another allocator.
pub(crate) fn check(server: &Path) -> Result<(), RuntimeError> {
    const OWN: [&[u8]; 3] = [b"\0mallocx\0", b"\0dallocx\0", b"\0sdallocx\0"];
    let bytes = fs::read(server).map_err(|error| RuntimeError::failed(format!("reading {}", server.display()), error))?;
    if OWN.iter().any(|name| bytes.windows(name.len()).any(|window| window == *name)) {
        return Err(RuntimeError::Server(
            "this server's clock cannot be set: it is tied to jemalloc, with which libfaketime does not work; use `redis:7.0`".to_owned(),
        ));
    }
    Ok(())
}

/// What the server's environment must have: libraries and control file lie in that folder.
pub(crate) fn environment(libraries: &str, control: &str) -> [(&'static str, String); 5] {
    let preload = LIBRARIES.map(|library| format!("{libraries}/{library}")).join(":");
    [
        ("LD_PRELOAD", preload),
        ("FAKETIME_TIMESTAMP_FILE", control.to_owned()),
        // Looked at each time, so that a jump is one.
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
}

/// Content of the control file for so many nanoseconds.
pub(crate) fn control(offset: i64) -> String {
    let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
    format!("{sign}{}.{:09}\n", size / 1_000_000_000, size % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_keeps_its_sign_and_its_nanoseconds() {
        assert_eq!(control(0), "+0.000000000\n");
        assert_eq!(control(-500_000_001), "-0.500000001\n");
        assert_eq!(control(3_600_250_000_000), "+3600.250000000\n");
    }
}
