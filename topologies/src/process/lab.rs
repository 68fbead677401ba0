//! One trial's nodes as processes on a private network.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use redquake_experiments::spec::Role;
use tokio::task::spawn_blocking;

use super::links::Network;
use super::mounts::SCRATCH;
use super::node::Node;
use crate::namespace::Namespace;
use crate::runtime::{DATA_PORT, Lab, LabNode, LabRequest, NodeAddress, NodeFile, RuntimeError, SENTINEL_PORT, ServerSource, Signal};

/// The nodes of one trial, each a process in a network namespace that outlives it.
#[derive(Debug)]
pub struct ProcessLab {
    server: ServerSource,
    network: Network,
    folder: PathBuf,
    places: Vec<LabNode>,
    nodes: Vec<Arc<Node>>,
    clients: Namespace,
}

impl ProcessLab {
    /// Blocking part of `open`; `number` is the lab's own within the run.
    pub(super) fn open(number: u32, request: LabRequest) -> Result<Self, RuntimeError> {
        let network = Network::new(number, request.nodes.iter().map(|node| node.name.as_str()))?;
        let folder = PathBuf::from(SCRATCH).join(format!("lab{number}"));
        let removing = |error| {
            network.remove();
            let _ = fs::remove_dir_all(&folder);
            error
        };
        let mut namespaces = network.create().map_err(removing)?;
        fs::create_dir_all(&folder).map_err(|error| removing(RuntimeError::failed("making the lab's folder", error)))?;
        let clients =
            namespaces.pop().ok_or_else(|| removing(RuntimeError::failed("making the lab network", "no namespace for clients")))?;
        let places: Vec<LabNode> = request
            .nodes
            .into_iter()
            .zip(network.places())
            .map(|(node, place)| {
                let port = if node.role == Role::Sentinel { SENTINEL_PORT } else { DATA_PORT };
                LabNode { name: node.name, role: node.role, address: NodeAddress { ip: place.address, port } }
            })
            .collect();
        let node = |(place, namespace): (&LabNode, Namespace)| Arc::new(Node::new(place.clone(), namespace, folder.join(&place.name)));
        let nodes = places.iter().zip(namespaces).map(node).collect();
        Ok(Self { server: request.server, network, folder, places, nodes, clients })
    }

    fn node(&self, name: &str) -> Result<&Arc<Node>, RuntimeError> {
        self.nodes.iter().find(|node| node.place.name == name).ok_or_else(|| RuntimeError::NoSuchNode(name.to_owned()))
    }
}

#[async_trait]
impl Lab for ProcessLab {
    fn nodes(&self) -> &[LabNode] {
        &self.places
    }

    fn client_namespace(&self) -> Option<Namespace> {
        Some(self.clients.clone())
    }

    async fn boot(&self, node: &str, config: NodeFile) -> Result<(), RuntimeError> {
        let node = Arc::clone(self.node(node)?);
        let server = self.server.clone();
        spawn_blocking(move || node.boot(&server, &config)).await.map_err(|error| RuntimeError::failed("starting a node", error))?
    }

    async fn signal(&self, node: &str, signal: Signal) -> Result<(Instant, Instant), RuntimeError> {
        self.node(node)?.signal(signal)
    }

    async fn alive(&self, node: &str) -> Result<bool, RuntimeError> {
        self.node(node)?.alive()
    }

    async fn namespace(&self, node: &str) -> Result<Namespace, RuntimeError> {
        Ok(self.node(node)?.namespace.clone())
    }

    async fn logs(&self, node: &str) -> Result<String, RuntimeError> {
        self.node(node)?.logs()
    }

    async fn close(&self) -> Vec<String> {
        let nodes = self.nodes.clone();
        let network = self.network.clone();
        let folder = self.folder.clone();
        let closing = spawn_blocking(move || {
            // All die at once, and each is waited for afterwards.
            nodes.iter().for_each(|node| node.kill());
            let mut left: Vec<String> = nodes.iter().filter_map(|node| node.reap()).collect();
            left.extend(network.remove());
            let _ = fs::remove_dir_all(&folder);
            if folder.exists() {
                left.push(format!("folder {}", folder.display()));
            }
            left
        });
        closing.await.unwrap_or_else(|error| vec![format!("the lab, because closing it failed: {error}")])
    }
}
