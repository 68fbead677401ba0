//! Files that somebody else may have put there: read only if they are what a file is expected to be.

use std::fs::{File, OpenOptions, symlink_metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file of at most `limit` bytes. A link, a FIFO, a device or a folder is refused without waiting for it.
///
/// # Errors
/// Those of the system, and in words what it is instead: [`ErrorKind::InvalidInput`], or [`ErrorKind::FileTooLarge`].
pub fn open_regular(path: &Path, limit: u64) -> io::Result<File> {
    // Looked at first, because to open a device may already do something.
    regular(&symlink_metadata(path)?)?;
    // It may be another one by now.
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    regular(&metadata)?;
    if metadata.len() > limit { Err(too_large(limit)) } else { Ok(file) }
}

/// Reads a regular file of at most `limit` bytes whole; see [`open_regular`].
///
/// # Errors
/// As [`open_regular`], also for a file that grows beyond the limit while it is read.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path, limit)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

fn regular(metadata: &std::fs::Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_symlink() => "a link",
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}, not a regular file")))
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_regular_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read_regular(&path, 5).unwrap(), b"12345");
        assert_eq!(read_regular(&path, 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(read_regular(&folder.path().join("b"), 4).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_file_that_says_it_is_empty_is_read_no_further_than_its_limit() {
        // Files of /proc have no size and much to say.
        assert_eq!(read_regular(Path::new("/proc/self/maps"), 10).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        std::fs::write(at("file"), b"x").unwrap();
        symlink("file", at("link")).unwrap();
        File::create(at("sparse")).unwrap().set_len(1 << 42).unwrap();
        let kinds = [
            (at("fifo"), "a FIFO"),
            (at("socket"), "a socket"),
            (at("link"), "a link"),
            (folder.path().to_owned(), "a folder"),
            ("/dev/zero".into(), "a device"),
            ("/dev/tty".into(), "a device"),
            (at("sparse"), "larger than"),
        ];
        for (path, what) in kinds {
            let error = read_regular(&path, 1 << 20).unwrap_err();
            assert!(error.to_string().contains(what), "{}: {error}", path.display());
        }
    }
}
