//! Putting files into a container and opening its gate.

use std::fs::File;
use std::io::{self, Write};

use bollard::query_parameters::UploadToContainerOptionsBuilder;
use bollard::{Docker, body_full};
use rustix::fs::{Mode, OFlags, mkdirat, open, openat};

use super::container::{FOLDER, GO, START};
use super::process::Process;
use crate::runtime::{NodeFile, RuntimeError};

/// The files of a boot in the order in which they must appear: the gate opens with the last one.
pub(super) fn of_boot(config: NodeFile, binary: &str, sentinel: bool) -> Vec<NodeFile> {
    let mode = if sentinel { " --sentinel" } else { "" };
    let script = format!("cd {FOLDER}\nexec {binary} {FOLDER}/{}{mode}\n", config.name);
    vec![config, NodeFile { name: START.to_owned(), content: script }, NodeFile { name: GO.to_owned(), content: String::new() }]
}

/// Uploads files into a node's folder, through the engine.
pub(super) async fn upload(engine: &Docker, container: &str, files: &[NodeFile]) -> Result<(), RuntimeError> {
    let failed = |error: &dyn std::fmt::Display| RuntimeError::failed(format!("putting files into the container {container}"), error);
    let archive = archive(files).map_err(|error| failed(&error))?;
    let options = UploadToContainerOptionsBuilder::new().path("/").build();
    engine.upload_to_container(container, Some(options), body_full(archive.into())).await.map_err(|error| failed(&error))
}

fn archive(files: &[NodeFile]) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut folder = tar::Header::new_gnu();
    folder.set_entry_type(tar::EntryType::Directory);
    folder.set_mode(0o755);
    folder.set_size(0);
    builder.append_data(&mut folder, format!("{}/", FOLDER.trim_start_matches('/')), io::empty())?;
    for file in files {
        let mut header = tar::Header::new_gnu();
        // Sentinel rewrites its configuration; the server runs as root inside the container.
        header.set_mode(0o644);
        header.set_size(file.content.len() as u64);
        builder.append_data(&mut header, format!("{}/{}", FOLDER.trim_start_matches('/'), file.name), file.content.as_bytes())?;
    }
    builder.into_inner()
}

/// Writes files into the folder of a running container directly; false when this process may not. Links the image may have put
/// in the way are not followed: they would lead out of the container.
pub(super) fn write(process: &Process, files: &[NodeFile]) -> bool {
    let Some(root) = process.root() else { return false };
    let folder = FOLDER.trim_start_matches('/');
    let write = || -> rustix::io::Result<()> {
        let root = open(root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        match mkdirat(&root, folder, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        let folder = openat(&root, folder, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        for file in files {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = openat(&folder, &file.name, flags, Mode::from_raw_mode(0o644))?;
            File::from(opened).write_all(file.content.as_bytes()).map_err(|_| rustix::io::Errno::IO)?;
        }
        Ok(())
    };
    write().is_ok()
}
