//! Starting the server without Docker: as nobody, with shared memory of its own.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::geteuid;

use super::script::{FILE, Settings, script};
use super::{PORT, software};
use crate::runtime::ServerSource;
use crate::sandbox::{Limits, Sandbox};

/// `nobody`, whom every distribution knows: the server asks for its user's name.
const NOBODY: u32 = 65534;
/// In a tree taken from packages, the libraries the system may not have.
const LIBRARIES: &str = "libraries";
const SHELL: &str = "/bin/sh";

/// Puts the script into a folder and describes the sandbox in which it becomes the server.
pub(crate) fn sandbox(source: &ServerSource, folder: &Path, ip: Ipv4Addr, max_connections: u32, limits: Limits) -> io::Result<Sandbox> {
    let file = put(source, folder, ip, PORT, max_connections)?;
    // A process a connection, beside its own.
    let limits = Limits { processes: limits.processes + u64::from(max_connections), ..limits };
    let mut sandbox = Sandbox::new(SHELL, limits);
    sandbox.argument(file.display().to_string()).works_in(folder);
    software::shown(source, &mut sandbox);
    Ok(sandbox)
}

/// Where a source has libraries of its own.
pub(super) fn libraries(source: &ServerSource) -> Option<PathBuf> {
    Some(Path::new(&source.reference).join(LIBRARIES)).filter(|libraries| libraries.is_dir())
}

fn put(source: &ServerSource, folder: &Path, ip: Ipv4Addr, port: u16, max_connections: u32) -> io::Result<PathBuf> {
    let shown = folder.to_str().ok_or_else(|| io::Error::other("the folder's name is not text"))?;
    let file = folder.join(FILE);
    let programs = Path::new(&source.reference).join(&source.binary);
    let programs = programs.parent().and_then(Path::to_str).unwrap_or_default();
    fs::write(&file, script(Settings { programs, folder: shown, ip, port, max_connections }))?;
    Ok(file)
}

/// The programs that Debian's packages install for a version, without asking them anything. For tests of what speaks to the server.
pub fn packaged(version: &str) -> Option<ServerSource> {
    let program = Path::new(software::DEBIAN).join(version).join("bin/postgres");
    let source =
        |program: PathBuf| ServerSource { reference: "/".to_owned(), binary: program.display().to_string(), description: String::new() };
    program.is_file().then(|| source(program))
}

/// Starts a server in this process' own network namespace, without a sandbox; its output goes to `server.log` in the folder. For tests of
/// what speaks to it.
///
/// # Errors
/// When the script cannot be written or the server not started.
pub fn start(source: &ServerSource, folder: &Path, ip: Ipv4Addr, port: u16, max_connections: u32) -> io::Result<Child> {
    let file = put(source, folder, ip, port, max_connections)?;
    let mut command = Command::new("unshare");
    // A killed server would leave a segment of System V shared memory behind.
    command.arg("--ipc");
    if geteuid().is_root() {
        chown(folder, Some(NOBODY), Some(NOBODY))?;
        command.args(["--setuid", "65534", "--setgid", "65534"]);
    } else {
        command.args(["--user", "--map-user=65534", "--map-group=65534"]);
    }
    command.args(["--", SHELL]).arg(file).current_dir(folder).stdin(Stdio::null());
    if let Some(libraries) = libraries(source) {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    let log = fs::File::create(folder.join("server.log"))?;
    command.stdout(log.try_clone()?).stderr(log).spawn()
}
