//! A node's or zone's place on the network: a container and its first process.

use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use super::process::Process;
use super::raise::State;
use crate::namespace::Namespace;
use crate::runtime::{NodeFile, RuntimeError};

/// A node's container and what is known of its first process.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) container: String,
    pub(super) process: watch::Sender<State>,
    /// The configuration of the first start.
    pub(super) original: OnceLock<NodeFile>,
    /// Whether the next start removes what earlier ones have written.
    pub(super) wipe: AtomicBool,
    /// Whether its server works on a disk of its own.
    pub(super) disk: bool,
    /// Nanoseconds by which its server's wall clock is ahead, if it can be set.
    pub(super) clock: Option<AtomicI64>,
}

impl Place {
    /// That of a container that is being made.
    pub(super) fn new(container: String) -> Self {
        Self {
            container,
            process: watch::Sender::new(State::Starting),
            original: OnceLock::new(),
            wipe: AtomicBool::new(false),
            disk: false,
            clock: None,
        }
    }

    /// The container's first process, once it has one.
    pub(super) async fn up(&self) -> Result<Arc<Process>, RuntimeError> {
        let mut state = self.process.subscribe();
        let state = state.wait_for(|state| !matches!(state, State::Starting)).await.map(|state| state.clone());
        match state {
            Ok(State::Up(process)) => Ok(process),
            Ok(State::Failed(why)) => Err(RuntimeError::failed(format!("starting {}", self.container), why)),
            Ok(State::Starting) | Err(_) => Err(RuntimeError::failed(format!("starting {}", self.container), "it was given up")),
        }
    }

    /// Its network namespace, once it has one; `what` is what it is called where there is none to be had.
    pub(super) async fn namespace(&self, what: &str) -> Result<Namespace, RuntimeError> {
        let refused = || RuntimeError::Privilege(format!("the network namespace of {what} may not be opened by this user; run as root"));
        self.up().await?.namespace().ok_or_else(refused)
    }
}
