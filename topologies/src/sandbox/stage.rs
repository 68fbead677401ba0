//! The inner stage: pid 1 of a sandbox, which gives up everything and becomes the program.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, unshare};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::dup2_stdin;

use super::{Sandbox, ask, limits, rights, root, walls};

/// First argument of the stage.
pub(super) const BOX_STAGE: &str = "__redquake-box";
/// Exit code of a stage that could not become its program.
pub(super) const FAILED: u8 = 4;
/// Lowest number of the channel's descriptor: the first three are the program's.
const CHANNEL: i32 = 3;

/// All variables a program finds beside those it is given.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", root::TEMPORARY),
    ("TMPDIR", root::TEMPORARY),
    ("LC_ALL", "C"),
];

/// Performs a stage of a sandbox when this process is one; `None` for every other call.
pub(crate) fn stage(first: &OsString) -> Option<ExitCode> {
    if first == BOX_STAGE {
        return Some(become_program());
    }
    if first == ask::KEEP_STAGE {
        return Some(ask::keep());
    }
    (first == ask::ASK_STAGE).then(ask::stage)
}

fn become_program() -> ExitCode {
    let (mut channel, sandbox) = match channel().and_then(|channel| Ok((Sandbox::receive(&channel)?, channel))) {
        Ok((sandbox, channel)) => (channel, sandbox),
        Err(error) => {
            eprintln!("redquake: this is a stage of the tool's own, not a command ({error})");
            return ExitCode::from(FAILED);
        }
    };
    let Err(error) = enter(&sandbox);
    // Whoever is not listened to any more cannot be told.
    let _ = write!(channel, "{error}");
    ExitCode::from(FAILED)
}

/// The channel that standard input is, which the program does not get.
fn channel() -> io::Result<UnixStream> {
    let channel = UnixStream::from(fcntl_dupfd_cloexec(io::stdin(), CHANNEL)?);
    dup2_stdin(File::open("/dev/null")?)?;
    Ok(channel)
}

fn enter(sandbox: &Sandbox) -> io::Result<Infallible> {
    let told = |what: &'static str| move |error: io::Error| io::Error::other(format!("{what}: {error}"));
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC).map_err(io::Error::from).map_err(told("namespaces"))?;
    let doors = rights::Doors::open().map_err(told("/proc"))?;
    let distinct = rights::distinct_user();
    root::enter(sandbox, distinct).map_err(told("file system"))?;
    let nested = rights::leave(&doors, distinct).map_err(told("user"))?;
    limits::apply(&sandbox.limits, nested).map_err(told("limits"))?;
    rights::drop_all().map_err(told("capabilities"))?;
    walls::raise(sandbox).map_err(told("Landlock and seccomp"))?;
    let mut command = Command::new(&sandbox.program);
    command.args(&sandbox.arguments).env_clear().envs(ENVIRONMENT);
    command.envs(sandbox.environment.iter().map(|(name, value)| (name, value))).current_dir(&sandbox.folder);
    Err(told("starting the program")(command.exec()))
}
