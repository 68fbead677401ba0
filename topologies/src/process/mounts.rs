//! The run's own view of `/proc` and `/run`. Everything else of the file system is as it is outside.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount, mount_bind_recursive};

/// Where nodes keep their files: memory of the run, gone with it.
pub(super) const SCRATCH: &str = "/run/redquake";
/// Where `ip` keeps the names of network namespaces.
pub(super) const NAMESPACES: &str = "/run/netns";

/// Whether a process exists and has not ended, by the `/proc` in place.
pub(super) fn lives(pid: &OsStr) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Mounts `/proc` of the new pid namespace, and over `/run` a copy that holds the same entries except for the
/// namespaces others have named there, so that ours are named beside nobody's. The mount namespace is private
/// already: nothing of this is visible outside, and it ends with the run.
pub(super) fn prepare() -> io::Result<()> {
    let told = |what: &'static str| move |error: io::Error| io::Error::other(format!("{what}: {error}"));
    mount("proc", "/proc", "proc", MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC, None)
        .map_err(io::Error::from)
        .map_err(told("mounting /proc"))?;
    let outer = fs::File::open("/run").map_err(told("opening /run"))?;
    let outer_path = PathBuf::from(format!("/proc/self/fd/{}", outer.as_raw_fd()));
    mount("redquake", "/run", "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=755"))
        .map_err(io::Error::from)
        .map_err(told("mounting /run"))?;
    for entry in fs::read_dir(&outer_path).map_err(told("reading /run"))?.flatten() {
        if entry.file_name() != "netns" {
            // What may not be shown inside is missed by nobody but who needs it, and they say so.
            let _ = show(&entry, &Path::new("/run").join(entry.file_name()));
        }
    }
    // What servers share in memory is the run's own, too.
    mount("redquake", "/dev/shm", "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=1777"))
        .map_err(io::Error::from)
        .map_err(told("mounting /dev/shm"))?;
    fs::create_dir(NAMESPACES)?;
    fs::create_dir_all(SCRATCH)
}

fn show(entry: &fs::DirEntry, place: &Path) -> io::Result<()> {
    let kind = entry.file_type()?;
    if kind.is_symlink() {
        return symlink(fs::read_link(entry.path())?, place);
    }
    if kind.is_dir() {
        fs::create_dir(place)?;
    } else {
        fs::File::create(place)?;
    }
    mount_bind_recursive(entry.path(), place).map_err(io::Error::from)
}
