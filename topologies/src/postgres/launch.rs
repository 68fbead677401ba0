//! Starting the server without Docker: as nobody, with shared memory of its own.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::geteuid;

use super::script::{FILE, Settings, script};
use crate::runtime::ServerSource;

/// `nobody`, whom every distribution knows: the server asks for its user's name.
const NOBODY: u32 = 65534;
/// In a tree taken from packages, the libraries the system may not have.
const LIBRARIES: &str = "libraries";

/// Puts the script into the folder and prepares its start, in a namespace of its own for System V shared memory: a killed server would leave
/// its segment behind.
pub(crate) fn command(source: &ServerSource, folder: &Path, ip: Ipv4Addr, port: u16, max_connections: u32) -> io::Result<Command> {
    let shown = folder.to_str().ok_or_else(|| io::Error::other("the folder's name is not text"))?;
    let file = folder.join(FILE);
    let programs = Path::new(&source.reference).join(&source.binary);
    let programs = programs.parent().and_then(Path::to_str).unwrap_or_default();
    fs::write(&file, script(Settings { programs, folder: shown, ip, port, max_connections }))?;
    let mut command = Command::new("unshare");
    command.arg("--ipc");
    if knows_nobody() {
        chown(folder, Some(NOBODY), Some(NOBODY))?;
        command.args(["--setuid", "65534", "--setgid", "65534"]);
    } else {
        // The root of a user namespace with one user, and everybody who is not root, becomes nobody in a further one.
        command.args(["--user", "--map-user=65534", "--map-group=65534"]);
    }
    command.args(["--", "/bin/sh"]).arg(file).current_dir(folder).stdin(Stdio::null());
    let libraries = Path::new(&source.reference).join(LIBRARIES);
    if libraries.is_dir() {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    Ok(command)
}

/// Whether this process may become `nobody`: it is root, and its user namespace has such a user.
fn knows_nobody() -> bool {
    let mapped = |line: &str| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        matches!(numbers.as_slice(), [first, _, count] if (*first..first + count).contains(&u64::from(NOBODY)))
    };
    geteuid().is_root() && fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.lines().any(mapped))
}

/// Starts a server in this process' own network namespace; its output goes to `server.log` in the folder. For tests of what speaks to it.
///
/// # Errors
/// When the script cannot be written or the server not started.
pub fn start(source: &ServerSource, folder: &Path, ip: Ipv4Addr, port: u16, max_connections: u32) -> io::Result<Child> {
    let log = fs::File::create(folder.join("server.log"))?;
    command(source, folder, ip, port, max_connections)?.stdout(log.try_clone()?).stderr(log).spawn()
}
