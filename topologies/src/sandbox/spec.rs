//! What a sandbox is to hold; handed to its stage through a socket, so that neither arguments nor environment tell it.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits::Limits;

/// Longest description that is read.
const LONGEST: u64 = 1 << 20;
/// Longest wait for a sandbox to stand; takes about ten milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program with what it may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sandbox {
    /// What is started, by its absolute path.
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Variables beside those every sandbox has.
    pub(crate) environment: Vec<(String, String)>,
    /// Where it works; one that is writable, or the root.
    pub(crate) folder: PathBuf,
    /// Files and folders it may read and execute, beside the system's programs.
    pub(crate) readable: Vec<PathBuf>,
    /// Folders it owns with all files in them; it may write there, and execute nothing.
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) limits: Limits,
}

impl Sandbox {
    /// One for a program that reads the system's files only.
    pub(crate) fn new(program: impl Into<PathBuf>, limits: Limits) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: PathBuf::from("/"),
            readable: Vec::new(),
            writable: Vec::new(),
            limits,
        }
    }

    pub(crate) fn argument(&mut self, argument: impl Into<String>) -> &mut Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn variable(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Lets it read a file or a folder.
    pub(crate) fn reads(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.readable.push(path.into());
        self
    }

    /// Gives it a folder, in which it works.
    pub(crate) fn works_in(&mut self, folder: &Path) -> &mut Self {
        if !self.writable.iter().any(|given| folder.starts_with(given)) {
            self.writable.push(folder.to_owned());
        }
        self.folder = folder.to_owned();
        self
    }

    /// Sends the description and waits until the program has replaced the stage; the error is the stage's own.
    pub(super) fn send(&self, mut channel: UnixStream) -> io::Result<()> {
        channel.set_read_timeout(Some(PATIENCE))?;
        channel.write_all(&serde_json::to_vec(self)?)?;
        channel.shutdown(Shutdown::Write)?;
        let mut said = String::new();
        // Its end of the channel is closed when it becomes the program: nothing said is nothing wrong.
        channel.take(LONGEST).read_to_string(&mut said)?;
        if said.is_empty() { Ok(()) } else { Err(io::Error::other(format!("its sandbox cannot be made: {said}"))) }
    }

    /// The stage's half of [`send`](Self::send).
    pub(super) fn receive(channel: &UnixStream) -> io::Result<Self> {
        let mut sent = Vec::new();
        channel.take(LONGEST).read_to_end(&mut sent)?;
        Ok(serde_json::from_slice(&sent)?)
    }
}
