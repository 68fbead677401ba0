//! One trial's nodes as processes on a private network.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redquake_experiments::spec::Role;
use tokio::task::spawn_blocking;

use super::faketime::provide_clock;
use super::links::{Network, Place};
use super::mounts::SCRATCH;
use super::node::{Node, Room};
use super::watch::Watch;
use crate::namespace::Namespace;
use crate::postgres;
use crate::runtime::{
    Announce, Configuration, DATA_PORT, DatabaseNode, Lab, LabNode, LabRequest, LabZone, NodeAddress, NodeFile, RuntimeError,
    SENTINEL_PORT, ServerSource, ServerState, Sight, Signal,
};
use crate::sandbox::Limits;

/// Longest time the nodes' files may take to go.
const REMOVAL_LIMIT: Duration = Duration::from_secs(5);

/// The nodes of one trial, each a process in a network namespace that outlives it.
#[derive(Debug)]
pub struct ProcessLab {
    server: ServerSource,
    network: Network,
    folder: PathBuf,
    places: Vec<LabNode>,
    nodes: Vec<Arc<Node>>,
    database: OnceLock<Arc<Node>>,
    clients: Namespace,
    zones: Vec<LabZone>,
    zone_namespaces: Vec<Namespace>,
    watch: Mutex<Watch>,
}

impl ProcessLab {
    /// Blocking part of `open`; `number` is the lab's own within the run.
    pub(super) fn open(number: u32, request: LabRequest) -> Result<Self, RuntimeError> {
        let clocks: Vec<bool> = request.nodes.iter().map(|node| node.clock).collect();
        let quiet: Announce = Arc::new(|_| ());
        let libraries = clocks.contains(&true).then(|| provide_clock(&quiet)).transpose()?;
        let network = Network::new(number, request.nodes.iter().map(|node| node.name.as_str()), request.zones.len())?;
        let folder = PathBuf::from(SCRATCH).join(format!("lab{number}"));
        let removing = |error| {
            network.remove();
            let _ = fs::remove_dir_all(&folder);
            error
        };
        let mut namespaces = network.create().map_err(removing)?;
        let watch = Mutex::new(Watch::new(&network).map_err(removing)?);
        fs::create_dir_all(&folder).map_err(|error| removing(RuntimeError::failed("making the lab's folder", error)))?;
        let zone_namespaces = namespaces.split_off(namespaces.len() - network.zones().len());
        let clients =
            namespaces.pop().ok_or_else(|| removing(RuntimeError::failed("making the lab network", "no namespace for clients")))?;
        let zone = |(name, place): (String, &Place)| LabZone { name, address: place.address };
        let zones = request.zones.into_iter().zip(network.zones()).map(zone).collect();
        let limits = Limits::of_server(request.nodes.len());
        let rooms = request.nodes.iter().map(|node| {
            let made = Room::make(folder.join(&node.name), node.disk, limits);
            made.map_err(|error| RuntimeError::failed(format!("mounting a disk for {}", node.name), error))
        });
        let rooms: Vec<Room> = rooms.collect::<Result<_, _>>().map_err(removing)?;
        let places: Vec<LabNode> = request
            .nodes
            .into_iter()
            .zip(network.nodes())
            .map(|(node, place)| {
                let port = if node.role == Role::Sentinel { SENTINEL_PORT } else { DATA_PORT };
                LabNode { name: node.name, role: node.role, address: NodeAddress { ip: place.address, port } }
            })
            .collect();
        let node = |(((place, namespace), room), clock): (((&LabNode, Namespace), Room), bool)| {
            let clock = libraries.clone().filter(|_| clock);
            Arc::new(Node::new(&place.name, place.role == Role::Sentinel, namespace, room, clock))
        };
        let nodes = places.iter().zip(namespaces).zip(rooms).zip(clocks).map(node).collect();
        Ok(Self {
            server: request.server,
            network,
            folder,
            places,
            nodes,
            database: OnceLock::new(),
            clients,
            zones,
            zone_namespaces,
            watch,
        })
    }

    fn node(&self, name: &str) -> Result<&Arc<Node>, RuntimeError> {
        let mut nodes = self.nodes.iter().chain(self.database.get());
        nodes.find(|node| node.name == name).ok_or_else(|| RuntimeError::NoSuchNode(name.to_owned()))
    }
}

#[async_trait]
impl Lab for ProcessLab {
    fn nodes(&self) -> &[LabNode] {
        &self.places
    }

    fn zones(&self) -> &[LabZone] {
        &self.zones
    }

    async fn zone_namespace(&self, zone: &str) -> Result<Namespace, RuntimeError> {
        let mut zones = self.zones.iter().zip(&self.zone_namespaces);
        let found = zones.find(|(known, _)| known.name == zone).map(|(_, namespace)| namespace.clone());
        found.ok_or_else(|| RuntimeError::NoSuchZone(zone.to_owned()))
    }

    fn client_namespace(&self) -> Option<Namespace> {
        Some(self.clients.clone())
    }

    async fn put(&self, node: &str, file: NodeFile) -> Result<(), RuntimeError> {
        self.node(node)?.put(&file)
    }

    async fn boot(&self, node: &str, config: NodeFile) -> Result<(), RuntimeError> {
        let node = Arc::clone(self.node(node)?);
        let server = self.server.clone();
        spawn_blocking(move || node.boot(&server, config)).await.map_err(|error| RuntimeError::failed("starting a node", error))?
    }

    async fn restart(&self, node: &str, configuration: Configuration) -> Result<(), RuntimeError> {
        let node = Arc::clone(self.node(node)?);
        let server = self.server.clone();
        let starting = spawn_blocking(move || node.restart(&server, configuration));
        starting.await.map_err(|error| RuntimeError::failed("starting a node again", error))?
    }

    async fn wipe(&self, node: &str) -> Result<(), RuntimeError> {
        let node = Arc::clone(self.node(node)?);
        spawn_blocking(move || node.wipe()).await.map_err(|error| RuntimeError::failed("wiping a node", error))?
    }

    async fn fill_disk(&self, node: &str) -> Result<(), RuntimeError> {
        let node = Arc::clone(self.node(node)?);
        spawn_blocking(move || node.fill_disk(true)).await.map_err(|error| RuntimeError::failed("filling a disk", error))?
    }

    async fn free_disk(&self, node: &str) -> Result<(), RuntimeError> {
        let node = Arc::clone(self.node(node)?);
        spawn_blocking(move || node.fill_disk(false)).await.map_err(|error| RuntimeError::failed("freeing a disk", error))?
    }

    async fn set_clock(&self, node: &str, offset: i64) -> Result<(), RuntimeError> {
        self.node(node)?.set_clock(offset)
    }

    async fn state(&self, node: &str) -> Result<ServerState, RuntimeError> {
        self.node(node)?.state()
    }

    async fn attach(&self, database: DatabaseNode) -> Result<NodeAddress, RuntimeError> {
        let (network, folder, servers) = (self.network.clone(), self.folder.join(postgres::NAME), self.nodes.len() + 1);
        let placing = spawn_blocking(move || {
            let (place, namespace) = network.attach(postgres::NAME)?;
            let room = Room::make(folder, None, Limits::of_server(servers))
                .map_err(|error| RuntimeError::failed("mounting a disk for the database", error))?;
            Ok::<_, RuntimeError>((place.address, Arc::new(Node::new(postgres::NAME, false, namespace, room, None))))
        });
        let (ip, node) = placing.await.map_err(|error| RuntimeError::failed("adding to the lab network", error))??;
        let twice = |_| RuntimeError::failed("adding a database", "the lab has one");
        self.database.set(Arc::clone(&node)).map_err(twice)?;
        let starting = spawn_blocking(move || {
            let DatabaseNode { source, max_connections } = database;
            node.start(|limits| postgres::sandbox(&source, node.folder(), ip, max_connections, limits))
        });
        starting.await.map_err(|error| RuntimeError::failed("starting the database", error))??;
        Ok(NodeAddress { ip, port: postgres::PORT })
    }

    async fn signal(&self, node: &str, signal: Signal) -> Result<(Instant, Instant), RuntimeError> {
        self.node(node)?.signal(signal)
    }

    async fn alive(&self, node: &str) -> Result<bool, RuntimeError> {
        self.node(node)?.alive()
    }

    fn look(&self) -> Vec<Sight> {
        let nodes: Vec<&Arc<Node>> = self.nodes.iter().chain(self.database.get()).collect();
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).look(&nodes, &self.zones, &self.network)
    }

    async fn namespace(&self, node: &str) -> Result<Namespace, RuntimeError> {
        Ok(self.node(node)?.namespace.clone())
    }

    async fn logs(&self, node: &str) -> Result<String, RuntimeError> {
        Ok(self.node(node)?.logs())
    }

    async fn close(&self) -> Vec<String> {
        let nodes: Vec<Arc<Node>> = self.nodes.iter().chain(self.database.get()).cloned().collect();
        let network = self.network.clone();
        let folder = self.folder.clone();
        let closing = spawn_blocking(move || {
            // All die at once, and each is waited for afterwards.
            nodes.iter().for_each(|node| node.kill());
            let mut left: Vec<String> = nodes.iter().filter_map(|node| node.reap()).collect();
            left.extend(network.remove());
            nodes.iter().for_each(|node| node.drop_disk());
            // The helpers of a database see its end a moment later, and may write until then.
            let deadline = Instant::now() + REMOVAL_LIMIT;
            while fs::remove_dir_all(&folder).is_err() && folder.exists() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(10));
            }
            if folder.exists() {
                left.push(format!("folder {}", folder.display()));
            }
            left
        });
        closing.await.unwrap_or_else(|error| vec![format!("the lab, because closing it failed: {error}")])
    }
}
