//! Where servers run: a Docker engine where one answers, else inside namespaces of the run's own.

use std::sync::Arc;

use redquake_experiments::plan::{Capabilities, RuntimeKind};
use redquake_topologies::process::{self, ProcessRuntime};
use redquake_topologies::runtime::{Runtime, RuntimeError};
use redquake_topologies::{docker, doctor};

use super::args::RuntimeChoice;
use crate::ui::{Failure, Progress};

/// A decision for one of the runtimes.
pub enum Chosen {
    /// It can be used from here.
    Here(Arc<dyn Runtime>, Capabilities),
    /// The tool must start itself again inside namespaces of its own first.
    Inside,
}

/// Decides, and says so where the decision may surprise.
pub async fn choose(choice: RuntimeChoice, progress: &Progress) -> Result<Chosen, Failure> {
    if process::inside() {
        let runtime = ProcessRuntime::new().map_err(environment)?;
        return Ok(Chosen::Here(Arc::new(runtime), doctor::capabilities(RuntimeKind::Process).await));
    }
    if choice == RuntimeChoice::Process {
        return Ok(Chosen::Inside);
    }
    match docker::connect().await {
        Ok(engine) => Ok(Chosen::Here(Arc::new(engine), doctor::capabilities(RuntimeKind::Docker).await)),
        Err(error) if choice == RuntimeChoice::Docker => Err(environment(error)),
        Err(_) => {
            progress
                .line("no Docker engine answers: servers run as child processes in namespaces of their own (`redquake doctor` says more)");
            Ok(Chosen::Inside)
        }
    }
}

/// What the machine can do with the runtime that would be chosen, without touching anything.
pub async fn capabilities(choice: RuntimeChoice) -> Capabilities {
    let docker = choice == RuntimeChoice::Docker || (choice == RuntimeChoice::Auto && docker::connect().await.is_ok());
    doctor::capabilities(if docker { RuntimeKind::Docker } else { RuntimeKind::Process }).await
}

fn environment(error: RuntimeError) -> Failure {
    Failure::environment(error.to_string())
}
