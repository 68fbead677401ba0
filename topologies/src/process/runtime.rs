//! The runtime itself: opens labs inside the namespaces the tool has entered.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use redquake_experiments::plan::RuntimeKind;
use redquake_experiments::spec::Server;
use tokio::task::spawn_blocking;

use super::lab::ProcessLab;
use super::{inside, servers};
use crate::postgres;
use crate::runtime::{Announce, Lab, LabRequest, Leftover, Runtime, RuntimeError, RuntimeInfo, ServerSource, Sweep, Swept};

/// Runs servers as child processes. Only inside the namespaces made by [`enter()`](super::enter()).
#[derive(Debug)]
pub struct ProcessRuntime {
    labs: AtomicU32,
}

impl ProcessRuntime {
    /// The runtime of this run; one for all its trials, which it tells apart.
    ///
    /// # Errors
    /// [`RuntimeError::Unavailable`] outside the namespaces, where it would touch the machine.
    pub fn new() -> Result<Self, RuntimeError> {
        if !inside::inside() {
            let text = "the runtime `process` works only inside namespaces of its own; this is a bug in the tool: it did not enter them";
            return Err(RuntimeError::Unavailable(text.to_owned()));
        }
        Ok(Self { labs: AtomicU32::new(0) })
    }
}

#[async_trait]
impl Runtime for ProcessRuntime {
    fn info(&self) -> RuntimeInfo {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        RuntimeInfo { kind: RuntimeKind::Process, version: format!("process (Linux {})", kernel.trim()) }
    }

    async fn provide(&self, server: &Server, announce: &Announce) -> Result<ServerSource, RuntimeError> {
        servers::provide(server, announce).await
    }

    async fn provide_postgres(&self, version: &str, announce: &Announce) -> Result<ServerSource, RuntimeError> {
        postgres::provide(version, announce).await
    }

    async fn open(&self, request: LabRequest) -> Result<Arc<dyn Lab>, RuntimeError> {
        let number = self.labs.fetch_add(1, Ordering::Relaxed) + 1;
        let opening = spawn_blocking(move || ProcessLab::open(number, request));
        let lab = opening.await.map_err(|error| RuntimeError::failed("opening a lab", error))??;
        Ok(Arc::new(lab))
    }

    /// Nothing, ever: the kernel removes what a run made when the run ends, however it ends.
    async fn leftovers(&self) -> Result<Vec<Leftover>, RuntimeError> {
        Ok(Vec::new())
    }

    /// Has nothing to remove, see [`leftovers`](Runtime::leftovers).
    async fn sweep(&self, _: Sweep) -> Result<Swept, RuntimeError> {
        Ok(Swept::default())
    }
}
