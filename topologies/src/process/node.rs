//! One node: its place, its files, and the server process that may run there.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use redquake_experiments::spec::Role;
use rustix::process::{Pid, kill_process};

use super::links::within;
use super::servers;
use crate::namespace::Namespace;
use crate::runtime::{LabNode, NodeFile, RuntimeError, ServerSource, Signal};

/// What a node's server printed, over all its starts.
const LOG: &str = "server.log";

#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: LabNode,
    pub(super) namespace: Namespace,
    folder: PathBuf,
    /// The latest process. It stays here unreaped until its end was seen, so its id cannot belong to another.
    server: Mutex<Option<Child>>,
}

impl Node {
    pub(super) fn new(place: LabNode, namespace: Namespace, folder: PathBuf) -> Self {
        Self { place, namespace, folder, server: Mutex::new(None) }
    }

    fn server(&self) -> MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the configuration and starts the server in the node's namespace. Blocks for the length of a `fork`.
    pub(super) fn boot(&self, source: &ServerSource, config: &NodeFile) -> Result<(), RuntimeError> {
        let name = &self.place.name;
        let mut server = self.server();
        if let Some(running) = server.as_mut()
            && running.try_wait().map_err(|error| RuntimeError::failed("looking at a server", error))?.is_none()
        {
            return Err(RuntimeError::failed(format!("starting {name}"), "its server is already running"));
        }
        let spawn = || -> io::Result<Child> {
            fs::create_dir_all(&self.folder)?;
            let file = self.folder.join(&config.name);
            fs::write(&file, &config.content)?;
            let log = fs::File::options().create(true).append(true).open(self.folder.join(LOG))?;
            let mut command = servers::command(source);
            command.arg(file).current_dir(&self.folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
            if self.place.role == Role::Sentinel {
                command.arg("--sentinel");
            }
            command.spawn()
        };
        let started = || spawn().map_err(|error| RuntimeError::failed(format!("starting {name}"), error));
        // A thread of its own: a thread that entered a namespace is never used for anything else.
        let child = thread::scope(|scope| scope.spawn(|| within(&self.namespace, started)).join());
        *server = Some(child.unwrap_or_else(|_| Err(RuntimeError::failed(format!("starting {name}"), "it panicked")))?);
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<(Instant, Instant), RuntimeError> {
        let action = format!("sending {signal:?} to {}", self.place.name);
        let mut server = self.server();
        let gone = || RuntimeError::failed(action.as_str(), "its server is not running");
        let running = server.as_mut().ok_or_else(gone)?;
        if running.try_wait().map_err(|error| RuntimeError::failed(action.as_str(), error))?.is_some() {
            return Err(gone());
        }
        let pid = i32::try_from(running.id()).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
        let signal = match signal {
            Signal::Kill => rustix::process::Signal::KILL,
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Stop => rustix::process::Signal::STOP,
            Signal::Continue => rustix::process::Signal::CONT,
        };
        let before = Instant::now();
        kill_process(pid, signal).map_err(|error| RuntimeError::failed(action.as_str(), error))?;
        Ok((before, Instant::now()))
    }

    pub(super) fn alive(&self) -> Result<bool, RuntimeError> {
        let mut server = self.server();
        let Some(running) = server.as_mut() else { return Ok(false) };
        let ended = running.try_wait().map_err(|error| RuntimeError::failed(format!("looking at {}", self.place.name), error))?;
        Ok(ended.is_none())
    }

    pub(super) fn logs(&self) -> Result<String, RuntimeError> {
        match fs::read(self.folder.join(LOG)) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(RuntimeError::failed(format!("reading the log of {}", self.place.name), error)),
        }
    }

    /// Ends the server without waiting for its end.
    pub(super) fn kill(&self) {
        if let Some(server) = self.server().as_mut() {
            // It fails only if the server has ended.
            let _ = server.kill();
        }
    }

    /// Waits for the end of a killed server; in words if it does not come.
    pub(super) fn reap(&self) -> Option<String> {
        let mut server = self.server();
        let outcome = server.as_mut()?.wait();
        *server = None;
        outcome.err().map(|error| format!("server process of {}: {error}", self.place.name))
    }
}
