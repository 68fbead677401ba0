//! One node: its place, its files, and the server process that may run there.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, kill_process};

use super::disk::{Disk, FILLER};
use super::links::within;
use super::log::Log;
use super::{faketime, files, servers};
use crate::namespace::Namespace;
use crate::runtime::{Configuration, NodeFile, RuntimeError, ServerSource, ServerState, Signal, start_time, state};
use crate::sandbox::{self, Limits, Sandbox};

/// Folder in which a node's own disk is mounted.
const DISK: &str = "data";
/// By which a Cluster node knows who it is.
const CLUSTER_CONFIG: &str = "nodes.conf";

/// How far the clock its server sees is from the true one.
const CLOCK: &str = "clock";
/// Longest wait for a server to load its libraries; takes milliseconds.
const PRELOAD_LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    /// Whether its server runs as a Sentinel.
    sentinel: bool,
    pub(super) namespace: Namespace,
    folder: PathBuf,
    /// The latest process. It stays here unreaped until its end was seen, so its id cannot belong to another.
    server: Mutex<Option<Child>>,
    /// How the process before the latest one ended.
    previous: Mutex<Option<(u32, ExitStatus)>>,
    /// The configuration of the first start.
    original: OnceLock<NodeFile>,
    /// What it printed, over all its starts.
    log: Log,
    /// Where its server writes, if that is a disk of its own.
    disk: Mutex<Option<Disk>>,
    /// Bounds the node's folder.
    room: Mutex<Option<Disk>>,
    /// What its server may use.
    limits: Limits,
    /// Folder of the libraries through which its server sees the wall clock, if it can be set.
    clock: Option<PathBuf>,
}

/// A node's folder and what it may take.
#[derive(Debug)]
pub(super) struct Room {
    folder: PathBuf,
    room: Disk,
    disk: Option<Disk>,
    limits: Limits,
}

impl Room {
    /// Makes the folder of a node, in memory of its own, with a disk in it if one of so many bytes is asked for.
    pub(super) fn make(folder: PathBuf, disk: Option<u64>, limits: Limits) -> io::Result<Self> {
        let room = Disk::mount(folder.clone(), limits.memory)?;
        let disk = disk.map(|bytes| Disk::mount(folder.join(DISK), bytes)).transpose()?;
        Ok(Self { folder, room, disk, limits })
    }
}

impl Node {
    pub(super) fn new(name: &str, sentinel: bool, namespace: Namespace, place: Room, clock: Option<PathBuf>) -> Self {
        let Room { folder, room, disk, limits } = place;
        Self {
            name: name.to_owned(),
            sentinel,
            namespace,
            folder,
            server: Mutex::new(None),
            previous: Mutex::new(None),
            original: OnceLock::new(),
            log: Log::default(),
            disk: Mutex::new(disk),
            room: Mutex::new(Some(room)),
            limits,
            clock,
        }
    }

    fn server(&self) -> MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a file into the node's folder.
    pub(super) fn put(&self, file: &NodeFile) -> Result<(), RuntimeError> {
        files::put(&self.folder.join(&file.name), file.content.as_bytes())
            .map_err(|error| RuntimeError::failed(format!("writing {} of {}", file.name, self.name), error))
    }

    /// Writes the configuration and starts the server in the node's namespace. Blocks for the length of a `fork`.
    pub(super) fn boot(&self, source: &ServerSource, config: NodeFile) -> Result<(), RuntimeError> {
        self.serve(source, &config.name, Some(&config.content))?;
        // Already set unless this was the first start.
        let _ = self.original.set(config);
        Ok(())
    }

    /// Starts the server again as it was first started, or with its file as it is now.
    pub(super) fn restart(&self, source: &ServerSource, configuration: Configuration) -> Result<(), RuntimeError> {
        let never = || RuntimeError::failed(format!("starting {} again", self.name), "it was never started");
        let original = self.original.get().ok_or_else(never)?;
        let content = (configuration == Configuration::Original).then_some(original.content.as_str());
        self.serve(source, &original.name, content)
    }

    /// Removes what the server has written.
    pub(super) fn wipe(&self) -> Result<(), RuntimeError> {
        let _server = self.ended("wiping")?;
        let folder = self.workplace();
        let kept = |name: &OsStr| {
            name == CLUSTER_CONFIG || name == FILLER || name == CLOCK || self.original.get().is_some_and(|file| name == file.name.as_str())
        };
        let wipe = || -> io::Result<()> {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                if kept(&entry.file_name()) {
                    continue;
                }
                if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
            }
            Ok(())
        };
        match wipe() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(RuntimeError::failed(format!("wiping {}", self.name), error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The place of the process, when there is none or it has ended.
    fn ended(&self, doing: &str) -> Result<MutexGuard<'_, Option<Child>>, RuntimeError> {
        let mut server = self.server();
        if let Some(running) = server.as_mut()
            && running.try_wait().map_err(|error| RuntimeError::failed("looking at a server", error))?.is_none()
        {
            return Err(RuntimeError::failed(format!("{doing} {}", self.name), "its server is running"));
        }
        Ok(server)
    }

    /// Starts the server with a configuration file, which is written first if its content is given.
    fn serve(&self, source: &ServerSource, config: &str, content: Option<&str>) -> Result<(), RuntimeError> {
        if self.clock.is_some() {
            faketime::check(&servers::program_of(source))?;
        }
        if self.clock.is_some() && !files::is_there(&self.folder.join(CLOCK)) {
            self.set_clock(0)?;
        }
        self.start(|_| {
            let file = self.folder.join(config);
            if let Some(content) = content {
                files::put(&file, content.as_bytes())?;
            }
            let mut sandbox = servers::sandbox(source, self.limits)?;
            let folder = self.workplace();
            let (given, used) = (self.folder.join(CLUSTER_CONFIG), folder.join(CLUSTER_CONFIG));
            if given != used && files::is_there(&given) && !files::is_there(&used) {
                files::put(&used, &fs::read(given)?)?;
            }
            sandbox.works_in(&self.folder).works_in(&folder).argument(text(&file)?);
            if self.sentinel {
                sandbox.argument("--sentinel");
            }
            if let Some(libraries) = &self.clock {
                let control = self.folder.join(CLOCK);
                for (name, value) in faketime::environment(text(libraries)?, text(&control)?) {
                    sandbox.variable(name, value);
                }
                sandbox.reads(libraries);
            }
            Ok(sandbox)
        })?;
        if self.clock.is_some() { self.prove_clock() } else { Ok(()) }
    }

    /// Makes sure that the server sees the clock through the library: one that is linked statically, or against another C library, does not.
    fn prove_clock(&self) -> Result<(), RuntimeError> {
        let failed = |reason: String| {
            RuntimeError::Server(format!(
                "the clock of {} cannot be set: {reason}; use a server that is linked dynamically against glibc, such as Debian's",
                self.name
            ))
        };
        let deadline = Instant::now() + PRELOAD_LIMIT;
        while self.alive()? {
            let pid = self.server().as_ref().map(Child::id).unwrap_or_default();
            if fs::read_to_string(format!("/proc/{pid}/maps")).is_ok_and(|maps| maps.contains("libfaketime")) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(failed("its server did not load libfaketime".to_owned()));
            }
            thread::sleep(Duration::from_millis(1));
        }
        let logs = self.logs();
        Err(failed(format!("its server ended at once and said `{}`", logs.lines().last().unwrap_or_default())))
    }

    /// Sets the clock its server sees, now and at later starts.
    pub(super) fn set_clock(&self, offset: i64) -> Result<(), RuntimeError> {
        let action = format!("setting the clock of {}", self.name);
        if self.clock.is_none() {
            return Err(RuntimeError::failed(action, "it did not ask for one that can be set"));
        }
        // Renamed, so that the server never reads half of it.
        let (file, aside) = (self.folder.join(CLOCK), self.folder.join(format!(".{CLOCK}")));
        let written = files::put(&aside, faketime::control(offset).as_bytes());
        written.and_then(|()| fs::rename(aside, file)).map_err(|error| RuntimeError::failed(action, error))
    }

    /// Starts a program in a sandbox on the node's network, with its output in the log.
    pub(super) fn start(&self, prepare: impl Fn(Limits) -> io::Result<Sandbox> + Sync) -> Result<(), RuntimeError> {
        let name = &self.name;
        let mut server = self.ended("starting")?;
        let spawn = || -> io::Result<Child> {
            let sandbox = prepare(self.limits)?;
            let log = self.log.writer()?;
            sandbox::start(&sandbox, Stdio::from(log.try_clone()?), Stdio::from(log))
        };
        let started = || spawn().map_err(|error| RuntimeError::failed(format!("starting {name}"), error));
        // A thread of its own: one that has entered a namespace, and whose child is the first in another, is never used for anything else.
        let child = thread::scope(|scope| scope.spawn(|| within(&self.namespace, started)).join());
        let child = child.unwrap_or_else(|_| Err(RuntimeError::failed(format!("starting {name}"), "it panicked")))?;
        if let Some(mut before) = server.replace(child)
            && let Ok(Some(status)) = before.try_wait()
        {
            *self.previous.lock().unwrap_or_else(PoisonError::into_inner) = Some((before.id(), status));
        }
        Ok(())
    }

    /// The latest process and how it ended, if it has; `None` where there is none, or one is being started right now.
    pub(super) fn process(&self) -> Option<(u32, Option<ExitStatus>)> {
        let mut server = self.server.try_lock().ok()?;
        let child = server.as_mut()?;
        Some((child.id(), child.try_wait().ok().flatten()))
    }

    /// How a process ended that is no longer the latest one.
    pub(super) fn end_of(&self, process: u32) -> Option<ExitStatus> {
        let previous = *self.previous.lock().unwrap_or_else(PoisonError::into_inner);
        previous.filter(|(known, _)| *known == process).map(|(_, status)| status)
    }

    fn disk(&self) -> MutexGuard<'_, Option<Disk>> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where its server works and writes.
    fn workplace(&self) -> PathBuf {
        self.disk().as_ref().map_or_else(|| self.folder.clone(), |disk| disk.folder().to_owned())
    }

    /// Fills the node's disk, or gives the room back.
    pub(super) fn fill_disk(&self, full: bool) -> Result<(), RuntimeError> {
        let action = format!("{} the disk of {}", if full { "filling" } else { "freeing" }, self.name);
        let disk = self.disk();
        let disk = disk.as_ref().ok_or_else(|| RuntimeError::failed(action.as_str(), "it has none of its own"))?;
        let done = if full { disk.fill() } else { disk.free() };
        done.map_err(|error| RuntimeError::failed(action, error))
    }

    /// Unmounts the node's disk and its folder.
    pub(super) fn drop_disk(&self) {
        *self.disk() = None;
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Where the node's files lie.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<(Instant, Instant), RuntimeError> {
        let action = format!("sending {signal:?} to {}", self.name);
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
        let ended = running.try_wait().map_err(|error| RuntimeError::failed(format!("looking at {}", self.name), error))?;
        Ok(ended.is_none())
    }

    pub(super) fn state(&self) -> Result<ServerState, RuntimeError> {
        if !self.alive()? {
            return Ok(ServerState::Gone);
        }
        let pid = self.server().as_ref().map(Child::id);
        let known = pid.and_then(|pid| Some((pid, start_time(pid)?)));
        Ok(match known.map(|(pid, started)| state(pid, started)) {
            Some(ServerState::Stopped) => ServerState::Stopped,
            // One whose first thread has ended, while others are still ending, is not gone: it cannot be started again yet.
            Some(ServerState::Running | ServerState::Gone) | None => ServerState::Running,
        })
    }

    pub(super) fn logs(&self) -> String {
        self.log.text()
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
        outcome.err().map(|error| format!("server process of {}: {error}", self.name))
    }
}

/// The name of a file as text, as arguments and variables are written.
fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::Error::other(format!("the name {} is not text", path.display())))
}
