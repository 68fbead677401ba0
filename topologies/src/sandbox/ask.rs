//! Asking a foreign program one question: in a sandbox without a network, with a deadline, and nothing of it is left afterwards.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use nix::sched::{CloneFlags, unshare};
use rustix::process::{Pid, Signal, getegid, geteuid, getpid, getppid, set_parent_process_death_signal};
use rustix::stdio::dup2_stdin;

use super::Sandbox;
use super::start::{OWN, spawn};
use crate::foreign::{self, Answer, Bounds, Refusal};
use crate::namespace::Privilege;

/// First argument of the stage that makes the namespaces of a question.
pub(super) const ASK_STAGE: &str = "__redquake-ask";
/// First argument of the first process in them.
pub(super) const KEEP_STAGE: &str = "__redquake-keep";

/// Runs a program in a sandbox of its own and returns what it said. The program sees no network and none of the asker's files but those
/// it is given; it is killed with everything it has started when it has ended or the time is over.
///
/// # Errors
/// In words: it could not be started, took too long, or said too much.
pub(crate) fn ask(sandbox: &Sandbox, bounds: Bounds) -> Result<Answer, Refusal> {
    let description = serde_json::to_vec(sandbox).map_err(|error| Refusal::Failed(error.to_string()))?;
    let mut command = Command::new(OWN);
    command.arg(ASK_STAGE).arg(std::process::id().to_string()).env_clear().current_dir("/");
    foreign::run(&mut command, &description, bounds)
}

/// Makes namespaces for processes and network, starts the keeper in them, and ends as it ends. Whoever kills this process ends it all.
pub(super) fn stage() -> ExitCode {
    told(namespaces())
}

/// Pid 1 of a question: starts the sandbox and ends as it ends. It is what ties the program to who asks: the kernel kills every process of its
/// namespace with it, whatever that has made of itself.
pub(super) fn keep() -> ExitCode {
    told(sandbox())
}

fn told(ended: io::Result<ExitStatus>) -> ExitCode {
    match ended {
        Ok(status) => ExitCode::from(foreign::exit_code(status)),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(super::stage::FAILED)
        }
    }
}

fn namespaces() -> io::Result<ExitStatus> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let asker: Option<OsString> = std::env::args_os().nth(2);
    // It may have died before the line above took effect.
    if getppid().map(|pid| pid.as_raw_nonzero().to_string().into()) != asker {
        return Err(io::Error::other("the process that asked is gone"));
    }
    if !Privilege::current().change_rules() {
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        unshare(CloneFlags::CLONE_NEWUSER)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    }
    unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNET)?;
    // Standard input, the description, is left to it.
    Command::new(OWN).arg(KEEP_STAGE).env_clear().status()
}

fn sandbox() -> io::Result<ExitStatus> {
    if getpid() != Pid::INIT {
        return Err(io::Error::other("this is a stage of the tool's own, not a command"));
    }
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let sandbox: Sandbox = serde_json::from_reader(io::stdin().lock())?;
    dup2_stdin(File::open("/dev/null")?)?;
    // Otherwise the program would see this process.
    unshare(CloneFlags::CLONE_NEWPID)?;
    spawn(&sandbox, Stdio::inherit(), Stdio::inherit())?.wait()
}
