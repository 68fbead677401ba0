//! A lab in Docker: one internal network, one container a node, one more to lend clients its namespace.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bollard::Docker;
use bollard::query_parameters::{InspectContainerOptions, KillContainerOptionsBuilder, LogsOptionsBuilder};
use futures_util::StreamExt;
use redquake_experiments::spec::Role;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::container::{self, Blueprint};
use super::labels::{CLIENTS, Labels};
use super::network::{self, LabNetwork};
use super::process::Process;
use super::raise::{self, State};
use super::{cleanup, files};
use crate::namespace::{Namespace, Privilege};
use crate::runtime::{
    DATA_PORT, Lab, LabNode, LabRequest, NodeAddress, NodeFile, NodeSpec, RuntimeError, SENTINEL_PORT, ServerSource, Signal,
};

/// Longest time a removal may take before what is left is reported.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// A lab in Docker.
#[derive(Debug)]
pub struct DockerLab {
    engine: Docker,
    labels: Labels,
    server: ServerSource,
    network: LabNetwork,
    nodes: Vec<LabNode>,
    places: HashMap<String, Place>,
    clients: Option<Namespace>,
    work: TaskTracker,
}

/// A node's container and what is known of its first process.
#[derive(Debug)]
struct Place {
    container: String,
    process: watch::Sender<State>,
}

impl DockerLab {
    /// Creates the network and starts all containers at once; returns when the clients' place is there, while nodes may
    /// still be starting: whoever boots one waits for it.
    pub(super) async fn open(engine: &Docker, request: LabRequest, work: TaskTracker) -> Result<Self, RuntimeError> {
        let labels = Labels::new(&request.run, request.trial);
        let made = {
            // Spawned, so that a caller who drops this future leaves no half-made network behind unnoticed.
            let (engine, labels) = (engine.clone(), labels.clone());
            work.spawn(async move { network::create(&engine, &labels).await }).await
        };
        let network = made.map_err(|error| RuntimeError::failed("creating a network", error))??;
        let mut lab = Self {
            engine: engine.clone(),
            labels,
            server: request.server,
            network,
            nodes: Vec::new(),
            places: HashMap::new(),
            clients: None,
            work,
        };
        match lab.fill(&request.nodes).await {
            Ok(()) => Ok(lab),
            Err(error) => {
                let left = lab.close().await;
                Err(if left.is_empty() {
                    error
                } else {
                    RuntimeError::failed(error.to_string(), format!("left behind: {}", left.join(", ")))
                })
            }
        }
    }

    async fn fill(&mut self, wanted: &[NodeSpec]) -> Result<(), RuntimeError> {
        // In the order in which they are needed: connections are made from the clients' place as soon as the first node answers.
        let mut places = Vec::new();
        let clients = Privilege::current().enter_namespaces().then(|| self.make_room(CLIENTS, self.network.clients(), false, &mut places));
        for (index, node) in wanted.iter().enumerate() {
            let port = if node.role == Role::Sentinel { SENTINEL_PORT } else { DATA_PORT };
            let address = NodeAddress { ip: self.network.node(index), port };
            let place = self.make_room(&node.name, address.ip, true, &mut places);
            self.places.insert(node.name.clone(), place);
            self.nodes.push(LabNode { name: node.name.clone(), role: node.role, address });
        }
        self.work.spawn(raise::all(self.engine.clone(), self.work.clone(), self.network.name.clone(), places));
        let first = match &clients {
            Some(place) => place.up().await?,
            None => match self.nodes.first() {
                Some(node) => self.place(&node.name)?.up().await?,
                None => return Ok(()),
            },
        };
        if !first.is_local() {
            return Err(RuntimeError::Unavailable(
                "the Docker engine runs its containers on another machine, in a virtual machine or in another pid namespace, where \
                 clients of this process cannot reach an internal network; run redquake where the engine runs (in a container: \
                 with `--pid=host`), or use `--runtime process`"
                    .to_owned(),
            ));
        }
        if clients.is_some() {
            self.clients = Some(first.namespace().ok_or_else(|| no_namespace(CLIENTS))?);
        }
        Ok(())
    }

    fn make_room(&self, node: &str, address: Ipv4Addr, server: bool, places: &mut Vec<(Blueprint, watch::Sender<State>)>) -> Place {
        let blueprint = Blueprint {
            name: format!("{}-{node}", self.labels.name()),
            image: self.server.reference.clone(),
            labels: self.labels.of_node(node),
            network: self.network.name.clone(),
            address,
            server,
        };
        let place = Place { container: blueprint.name.clone(), process: watch::Sender::new(State::Starting) };
        places.push((blueprint, place.process.clone()));
        place
    }

    fn place(&self, node: &str) -> Result<&Place, RuntimeError> {
        self.places.get(node).ok_or_else(|| RuntimeError::NoSuchNode(node.to_owned()))
    }

    async fn running(&self, container: &str) -> Result<bool, RuntimeError> {
        let details = self.engine.inspect_container(container, None::<InspectContainerOptions>).await;
        let details = details.map_err(|error| RuntimeError::failed(format!("inspecting the container {container}"), error))?;
        Ok(details.state.and_then(|state| state.running).unwrap_or(false))
    }
}

impl Place {
    /// The container's first process, once it has one.
    async fn up(&self) -> Result<Arc<Process>, RuntimeError> {
        let mut state = self.process.subscribe();
        let state = state.wait_for(|state| !matches!(state, State::Starting)).await.map(|state| state.clone());
        match state {
            Ok(State::Up(process)) => Ok(process),
            Ok(State::Failed(why)) => Err(RuntimeError::failed(format!("starting {}", self.container), why)),
            Ok(State::Starting) | Err(_) => Err(RuntimeError::failed(format!("starting {}", self.container), "it was given up")),
        }
    }
}

#[async_trait]
impl Lab for DockerLab {
    fn nodes(&self) -> &[LabNode] {
        &self.nodes
    }

    fn client_namespace(&self) -> Option<Namespace> {
        self.clients.clone()
    }

    fn client_bind(&self) -> Option<Ipv4Addr> {
        self.clients.is_none().then(|| self.network.gateway())
    }

    async fn boot(&self, node: &str, config: NodeFile) -> Result<(), RuntimeError> {
        let place = self.place(node)?;
        let process = place.up().await?;
        let sentinel = self.nodes.iter().any(|known| known.name == node && known.role == Role::Sentinel);
        let boot = files::of_boot(config, &self.server.binary, sentinel);
        let alive = match process.exists() {
            Some(exists) => exists,
            None => self.running(&place.container).await?,
        };
        if alive && files::write(&process, &boot) {
            return Ok(());
        }
        files::upload(&self.engine, &place.container, &boot).await?;
        if !alive {
            let process = container::start(&self.engine, &place.container).await?;
            place.process.send_replace(State::Up(Arc::new(process)));
        }
        Ok(())
    }

    async fn signal(&self, node: &str, signal: Signal) -> Result<(Instant, Instant), RuntimeError> {
        let place = self.place(node)?;
        let process = place.up().await?;
        let failed = |error: &dyn std::fmt::Display| RuntimeError::failed(format!("sending {signal:?} to {node}"), error);
        if let Some(sent) = process.signal(signal) {
            return sent.map_err(|error| failed(&error));
        }
        let name = match signal {
            Signal::Kill => "SIGKILL",
            Signal::Terminate => "SIGTERM",
            Signal::Stop => "SIGSTOP",
            Signal::Continue => "SIGCONT",
        };
        let options = KillContainerOptionsBuilder::new().signal(name).build();
        let before = Instant::now();
        self.engine.kill_container(&place.container, Some(options)).await.map_err(|error| failed(&error))?;
        Ok((before, Instant::now()))
    }

    async fn alive(&self, node: &str) -> Result<bool, RuntimeError> {
        let place = self.place(node)?;
        match place.up().await?.exists() {
            Some(exists) => Ok(exists),
            None => self.running(&place.container).await,
        }
    }

    async fn namespace(&self, node: &str) -> Result<Namespace, RuntimeError> {
        self.place(node)?.up().await?.namespace().ok_or_else(|| no_namespace(node))
    }

    async fn logs(&self, node: &str) -> Result<String, RuntimeError> {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail("all").build();
        let mut lines = self.engine.logs(&self.place(node)?.container, Some(options));
        let mut text = String::new();
        while let Some(line) = lines.next().await {
            let line = line.map_err(|error| RuntimeError::failed(format!("reading the log of {node}"), error))?;
            text.push_str(&line.to_string());
        }
        Ok(text)
    }

    async fn close(&self) -> Vec<String> {
        cleanup::remove_all(&self.engine, &self.labels.filter(), &self.work, CLOSE_LIMIT).await
    }
}

fn no_namespace(node: &str) -> RuntimeError {
    RuntimeError::Privilege(format!("the network namespace of {node} may not be opened by this user; run as root"))
}
