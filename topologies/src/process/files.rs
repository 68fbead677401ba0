//! Writing into folders that a server owns: whatever it has put in the way, a link above all, is replaced and never followed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes a file anew.
pub(super) fn put(file: &Path, content: &[u8]) -> io::Result<()> {
    create(file)?.write_all(content)
}

/// A new file in place of whatever was there; a folder in its place is an error.
pub(super) fn create(file: &Path) -> io::Result<File> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let file = File::options().write(true).create_new(true).open(file)?;
    // The server is another user, whatever the mask of whoever started the tool.
    file.set_permissions(fs::Permissions::from_mode(0o644))?;
    Ok(file)
}

/// Whether a file of any kind is there, also a link to nothing.
pub(super) fn is_there(file: &Path) -> bool {
    fs::symlink_metadata(file).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_the_way_is_replaced_and_what_it_points_to_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (outside, planted) = (folder.path().join("outside"), folder.path().join("redis.conf"));
        fs::write(&outside, "mine").unwrap();
        std::os::unix::fs::symlink(&outside, &planted).unwrap();
        put(&planted, b"port 1\n").unwrap();
        assert_eq!((fs::read_to_string(&outside).unwrap().as_str(), fs::read_to_string(&planted).unwrap().as_str()), ("mine", "port 1\n"));
        // A link to nothing would make the file it names.
        let nothing = folder.path().join("nothing");
        fs::remove_file(&planted).unwrap();
        std::os::unix::fs::symlink(&nothing, &planted).unwrap();
        assert!(is_there(&planted) && !planted.exists());
        put(&planted, b"port 2\n").unwrap();
        assert!(!nothing.exists());
    }
}
