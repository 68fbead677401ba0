//! A disk of a node's own that can be full: memory of the run with a fixed size, mounted where nobody outside sees it.

use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// Takes up all the room there is left.
pub(super) const FILLER: &str = "redquake-filler";
/// Written at once while there is room.
const BLOCK: usize = 1 << 20;

/// A mounted disk.
#[derive(Debug)]
pub(super) struct Disk(PathBuf);

impl Disk {
    /// Mounts one of so many bytes at a folder, which is made.
    pub(super) fn mount(folder: PathBuf, bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let size = CString::new(format!("size={bytes},mode=755"))?;
        mount("redquake-disk", &folder, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(size.as_c_str()))?;
        Ok(Self(folder))
    }

    /// Where it is mounted.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Leaves no room.
    pub(super) fn fill(&self) -> io::Result<()> {
        // What the server may have put in its place is not followed out of the disk.
        let mut filler = super::files::create(&self.0.join(FILLER))?;
        let zeros = vec![0; BLOCK];
        let mut length = BLOCK;
        // Ever smaller pieces: a piece that does not fit is written in part or not at all.
        while length > 0 {
            match filler.write(zeros.get(..length).unwrap_or_default()) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => length /= 2,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Gives the room back.
    pub(super) fn free(&self) -> io::Result<()> {
        match fs::remove_file(self.0.join(FILLER)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Forks of a killed server may hold files in it for a moment; it goes with the last of them, at the latest with the run.
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}
