//! Removing what carries our labels, until nothing does.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{
    InspectNetworkOptions, ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};
use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::labels::{Filter, NODE, OWNER, RUN};
use crate::runtime::{Fate, Owner, RuntimeError, Swept};

/// Pause before objects that could not be removed are tried again.
const RETRY: Duration = Duration::from_millis(100);
/// How long after the last one was removed another object of a killed tool may appear: what the engine takes to make one.
const LATE: Duration = Duration::from_millis(500);
/// What is still there after being asked for this long, while nothing else goes, does not go by itself.
const STUCK: Duration = Duration::from_secs(3);

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
    Volume,
}

impl Object {
    /// In words.
    pub(super) fn describe(&self) -> String {
        let what = match self.kind {
            Kind::Container => "container",
            Kind::Network => "network",
            Kind::Volume => "volume",
        };
        let run = self.labels.get(RUN).map_or("unknown", String::as_str);
        match self.labels.get(NODE) {
            Some(node) => format!("{what} {} ({node} of run {run})", self.name),
            None => format!("{what} {} (of run {run})", self.name),
        }
    }

    /// In words, with who made it and whether that process lives.
    pub(super) fn describe_with_owner(&self) -> String {
        let owner = self.owner().map_or("somebody who did not sign".to_owned(), |owner| owner.describe());
        format!("{}, made by {owner}", self.describe())
    }

    /// What is known of its owner.
    pub(super) fn fate(&self) -> Fate {
        self.owner().map_or(Fate::Unknown, |owner| owner.fate())
    }

    fn owner(&self) -> Option<Owner> {
        self.labels.get(OWNER)?.parse().ok()
    }

    async fn remove(&self, engine: &Docker) -> Result<(), String> {
        let removed = match self.kind {
            Kind::Container => {
                let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
                engine.remove_container(&self.id, Some(options)).await
            }
            Kind::Network => engine.remove_network(&self.id).await,
            Kind::Volume => engine.remove_volume(&self.id, None::<RemoveVolumeOptions>).await,
        };
        match removed {
            // Gone, or being removed by somebody else at this moment.
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
            Err(Error::DockerResponseServerError { message, .. }) if message.contains("has active endpoints") => {
                Err(format!("{}, {}", self.describe(), self.in_use(engine).await))
            }
            Err(error) => Err(format!("{}: {error}", self.describe())),
        }
    }

    /// Why the engine does not give a network away, and the way out.
    async fn in_use(&self, engine: &Docker) -> String {
        let network = engine.inspect_network(&self.id, None::<InspectNetworkOptions>).await;
        let members = network.ok().and_then(|network| network.containers).unwrap_or_default();
        let names: Vec<String> = members.into_values().filter_map(|member| member.name).collect();
        if names.is_empty() {
            // Its containers are gone and the engine still counts one: only a restart makes it count again (moby issue 42119).
            return "which the engine believes to be in use (if it is not: restart the engine, then run `redquake clean`)".to_owned();
        }
        format!("to which somebody has connected {} (`docker network disconnect`, then run `redquake clean`)", names.join(", "))
    }
}

/// Objects that match, containers before networks and volumes.
pub(super) async fn list(engine: &Docker, filter: &Filter) -> Result<Vec<Object>, RuntimeError> {
    let failed = |error: Error| RuntimeError::failed("listing the objects of this tool", error);
    let containers = ListContainersOptionsBuilder::new().all(true).filters(&filter.parameter()).build();
    let networks = ListNetworksOptionsBuilder::new().filters(&filter.parameter()).build();
    let volumes = ListVolumesOptionsBuilder::new().filters(&filter.parameter()).build();
    let (containers, networks, volumes) =
        tokio::join!(engine.list_containers(Some(containers)), engine.list_networks(Some(networks)), engine.list_volumes(Some(volumes)));
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
    let volumes = volumes.map_err(failed)?.volumes.into_iter().flatten().map(|volume| Object {
        kind: Kind::Volume,
        id: volume.name.clone(),
        name: volume.name,
        labels: volume.labels,
    });
    Ok(containers.chain(networks).chain(volumes).collect())
}

/// Removes the objects of this tool that are wanted, until none is there or the limit has passed. Looks again until nothing new has come
/// for a while: what a tool had asked the engine for right before it was killed may appear only now.
pub(super) async fn sweep(engine: &Docker, wanted: impl Fn(&Object) -> bool, limit: Duration) -> Result<Swept, RuntimeError> {
    let deadline = Instant::now() + limit;
    let (mut seen, mut before): (Vec<Object>, Vec<Object>) = (Vec::new(), Vec::new());
    let mut failures = Vec::new();
    let mut changed = Instant::now();
    loop {
        let mut objects = list(engine, &Filter::ours()).await?;
        objects.retain(|object| wanted(object));
        if objects != before {
            changed = Instant::now();
            before.clone_from(&objects);
        }
        seen.extend(objects.iter().filter(|object| !seen.contains(object)).cloned().collect::<Vec<_>>());
        let enough = if objects.is_empty() { LATE } else { STUCK };
        if seen.is_empty() || changed.elapsed() >= enough || Instant::now() >= deadline {
            let (left, removed): (Vec<_>, Vec<_>) = seen.into_iter().partition(|object| objects.contains(object));
            // What says why comes instead of what says only that.
            let unexplained = left.iter().map(Object::describe).filter(|what| !failures.iter().any(|why: &String| why.starts_with(what)));
            let left = unexplained.collect::<Vec<_>>().into_iter().chain(failures).collect();
            return Ok(Swept { removed: removed.iter().map(Object::describe_with_owner).collect(), left });
        }
        failures = remove(engine, &objects).await;
        tokio::time::sleep(RETRY).await;
    }
}

/// Removes objects: containers in parallel, then networks and volumes, which cannot go before them. Returns what failed, in words.
pub(super) async fn remove(engine: &Docker, objects: &[Object]) -> Vec<String> {
    let mut failures = Vec::new();
    for kind in [Kind::Container, Kind::Network, Kind::Volume] {
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
    let mut changed = (Vec::new(), Instant::now());
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
                    if changed.0 != objects {
                        changed = (objects, Instant::now());
                    }
                    if !failures.is_empty() {
                        left = failures;
                        if changed.1.elapsed() >= STUCK {
                            return;
                        }
                    }
                }
                Err(error) => left = vec![format!("unknown: {error}")],
            }
        }
    })
    .await;
    left
}
