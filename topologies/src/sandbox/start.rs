//! Starting a sandbox as a child of this process.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use nix::sched::{CloneFlags, unshare};

use super::Sandbox;
use super::stage::BOX_STAGE;

/// This very program, also where its file was replaced since it was started.
pub(super) const OWN: &str = "/proc/self/exe";

/// Starts a sandbox on the network namespace of the calling thread and returns when its program runs. To be called on a thread made for
/// the purpose: the first child it has afterwards is alone in a pid namespace, and it can have no other.
///
/// # Errors
/// When the sandbox cannot be made: in words, and nothing is left of it.
pub(crate) fn start(sandbox: &Sandbox, output: Stdio, errors: Stdio) -> io::Result<Child> {
    unshare(CloneFlags::CLONE_NEWPID)?;
    spawn(sandbox, output, errors)
}

/// As [`start`], where the calling thread's children are in a pid namespace of their own already.
pub(super) fn spawn(sandbox: &Sandbox, output: Stdio, errors: Stdio) -> io::Result<Child> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut child =
        Command::new(OWN).arg(BOX_STAGE).env_clear().stdin(OwnedFd::from(theirs)).stdout(output).stderr(errors).current_dir("/").spawn()?;
    if let Err(error) = sandbox.send(ours) {
        // It may have ended already.
        let _ = child.kill();
        child.wait()?;
        return Err(error);
    }
    Ok(child)
}
