//! The way into the namespaces of a run: the tool starts itself again inside them.
//!
//! ```text
//! redquake run …            the supervisor: waits, passes signals on, returns the exit code
//! └─ unshare … (stage 1)    makes the namespaces; dies with the supervisor
//!    └─ init (stage 2)      pid 1 inside: mounts, reaps orphans; dies with unshare
//!       └─ redquake run …   the tool itself; servers are its children
//! ```
//!
//! Each step is tied to the one above it by `PR_SET_PDEATHSIG`, and the kernel kills everything in a pid namespace
//! whose pid 1 dies. So no instant exists at which killing any of them leaves something behind, and no code of ours
//! has to run for it.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::{init, inside, signals, support};
use crate::foreign::exit_code;
use crate::runtime::RuntimeError;
use crate::sandbox;

/// First argument of stage 1.
const UNSHARE_STAGE: &str = "__redquake-unshare";
/// First argument of stage 2.
pub(super) const INIT_STAGE: &str = "__redquake-init";
/// What init returns in place of 1, which is left to `unshare` for failures of its own.
pub(super) const ONE: u8 = 201;
/// Exit code for what the environment does not allow.
pub(super) const ENVIRONMENT: u8 = 4;

/// To be called first in `main`, before arguments are read and before any thread exists: performs the inner stages of [`enter`], or of
/// the sandbox of a server, when this process is one of them, and returns `None` for an ordinary call.
///
/// ```no_run
/// use std::process::ExitCode;
/// use redquake_topologies::process;
///
/// fn main() -> ExitCode {
///     if let Some(code) = process::stage() {
///         return code;
///     }
///     let arguments: Vec<_> = std::env::args_os().skip(1).collect();
///     let runs_servers_without_docker = true;
///     if runs_servers_without_docker && !process::inside() {
///         // Fetch servers now (`process::provide`): inside there is no way to the network.
///         return match process::enter(arguments) {
///             Ok(code) => ExitCode::from(code),
///             Err(error) => {
///                 eprintln!("{error}");
///                 ExitCode::from(4)
///             }
///         };
///     }
///     // Inside: the run itself, with `ProcessRuntime::new()`.
///     ExitCode::SUCCESS
/// }
/// ```
pub fn stage() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next()?;
    let code = if first == UNSHARE_STAGE {
        let error = unshare(arguments);
        tell(&format!("redquake: cannot enter the namespaces of the run: {error}"));
        ENVIRONMENT
    } else if first == INIT_STAGE {
        init::run(arguments)
    } else {
        return sandbox::stage(&first);
    };
    Some(ExitCode::from(code))
}

/// Runs this program again with `arguments` inside fresh namespaces and returns its exit code. An inner process that is killed is named
/// with its signal, and the code is 4: what kills it is no part of the run. Standard input, output and error, the folder and the environment are the same; `SIGINT`, `SIGTERM` and
/// `SIGHUP` are passed on, once each: the inner processes are a process group of their own, so that a Ctrl-C at the
/// terminal does not reach them twice.
///
/// To be called on the main thread (what is inside lives no longer than the thread that started it), and not from
/// within an asynchronous runtime. What needs the network (server packages) is fetched before.
///
/// # Errors
/// [`RuntimeError::Privilege`] where the system forbids the namespaces, with the reason and the way out.
pub fn enter(arguments: Vec<OsString>) -> Result<u8, RuntimeError> {
    enter_after(arguments, || None)
}

/// The same for one who listened to signals before: `before` is asked for the latest that came so far once those that come are passed on, so
/// that none falls between the two. A signal that came before is passed on like any other.
///
/// # Errors
/// As [`enter`].
pub fn enter_after(arguments: Vec<OsString>, before: impl FnOnce() -> Option<i32>) -> Result<u8, RuntimeError> {
    support::check().map_err(RuntimeError::Privilege)?;
    let failed = |reason: std::io::Error| RuntimeError::Failed {
        action: "running the tool inside namespaces of its own".to_owned(),
        reason: reason.to_string(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(supervise(arguments, before)).map_err(failed)
}

async fn supervise(arguments: Vec<OsString>, before: impl FnOnce() -> Option<i32>) -> std::io::Result<u8> {
    let mut incoming = signals::Incoming::new()?;
    let mut pending = before().and_then(Signal::from_named_raw);
    let mut unshare = tokio::process::Command::new(std::env::current_exe()?)
        .arg(UNSHARE_STAGE)
        .arg(std::process::id().to_string())
        .args(arguments)
        .process_group(0)
        .spawn()?;
    let pid = unshare.id().unwrap_or_default();
    let mut entered = false;
    loop {
        tokio::select! {
            status = unshare.wait() => return told(status?, entered),
            () = signals::entered(pid), if !entered => entered = true,
            signal = async { match pending.take() { Some(signal) => signal, None => incoming.next().await } } => {
                tokio::select! {
                    status = unshare.wait() => return told(status?, entered),
                    () = signals::pass_on(pid, signal) => {}
                }
            }
        }
    }
}

/// The tool's exit code, from how `unshare` ended. Whoever kills it kills everything inside; where its child, the first process inside,
/// is killed, it fails, because it cannot end itself by the same signal.
fn told(status: ExitStatus, entered: bool) -> std::io::Result<u8> {
    if let Some(signal) = status.signal() {
        tell(&killed("`unshare`, which holds the namespaces of the run,", signal));
        return Ok(ENVIRONMENT);
    }
    match exit_code(status) {
        1 if entered => {
            tell(&killed("the first process in the namespaces of the run", Signal::KILL.as_raw()));
            Ok(ENVIRONMENT)
        }
        1 => Err(std::io::Error::other("`unshare` could not make them")),
        ONE => Ok(1),
        code => Ok(code),
    }
}

/// Writes a message. The standard macro panics where nobody reads any more.
pub(super) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// What is told of an inner process that somebody killed.
pub(super) fn killed(process: &str, signal: i32) -> String {
    let signal = Signal::from_named_raw(signal).map_or_else(|| format!("signal {signal}"), |signal| name(signal).to_owned());
    format!(
        "redquake: something outside the run killed {process} ({signal}); its servers ended with it, and what it recorded until then is in \
         its results folder: `redquake analyze FOLDER` reads it"
    )
}

fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::KILL => "SIGKILL",
        Signal::TERM => "SIGTERM",
        Signal::INT => "SIGINT",
        Signal::HUP => "SIGHUP",
        Signal::QUIT => "SIGQUIT",
        Signal::SEGV => "SIGSEGV",
        Signal::ABORT => "SIGABRT",
        Signal::BUS => "SIGBUS",
        Signal::USR1 => "SIGUSR1",
        Signal::USR2 => "SIGUSR2",
        Signal::PIPE => "SIGPIPE",
        _ => "another signal",
    }
}

/// Stage 1: ties this process to the supervisor, then becomes `unshare`. Returns only if that failed.
fn unshare(mut arguments: impl Iterator<Item = OsString>) -> std::io::Error {
    let supervisor = arguments.next().and_then(|pid| pid.to_str()?.parse().ok()).and_then(Pid::from_raw);
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    // The supervisor may have died before the line above took effect.
    if supervisor.is_none() || getppid() != supervisor {
        return std::io::Error::other("the process that started this one is gone");
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    // `exec` keeps the process id, so this is also the id of `unshare`, which stage 2 checks to be alive.
    let own = std::process::id().to_string();
    // What the first process inside must find changed.
    let outer = match inside::namespaces("self") {
        Ok(outer) => outer,
        Err(error) => return error,
    };
    Command::new("unshare").args(support::namespaces()).arg("--").arg(program).arg(INIT_STAGE).arg(own).arg(outer).args(arguments).exec()
}
