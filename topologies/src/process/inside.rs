//! Whether this process is inside the namespaces of a run: proved by what the first process in them did, and by nothing an environment
//! could say.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use rustix::process::{Pid, getpid};

use super::enter::INIT_STAGE;

/// File by which the first process inside names the namespaces it has found itself in.
const MARK: &str = "/run/.redquake-namespaces";
/// What a run has of its own, as `/proc/<pid>/ns` names it.
const OWN: [&str; 3] = ["net", "mnt", "pid"];

/// Whether this process runs inside namespaces made by [`enter`](super::enter()): the first process here is this very
/// program at that stage, has the same namespaces, and has left its mark in a file system that it alone has made.
pub fn inside() -> bool {
    // Asked first on the main thread, before any thread has entered the namespace of a node.
    static INSIDE: OnceLock<bool> = OnceLock::new();
    *INSIDE.get_or_init(|| proved().unwrap_or(false))
}

fn proved() -> io::Result<bool> {
    let by_init = is_init(&fs::read("/proc/1/cmdline")?) && same("/proc/1/exe", "/proc/self/exe")?;
    let own = namespaces("self")?;
    let mark = Path::new(MARK);
    Ok(by_init && namespaces("1")? == own && fs::read_to_string(mark)? == own && lies_in_own_memory(mark)?)
}

fn is_init(command: &[u8]) -> bool {
    command.split(|byte| *byte == 0).nth(1) == Some(INIT_STAGE.as_bytes())
}

fn same(one: &str, other: &str) -> io::Result<bool> {
    let (one, other) = (fs::metadata(one)?, fs::metadata(other)?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// Whether a file lies in the memory that the first process inside has mounted.
fn lies_in_own_memory(file: &Path) -> io::Result<bool> {
    let device = fs::metadata(file)?.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    let ours = |line: &&str| line.split(' ').nth(2) == Some(&format!("{major}:{minor}")) && line.contains(" - tmpfs redquake ");
    Ok(table.lines().any(|line| ours(&line)))
}

/// The namespaces of a process that a run has of its own, by their numbers.
pub(super) fn namespaces(process: &str) -> io::Result<String> {
    let name = |kind: &str| fs::read_link(format!("/proc/{process}/ns/{kind}")).map(|name| name.display().to_string());
    Ok(OWN.map(name).into_iter().collect::<io::Result<Vec<_>>>()?.join(" "))
}

/// Makes sure that this process is the first one in namespaces that are not those it was called from, on a network without an address.
pub(super) fn fresh(outer: &OsStr) -> io::Result<()> {
    let own = namespaces("self")?;
    let outer = outer.to_string_lossy();
    let kept: Vec<&str> = outer.split(' ').filter(|name| own.split(' ').any(|kept| kept == *name)).collect();
    if getpid() != Pid::INIT || outer.split(' ').count() != OWN.len() || !kept.is_empty() {
        return Err(io::Error::other("they are not its own; this stage is started by the tool itself, not by hand"));
    }
    // One line of headings, and no network.
    if fs::read_to_string("/proc/self/net/route")?.lines().count() > 1 {
        return Err(io::Error::other("the network they have is in use"));
    }
    Ok(())
}

/// Leaves the mark by which [`inside`] knows. The file system it lies in was just made.
pub(super) fn mark() -> io::Result<()> {
    fs::write(MARK, namespaces("self")?)
}
