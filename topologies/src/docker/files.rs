//! Putting files into a container and opening its gate.

use std::fs::File;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use bollard::query_parameters::UploadToContainerOptionsBuilder;
use bollard::{Docker, body_full};
use rustix::fs::{Mode, OFlags, open, openat};

use super::clock::{self, CLOCK};
use super::container::{FOLDER, GO, START};
use super::disk::{FILLER, MOUNTED};
use super::process::Process;
use crate::postgres;
use crate::runtime::{DatabaseNode, NodeFile, RuntimeError};

/// By which a Cluster node knows who it is.
const CLUSTER_CONFIG: &str = "nodes.conf";

/// How a node's server is started.
#[derive(Debug)]
pub(super) struct Start<'a> {
    /// The server.
    pub(super) binary: &'a str,
    /// Whether it is a Sentinel.
    pub(super) sentinel: bool,
    /// Name of its configuration file.
    pub(super) config: &'a str,
    /// What that file says; as it is if nothing.
    pub(super) content: Option<&'a str>,
    /// Whether what an earlier start has written is removed first. The script does it, because the files of a container that
    /// has ended cannot be reached through the engine to be removed.
    pub(super) wipe: bool,
    /// Whether it works on a disk of its own.
    pub(super) disk: bool,
    /// Whether its wall clock can be set.
    pub(super) clock: bool,
}

impl Start<'_> {
    /// The files in the order in which they must appear: the gate opens with the last one.
    pub(super) fn files(&self) -> Vec<NodeFile> {
        let file = |name: &str, content: String| NodeFile { name: name.to_owned(), content };
        let config = self.content.map(|content| file(self.config, content.to_owned()));
        config.into_iter().chain([file(START, self.script()), file(GO, String::new())]).collect()
    }

    fn script(&self) -> String {
        let Self { binary, config, .. } = self;
        let mode = if self.sentinel { " --sentinel" } else { "" };
        let mut script = format!("cd {} || exit 1\n", if self.disk { MOUNTED } else { FOLDER });
        if self.disk {
            let given = format!("{FOLDER}/{CLUSTER_CONFIG}");
            script += &format!("if [ -f {given} ] && [ ! -f {CLUSTER_CONFIG} ]; then cp {given} {CLUSTER_CONFIG} || exit 1; fi\n");
        }
        if self.wipe {
            let kept = format!("{config}|{START}|{GO}|{CLUSTER_CONFIG}|{FILLER}|{CLOCK}");
            script += &format!("for file in *; do case \"$file\" in {kept}) ;; *) rm -rf -- \"$file\" || exit 1;; esac; done\n");
        }
        if self.clock {
            script += &clock::exports();
        }
        script + &format!("exec {binary} {FOLDER}/{config}{mode}\n")
    }
}

/// The files of a database's boot. The gate runs as root and PostgreSQL refuses to: the script runs as the image's own user, who is made where
/// there is none, with whatever the image has for changing users.
pub(super) fn of_database(ip: Ipv4Addr, database: &DatabaseNode) -> Vec<NodeFile> {
    let folder = format!("{FOLDER}/{}", postgres::NAME);
    let programs = Path::new(&database.source.binary).parent().and_then(Path::to_str).unwrap_or_default();
    let settings = postgres::Settings { programs, folder: &folder, ip, port: postgres::PORT, max_connections: database.max_connections };
    let run = format!("/bin/sh {FOLDER}/{}", postgres::SCRIPT);
    let start = format!(
        "id -u postgres >/dev/null 2>&1 || echo 'postgres:x:999:999::/:/bin/sh' >> /etc/passwd\n\
         mkdir -p {folder}\nchown postgres {folder}\n\
         for way in gosu su-exec; do\n  if command -v $way >/dev/null 2>&1; then exec $way postgres {run}; fi\ndone\n\
         exec setpriv --reuid=postgres --regid=\"$(id -g postgres)\" --clear-groups {run}\n"
    );
    let file = |name: &str, content: String| NodeFile { name: name.to_owned(), content };
    vec![file(postgres::SCRIPT, postgres::script(settings)), file(START, start), file(GO, String::new())]
}

/// Uploads files into a node's folder, through the engine.
pub(super) async fn upload(engine: &Docker, container: &str, files: &[NodeFile]) -> Result<(), RuntimeError> {
    let failed = |error: &dyn std::fmt::Display| RuntimeError::failed(format!("putting files into the container {container}"), error);
    let archive = archive(files).map_err(|error| failed(&error))?;
    let options = UploadToContainerOptionsBuilder::new().path(FOLDER).build();
    engine.upload_to_container(container, Some(options), body_full(archive.into())).await.map_err(|error| failed(&error))
}

fn archive(files: &[NodeFile]) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        // Sentinel rewrites its configuration; the server runs as root inside the container.
        header.set_mode(0o644);
        header.set_size(file.content.len() as u64);
        builder.append_data(&mut header, &file.name, file.content.as_bytes())?;
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
