//! Removing what carries our labels, until nothing does.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder};
use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::labels::{Filter, NODE, OWNER, RUN};
use crate::runtime::{Owner, RuntimeError};

/// Pause before objects that could not be removed are tried again.
const RETRY: Duration = Duration::from_millis(100);

/// An object of this tool on the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    kind: Kind,
    id: String,
    name: String,
    labels: HashMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Container,
    Network,
}

impl Object {
    /// In words.
    pub(super) fn describe(&self) -> String {
        let what = match self.kind {
            Kind::Container => "container",
            Kind::Network => "network",
        };
        let run = self.labels.get(RUN).map_or("unknown", String::as_str);
        match self.labels.get(NODE) {
            Some(node) => format!("{what} {} ({node} of run {run})", self.name),
            None => format!("{what} {} (of run {run})", self.name),
        }
    }

    /// Whether its owner is known to be gone.
    pub(super) fn is_orphan(&self) -> bool {
        self.labels.get(OWNER).and_then(|owner| owner.parse::<Owner>().ok()).is_some_and(|owner| owner.is_dead())
    }

    async fn remove(&self, engine: &Docker) -> Result<(), String> {
        let removed = match self.kind {
            Kind::Container => {
                let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
                engine.remove_container(&self.id, Some(options)).await
            }
            Kind::Network => engine.remove_network(&self.id).await,
        };
        match removed {
            // Gone, or being removed by somebody else at this moment.
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
            // Its containers are gone and the engine still counts one: only a restart makes it count again (moby issue 42119).
            Err(Error::DockerResponseServerError { message, .. }) if message.contains("has active endpoints") => Err(format!(
                "{}, which the engine believes to be in use (if it is not: restart the engine, then run `redquake clean`)",
                self.describe()
            )),
            Err(error) => Err(format!("{}: {error}", self.describe())),
        }
    }
}

/// Objects that match, containers before networks.
pub(super) async fn list(engine: &Docker, filter: &Filter) -> Result<Vec<Object>, RuntimeError> {
    let failed = |error: Error| RuntimeError::failed("listing the objects of this tool", error);
    let containers = ListContainersOptionsBuilder::new().all(true).filters(&filter.parameter()).build();
    let networks = ListNetworksOptionsBuilder::new().filters(&filter.parameter()).build();
    let (containers, networks) = tokio::join!(engine.list_containers(Some(containers)), engine.list_networks(Some(networks)));
    let containers = containers.map_err(failed)?.into_iter().map(|container| Object {
        kind: Kind::Container,
        id: container.id.unwrap_or_default(),
        name: container.names.into_iter().flatten().next().unwrap_or_default().trim_start_matches('/').to_owned(),
        labels: container.labels.unwrap_or_default(),
    });
    let networks = networks.map_err(failed)?.into_iter().map(|network| Object {
        kind: Kind::Network,
        id: network.id.unwrap_or_default(),
        name: network.name.unwrap_or_default(),
        labels: network.labels.unwrap_or_default(),
    });
    Ok(containers.chain(networks).collect())
}

/// Removes objects: containers in parallel, then networks, which cannot go before them. Returns what failed, in words.
pub(super) async fn remove(engine: &Docker, objects: &[Object]) -> Vec<String> {
    let mut failures = Vec::new();
    for kind in [Kind::Container, Kind::Network] {
        let removals = objects.iter().filter(|object| object.kind == kind).map(|object| object.remove(engine));
        failures.extend(join_all(removals).await.into_iter().filter_map(Result::err));
    }
    failures
}

/// Waits for creations under way, then lists and removes until nothing matches or the limit has passed; returns what is left.
pub(super) async fn remove_all(engine: &Docker, filter: &Filter, work: &TaskTracker, limit: Duration) -> Vec<String> {
    let deadline = Instant::now() + limit;
    work.close();
    // A creation the engine has begun goes on whether or not somebody waits for its answer, so it must be waited for.
    let _ = tokio::time::timeout_at(deadline, work.wait()).await;
    let mut left = vec!["unknown: the engine did not answer in time".to_owned()];
    let _ = tokio::time::timeout_at(deadline, async {
        for round in 0_u32.. {
            if round > 1 {
                tokio::time::sleep(RETRY).await;
            }
            match list(engine, filter).await {
                Ok(objects) if objects.is_empty() => {
                    left.clear();
                    return;
                }
                Ok(objects) => {
                    left = objects.iter().map(Object::describe).collect();
                    let failures = remove(engine, &objects).await;
                    if !failures.is_empty() {
                        left = failures;
                    }
                }
                Err(error) => left = vec![format!("unknown: {error}")],
            }
        }
    })
    .await;
    left
}
