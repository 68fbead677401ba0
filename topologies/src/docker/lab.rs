//! A lab in Docker: one internal network, one container a node, one more to lend clients its namespace.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bollard::Docker;
use bollard::query_parameters::{InspectContainerOptions, KillContainerOptionsBuilder, LogsOptionsBuilder};
use futures_util::StreamExt;
use redquake_experiments::spec::Role;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::container::{self, Blueprint};
use super::labels::{CLIENTS, DISKS, Labels};
use super::network::{self, LabNetwork};
use super::process::Process;
use super::raise::{self, State};
use super::{cleanup, clock, disk, files};
use crate::namespace::{Namespace, Privilege};
use crate::postgres;
use crate::process::check_clock;
use crate::runtime::{
    Configuration, DATA_PORT, DatabaseNode, Lab, LabNode, LabRequest, LabZone, NodeAddress, NodeFile, NodeSpec, RuntimeError,
    SENTINEL_PORT, ServerSource, ServerState, Signal,
};

/// Longest time a removal may take before what is left is reported.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// Longest wait until the engine notices that a process has ended; takes some ten milliseconds.
const NOTICE_LIMIT: Duration = Duration::from_secs(20);
/// Pause between two looks whether it has.
const NOTICE_PAUSE: Duration = Duration::from_millis(5);

/// A lab in Docker.
#[derive(Debug)]
pub struct DockerLab {
    engine: Docker,
    labels: Labels,
    server: ServerSource,
    network: LabNetwork,
    nodes: Vec<LabNode>,
    places: HashMap<String, Place>,
    database: OnceLock<Place>,
    clients: Option<Namespace>,
    zones: Vec<LabZone>,
    zone_places: Vec<Place>,
    /// Holds the disks of the nodes that have one.
    keeper: Option<Place>,
    work: TaskTracker,
}

/// A node's container and what is known of its first process.
#[derive(Debug)]
struct Place {
    container: String,
    process: watch::Sender<State>,
    /// The configuration of the first start.
    original: OnceLock<NodeFile>,
    /// Whether the next start removes what earlier ones have written.
    wipe: AtomicBool,
    /// Whether its server works on a disk of its own.
    disk: bool,
    /// Nanoseconds by which its server's wall clock is ahead, if it can be set.
    clock: Option<AtomicI64>,
}

impl DockerLab {
    /// Creates the network and starts all containers at once; returns when the clients' place is there, while nodes may
    /// still be starting: whoever boots one waits for it.
    pub(super) async fn open(engine: &Docker, request: LabRequest, work: TaskTracker) -> Result<Self, RuntimeError> {
        possible(&request)?;
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
            database: OnceLock::new(),
            clients: None,
            zones: Vec::new(),
            zone_places: Vec::new(),
            keeper: None,
            work,
        };
        match lab.fill(&request.nodes, request.zones).await {
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

    async fn fill(&mut self, wanted: &[NodeSpec], zones: Vec<String>) -> Result<(), RuntimeError> {
        // In the order in which they are needed: connections are made from the clients' place as soon as the first node answers.
        let mut places = Vec::new();
        let clients =
            Privilege::current().enter_namespaces().then(|| self.make_room(CLIENTS, CLIENTS, self.network.clients(), false, &mut places));
        let disks = self.disks(wanted).await?;
        if !disks.is_empty() {
            // Before the nodes, so that no disk is ever held by its node alone: what is on it would end with the server.
            let place = self.make_room(DISKS, DISKS, Ipv4Addr::UNSPECIFIED, false, &mut places);
            if let Some((blueprint, _)) = places.last_mut() {
                "none".clone_into(&mut blueprint.network);
                blueprint.volumes = disks.iter().map(|(node, volume)| format!("{volume}:/{DISKS}/{node}")).collect();
            }
            self.keeper = Some(place);
        }
        for (index, node) in wanted.iter().enumerate() {
            let port = if node.role == Role::Sentinel { SENTINEL_PORT } else { DATA_PORT };
            let address = NodeAddress { ip: self.network.node(index), port };
            let mut place = self.make_room(&node.name, &node.name, address.ip, true, &mut places);
            if let (Some(volume), Some((blueprint, _))) = (disks.get(&node.name), places.last_mut()) {
                blueprint.volumes.push(format!("{volume}:{}", disk::MOUNTED));
                place.disk = true;
            }
            place.clock = node.clock.then(|| AtomicI64::new(0));
            self.places.insert(node.name.clone(), place);
            self.nodes.push(LabNode { name: node.name.clone(), role: node.role, address });
        }
        // Last: nobody needs them before the servers are there.
        for (index, name) in zones.into_iter().enumerate() {
            let address = self.network.zone(index);
            // By number: a zone may have any name, also that of a node.
            let place = self.make_room(&format!("zone{}", index + 1), &format!("zone {name}"), address, false, &mut places);
            self.zone_places.push(place);
            self.zones.push(LabZone { name, address });
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

    /// Creates the disks of the nodes that want one; names of the volumes by node.
    async fn disks(&self, wanted: &[NodeSpec]) -> Result<HashMap<String, String>, RuntimeError> {
        let mut volumes = HashMap::new();
        for node in wanted {
            let Some(bytes) = node.disk else { continue };
            let (engine, labels) = (self.engine.clone(), self.labels.of_node(&node.name));
            let name = format!("{}-{}", self.labels.name(), node.name);
            volumes.insert(node.name.clone(), name.clone());
            // Spawned, so that a caller who drops this future leaves nothing half-made behind unnoticed.
            let made = self.work.spawn(async move { disk::create(&engine, &name, labels, bytes).await }).await;
            made.map_err(|error| RuntimeError::failed("creating a volume", error))??;
        }
        Ok(volumes)
    }

    /// Fills the disk of a node or gives the room back.
    async fn set_disk(&self, node: &str, full: bool) -> Result<(), RuntimeError> {
        let keeper = self.keeper.as_ref().filter(|_| self.places.get(node).is_some_and(|place| place.disk));
        self.place(node)?;
        let keeper = keeper.ok_or_else(|| RuntimeError::failed("filling or freeing a disk", format!("{node} has none of its own")))?;
        keeper.up().await?;
        disk::set(&self.engine, &keeper.container, &format!("/{DISKS}/{node}"), full).await
    }

    /// `name` ends the container's name, `label` tells people what it is for.
    fn make_room(
        &self,
        name: &str,
        label: &str,
        address: Ipv4Addr,
        server: bool,
        places: &mut Vec<(Blueprint, watch::Sender<State>)>,
    ) -> Place {
        let blueprint = Blueprint {
            name: format!("{}-{name}", self.labels.name()),
            image: self.server.reference.clone(),
            labels: self.labels.of_node(label),
            network: self.network.name.clone(),
            address,
            server,
            volumes: Vec::new(),
        };
        let place = Place {
            container: blueprint.name.clone(),
            process: watch::Sender::new(State::Starting),
            original: OnceLock::new(),
            wipe: AtomicBool::new(false),
            disk: false,
            clock: None,
        };
        places.push((blueprint, place.process.clone()));
        place
    }

    fn place(&self, node: &str) -> Result<&Place, RuntimeError> {
        let database = || self.database.get().filter(|_| node == postgres::NAME);
        self.places.get(node).or_else(database).ok_or_else(|| RuntimeError::NoSuchNode(node.to_owned()))
    }

    /// Writes a node's files and starts its server: opens the gate of a container that waits, starts one that has ended.
    async fn start(&self, node: &str, place: &Place, config: &str, content: Option<&str>) -> Result<(), RuntimeError> {
        let process = place.up().await?;
        if let (true, Some(keeper)) = (place.disk, &self.keeper) {
            keeper.up().await?;
        }
        let sentinel = self.nodes.iter().any(|known| known.name == node && known.role == Role::Sentinel);
        let wipe = place.wipe.load(Ordering::SeqCst);
        let files =
            files::Start { binary: &self.server.binary, sentinel, config, content, wipe, disk: place.disk, clock: place.clock.is_some() }
                .files();
        let alive = match process.exists() {
            Some(exists) => exists,
            None => self.running(&place.container).await?,
        };
        if let Some(offset) = &place.clock {
            clock::put(&self.engine, &place.container, offset.load(Ordering::SeqCst)).await?;
        }
        if !(alive && files::write(&process, &files)) {
            files::upload(&self.engine, &place.container, &files).await?;
        }
        if !alive {
            self.ended(&place.container).await?;
            let process = container::start(&self.engine, &place.container).await?;
            place.process.send_replace(State::Up(Arc::new(process)));
            place.wipe.store(false, Ordering::SeqCst);
        }
        if place.clock.is_some() {
            clock::prove(&self.engine, &place.container, node).await?;
            // Where it cannot be looked at from here, such a server says so itself: it ends.
            if let Some(program) = place.up().await?.program().filter(|program| std::fs::metadata(program).is_ok()) {
                check_clock(Path::new(&program))?;
            }
        }
        Ok(())
    }

    /// Waits until the engine, too, has noticed that a container's process has ended: one it believes to run it does not start.
    async fn ended(&self, container: &str) -> Result<(), RuntimeError> {
        let noticed = async {
            while self.running(container).await? {
                tokio::time::sleep(NOTICE_PAUSE).await;
            }
            Ok(())
        };
        let late = |_| RuntimeError::failed(format!("starting the container {container} again"), "the engine still believes that it runs");
        tokio::time::timeout(NOTICE_LIMIT, noticed).await.map_err(late)?
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

    fn zones(&self) -> &[LabZone] {
        &self.zones
    }

    async fn zone_namespace(&self, zone: &str) -> Result<Namespace, RuntimeError> {
        let mut zones = self.zones.iter().zip(&self.zone_places);
        let found = zones.find(|(known, _)| known.name == zone).map(|(_, place)| place);
        let place = found.ok_or_else(|| RuntimeError::NoSuchZone(zone.to_owned()))?;
        place.up().await?.namespace().ok_or_else(|| no_namespace(&format!("zone `{zone}`")))
    }

    fn client_namespace(&self) -> Option<Namespace> {
        self.clients.clone()
    }

    fn client_bind(&self) -> Option<Ipv4Addr> {
        self.clients.is_none().then(|| self.network.gateway())
    }

    async fn put(&self, node: &str, file: NodeFile) -> Result<(), RuntimeError> {
        let place = self.place(node)?;
        let process = place.up().await?;
        let files = [file];
        if files::write(&process, &files) { Ok(()) } else { files::upload(&self.engine, &place.container, &files).await }
    }

    async fn boot(&self, node: &str, config: NodeFile) -> Result<(), RuntimeError> {
        let place = self.place(node)?;
        self.start(node, place, &config.name, Some(&config.content)).await?;
        // Already set unless this was the first start.
        let _ = place.original.set(config);
        Ok(())
    }

    async fn attach(&self, database: DatabaseNode) -> Result<NodeAddress, RuntimeError> {
        let mut places = Vec::new();
        let ip = self.network.database();
        let place = self.make_room(postgres::NAME, postgres::NAME, ip, true, &mut places);
        // Spawned, so that a caller who drops this future leaves nothing half-made behind unnoticed.
        let engine = self.engine.clone();
        let starting = self.work.spawn(async move {
            for (mut blueprint, state) in places {
                blueprint.image.clone_from(&database.source.reference);
                blueprint.create(&engine).await?;
                let process = Arc::new(container::start(&engine, &blueprint.name).await?);
                state.send_replace(State::Up(Arc::clone(&process)));
                let boot = files::of_database(ip, &database);
                if !files::write(&process, &boot) {
                    files::upload(&engine, &blueprint.name, &boot).await?;
                }
            }
            Ok::<_, RuntimeError>(())
        });
        starting.await.map_err(|error| RuntimeError::failed("starting the database", error))??;
        self.database.set(place).map_err(|_| RuntimeError::failed("adding a database", "the lab has one"))?;
        Ok(NodeAddress { ip, port: postgres::PORT })
    }

    async fn restart(&self, node: &str, configuration: Configuration) -> Result<(), RuntimeError> {
        let place = self.place(node)?;
        let failed = |reason: &str| RuntimeError::failed(format!("starting {node} again"), reason);
        let original = place.original.get().ok_or_else(|| failed("it was never started"))?;
        if self.alive(node).await? {
            return Err(failed("its server is running"));
        }
        let content = (configuration == Configuration::Original).then_some(original.content.as_str());
        self.start(node, place, &original.name, content).await
    }

    async fn wipe(&self, node: &str) -> Result<(), RuntimeError> {
        if self.alive(node).await? {
            return Err(RuntimeError::failed(format!("wiping {node}"), "its server is running"));
        }
        self.place(node)?.wipe.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn fill_disk(&self, node: &str) -> Result<(), RuntimeError> {
        self.set_disk(node, true).await
    }

    async fn free_disk(&self, node: &str) -> Result<(), RuntimeError> {
        self.set_disk(node, false).await
    }

    async fn set_clock(&self, node: &str, offset: i64) -> Result<(), RuntimeError> {
        let place = self.place(node)?;
        let none = || RuntimeError::failed(format!("setting the clock of {node}"), "it did not ask for one that can be set");
        place.clock.as_ref().ok_or_else(none)?.store(offset, Ordering::SeqCst);
        // Otherwise it is put in place at the next start.
        if place.original.get().is_some() && self.alive(node).await? {
            clock::set(&self.engine, &place.container, offset).await
        } else {
            Ok(())
        }
    }

    async fn state(&self, node: &str) -> Result<ServerState, RuntimeError> {
        let unseen = || {
            RuntimeError::Unavailable(format!("the server process of {node} cannot be seen from here; run redquake where the engine runs"))
        };
        self.place(node)?.up().await?.state().ok_or_else(unseen)
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

/// Refuses what this runtime cannot give here, before anything is made.
fn possible(request: &LabRequest) -> Result<(), RuntimeError> {
    if request.nodes.len() > network::NODES || request.zones.len() > network::ZONES {
        let (nodes, zones) = (request.nodes.len(), request.zones.len());
        let room = format!("the subnet of a lab has room for {} and {}", network::NODES, network::ZONES);
        return Err(RuntimeError::failed("making the lab network", format!("{nodes} nodes and {zones} zones are too many: {room}")));
    }
    if !request.zones.is_empty() && !Privilege::current().enter_namespaces() {
        return Err(RuntimeError::Privilege(
            "zones need the right to enter network namespaces of containers; run as root, or use `--runtime process`".to_owned(),
        ));
    }
    Ok(())
}

fn no_namespace(node: &str) -> RuntimeError {
    RuntimeError::Privilege(format!("the network namespace of {node} may not be opened by this user; run as root"))
}
