//! A lab in Docker: one internal network, one container a node, one more to lend clients its namespace.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bollard::Docker;
use bollard::query_parameters::{InspectContainerOptions, KillContainerOptionsBuilder, LogsOptionsBuilder};
use futures_util::StreamExt;
use redquake_experiments::spec::Role;
use tokio_util::task::TaskTracker;

use super::container::Purpose;
use super::labels::{DISKS, Labels};
use super::network::LabNetwork;
use super::place::Place;
use super::raise::State;
use super::watch::Watch;
use super::{cleanup, clock, container, disk, files};
use crate::namespace::Namespace;
use crate::postgres;
use crate::process::check_clock;
use crate::runtime::{
    BoundedLog, CLIENTS_NAME, Configuration, DatabaseNode, Lab, LabNode, LabZone, NodeAddress, NodeFile, ObjectKind, RuntimeError,
    ServerSource, ServerState, Sight, Signal, left_out, zone_name,
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
    pub(super) engine: Docker,
    pub(super) labels: Labels,
    pub(super) server: ServerSource,
    pub(super) network: LabNetwork,
    pub(super) nodes: Vec<LabNode>,
    pub(super) places: HashMap<String, Place>,
    pub(super) database: OnceLock<Place>,
    pub(super) clients: Option<Namespace>,
    pub(super) zones: Vec<LabZone>,
    pub(super) zone_places: Vec<Place>,
    /// Holds the disks of the nodes that have one.
    pub(super) keeper: Option<Place>,
    /// Where clients live, if that is a container.
    pub(super) clients_place: Option<Place>,
    /// How many nodes there are, which share the machine.
    pub(super) servers: usize,
    pub(super) watch: Watch,
    pub(super) work: TaskTracker,
}

impl DockerLab {
    /// Fills the disk of a node or gives the room back.
    async fn set_disk(&self, node: &str, full: bool) -> Result<(), RuntimeError> {
        let keeper = self.keeper.as_ref().filter(|_| self.places.get(node).is_some_and(|place| place.disk));
        self.place(node)?;
        let keeper = keeper.ok_or_else(|| RuntimeError::failed("filling or freeing a disk", format!("{node} has none of its own")))?;
        keeper.up().await?;
        disk::set(&self.engine, &keeper.container, &format!("/{DISKS}/{node}"), full).await
    }

    pub(super) fn place(&self, node: &str) -> Result<&Place, RuntimeError> {
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
        place.namespace(&format!("zone `{zone}`")).await
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
        let place = self.make_room(postgres::NAME, postgres::NAME, ip, Purpose::Database, &mut places);
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

    fn look(&self) -> Vec<Sight> {
        let linked = |kind, name: &str, whose: &str| (kind, name.to_owned(), Some(whose.to_owned()));
        let with = |(kind, name, link), place| (kind, name, link, place);
        let node = |(name, place): (&String, _)| with(linked(ObjectKind::Server, name, name), place);
        let nodes = self.places.iter().map(node);
        let database = self.database.get().map(|place| with(linked(ObjectKind::Database, postgres::NAME, postgres::NAME), place));
        let clients = self.clients_place.as_ref().map(|place| with(linked(ObjectKind::Clients, "", CLIENTS_NAME), place));
        let zone = |(zone, place): (&LabZone, _)| with(linked(ObjectKind::Zone, &zone.name, &zone_name(&zone.name)), place);
        let zones = self.zones.iter().zip(&self.zone_places).map(zone);
        let disks = self.keeper.as_ref().map(|place| (ObjectKind::Disks, String::new(), None, place));
        self.watch.look(&self.network.bridge, nodes.chain(database).chain(clients).chain(zones).chain(disks))
    }

    async fn namespace(&self, node: &str) -> Result<Namespace, RuntimeError> {
        self.place(node)?.namespace(node).await
    }

    async fn logs(&self, node: &str) -> Result<String, RuntimeError> {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail("all").build();
        let mut pieces = self.engine.logs(&self.place(node)?.container, Some(options));
        let mut log = BoundedLog::default();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| RuntimeError::failed(format!("reading the log of {node}"), error))?;
            log.push(&piece.into_bytes());
        }
        Ok(server_log(&log.text()))
    }

    async fn close(&self) -> Vec<String> {
        cleanup::remove_all(&self.engine, &self.labels.filter(), &self.work, CLOSE_LIMIT).await
    }
}

/// The log of a server without what its container's gate says; where the engine has thrown the beginning away, a line says so.
fn server_log(text: &str) -> String {
    let whole = text.is_empty() || text.starts_with(container::BEGINNING);
    let said = text.replace(container::BEGINNING, "");
    if whole { said } else { left_out("the beginning") + &said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_whose_beginning_the_engine_threw_away_says_so() {
        let whole = format!("{0}one\n{0}two\n", container::BEGINNING);
        assert_eq!(server_log(&whole), "one\ntwo\n");
        let cut = format!("one\n{}two\n", container::BEGINNING);
        let told = server_log(&cut);
        assert!(told.contains("left out the beginning") && told.ends_with("one\ntwo\n"), "{told}");
        assert_eq!(server_log(""), "");
    }
}
