//! Making room for a lab: its network, and a container for each node, for clients, for zones and for disks.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::OnceLock;
use std::sync::atomic::AtomicI64;

use bollard::Docker;
use redquake_experiments::spec::Role;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::container::{Blueprint, Purpose};
use super::lab::DockerLab;
use super::labels::{CLIENTS, DISKS, Labels};
use super::place::Place;
use super::raise::{self, State};
use super::watch::Watch;
use super::{disk, network};
use crate::namespace::Privilege;
use crate::runtime::{DATA_PORT, Lab, LabNode, LabRequest, LabZone, NodeAddress, NodeSpec, RuntimeError, SENTINEL_PORT};

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
            watch: Watch::new(engine, &labels.filter()),
            clients_place: None,
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
            servers: request.nodes.len(),
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
        let clients = Privilege::current()
            .enter_namespaces()
            .then(|| self.make_room(CLIENTS, CLIENTS, self.network.clients(), Purpose::Place, &mut places));
        let disks = self.disks(wanted).await?;
        if !disks.is_empty() {
            // Before the nodes, so that no disk is ever held by its node alone: what is on it would end with the server.
            let place = self.make_room(DISKS, DISKS, Ipv4Addr::UNSPECIFIED, Purpose::Place, &mut places);
            if let Some((blueprint, _)) = places.last_mut() {
                "none".clone_into(&mut blueprint.network);
                blueprint.volumes = disks.iter().map(|(node, volume)| format!("{volume}:/{DISKS}/{node}")).collect();
            }
            self.keeper = Some(place);
        }
        for (index, node) in wanted.iter().enumerate() {
            let port = if node.role == Role::Sentinel { SENTINEL_PORT } else { DATA_PORT };
            let address = NodeAddress { ip: self.network.node(index), port };
            let mut place = self.make_room(&node.name, &node.name, address.ip, Purpose::Server, &mut places);
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
            let place = self.make_room(&format!("zone{}", index + 1), &format!("zone {name}"), address, Purpose::Place, &mut places);
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
        if let Some(place) = &clients {
            self.clients = Some(place.namespace(CLIENTS).await?);
        }
        self.clients_place = clients;
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

    /// `name` ends the container's name, `label` tells people what it is for.
    pub(super) fn make_room(
        &self,
        name: &str,
        label: &str,
        address: Ipv4Addr,
        purpose: Purpose,
        places: &mut Vec<(Blueprint, watch::Sender<State>)>,
    ) -> Place {
        let blueprint = Blueprint {
            name: format!("{}-{name}", self.labels.name()),
            image: self.server.reference.clone(),
            labels: self.labels.of_node(label),
            network: self.network.name.clone(),
            address,
            purpose,
            servers: self.servers,
            volumes: Vec::new(),
        };
        let place = Place::new(blueprint.name.clone());
        places.push((blueprint, place.process.clone()));
        place
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
