//! The runtime `docker`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redquake_experiments::plan::RuntimeKind;
use redquake_experiments::spec::Server;
use tokio_util::task::TaskTracker;

use super::Engine;
use super::cleanup;
use super::lab::DockerLab;
use super::labels::Filter;
use crate::images;
use crate::runtime::{Announce, Lab, LabRequest, Leftover, Runtime, RuntimeError, RuntimeInfo, ServerSource, Sweep, Swept};

/// Longest time the removal of a run may take before what is left is reported.
const SWEEP_LIMIT: Duration = Duration::from_secs(30);

/// Servers as containers of a Docker engine.
#[derive(Debug)]
pub struct DockerRuntime {
    engine: Engine,
    /// Creations under way, by run, so that a sweep can wait for them.
    work: Mutex<HashMap<String, Vec<TaskTracker>>>,
}

/// Connects to the Docker engine that answers here.
///
/// # Errors
/// `Unavailable`, with the way out, when none does.
pub async fn connect() -> Result<DockerRuntime, RuntimeError> {
    Ok(DockerRuntime { engine: Engine::connect().await?, work: Mutex::default() })
}

impl DockerRuntime {
    /// Images that the tool built here.
    ///
    /// # Errors
    /// An engine that does not list them.
    pub async fn images(&self) -> Result<Vec<images::Built>, RuntimeError> {
        images::built(&self.engine.client).await
    }

    /// Removes one of them.
    ///
    /// # Errors
    /// The engine's reason, for example that a container uses it.
    pub async fn remove_image(&self, image: &images::Built) -> Result<(), RuntimeError> {
        images::remove(&self.engine.client, image).await
    }

    fn track(&self, run: &str) -> TaskTracker {
        let tracker = TaskTracker::new();
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let trackers = work.entry(run.to_owned()).or_default();
        trackers.retain(|known| !(known.is_closed() && known.is_empty()));
        trackers.push(tracker.clone());
        tracker
    }
}

#[async_trait]
impl Runtime for DockerRuntime {
    fn info(&self) -> RuntimeInfo {
        RuntimeInfo { kind: RuntimeKind::Docker, version: format!("docker {}", self.engine.version) }
    }

    async fn provide(&self, server: &Server, announce: &Announce) -> Result<ServerSource, RuntimeError> {
        images::provide(&self.engine.client, server, announce).await
    }

    async fn provide_postgres(&self, version: &str, announce: &Announce) -> Result<ServerSource, RuntimeError> {
        images::provide_postgres(&self.engine.client, version, announce).await
    }

    async fn open(&self, request: LabRequest) -> Result<Arc<dyn Lab>, RuntimeError> {
        let work = self.track(&request.run);
        Ok(Arc::new(DockerLab::open(&self.engine.client, request, work).await?))
    }

    async fn leftovers(&self) -> Result<Vec<Leftover>, RuntimeError> {
        let objects = cleanup::list(&self.engine.client, &Filter::ours()).await?;
        Ok(objects.iter().map(|object| Leftover { what: object.describe_with_owner(), fate: object.fate() }).collect())
    }

    async fn sweep(&self, which: Sweep) -> Result<Swept, RuntimeError> {
        cleanup::sweep(&self.engine.client, |object| which.takes(object.fate()), SWEEP_LIMIT).await
    }

    fn is_local(&self) -> bool {
        self.engine.local
    }

    async fn sweep_run(&self, run: &str) -> Vec<String> {
        let under_way = self.work.lock().unwrap_or_else(PoisonError::into_inner).remove(run).unwrap_or_default();
        for work in &under_way {
            work.close();
            let _ = tokio::time::timeout(SWEEP_LIMIT, work.wait()).await;
        }
        cleanup::remove_all(&self.engine.client, &Filter::of_run(run), &TaskTracker::new(), SWEEP_LIMIT).await
    }
}
