//! The private network of a lab.

use std::hash::{BuildHasher, RandomState};
use std::net::Ipv4Addr;

use bollard::Docker;
use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptions;

use super::labels::Labels;
use super::subnet::{self, Subnet};
use crate::runtime::RuntimeError;

/// How many subnets are tried. Each refusal means that another process took the same one a moment before.
const ATTEMPTS: u32 = 16;

/// Number of the first node's address within the subnet.
const FIRST_NODE: u32 = 10;
/// Number of the first zone's address within the subnet.
const FIRST_ZONE: u32 = 205;
/// Nodes the subnet has room for.
pub(super) const NODES: usize = (FIRST_ZONE - FIRST_NODE) as usize;
/// Zones the subnet has room for; its last address is that of everybody.
pub(super) const ZONES: usize = (255 - FIRST_ZONE) as usize;

/// A network that was created.
#[derive(Debug, Clone)]
pub(super) struct LabNetwork {
    /// Name, unique on the engine.
    pub(super) name: String,
    /// Name of its bridge on the machine the engine runs on.
    pub(super) bridge: String,
    /// Where its addresses come from.
    pub(super) subnet: Subnet,
}

impl LabNetwork {
    /// Address of the bridge on this machine.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        self.subnet.host(1)
    }

    /// Fixed address of the `index`th node, from 0.
    pub(super) fn node(&self, index: usize) -> Ipv4Addr {
        self.subnet.host(FIRST_NODE + u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Fixed address of the `index`th zone, from 0.
    pub(super) fn zone(&self, index: usize) -> Ipv4Addr {
        self.subnet.host(FIRST_ZONE + u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Address of the place where clients live.
    pub(super) fn clients(&self) -> Ipv4Addr {
        self.subnet.host(2)
    }

    /// Address of the database.
    pub(super) fn database(&self) -> Ipv4Addr {
        self.subnet.host(3)
    }
}

/// Creates an internal network (nothing is routed out of it) on a subnet of its own.
pub(super) async fn create(engine: &Docker, labels: &Labels) -> Result<LabNetwork, RuntimeError> {
    let failed = |reason: String| RuntimeError::failed(format!("creating the network {}", labels.name()), reason);
    let mut taken = subnet::routed();
    taken.extend(known(engine).await?);
    for _ in 0..ATTEMPTS {
        let Some(subnet) = subnet::free(&taken, RandomState::new().hash_one(labels.name())) else {
            return Err(failed(
                "every private /24 network is in use on this machine; remove unused ones with `docker network prune`".to_owned(),
            ));
        };
        let network = LabNetwork { name: labels.name(), bridge: String::new(), subnet };
        match engine.create_network(request(&network, labels)).await {
            // So the engine calls it unless somebody wants another name.
            Ok(created) => {
                let bridge = format!("br-{}", created.id.chars().take(12).collect::<String>());
                return Ok(LabNetwork { bridge, ..network });
            }
            Err(bollard::errors::Error::DockerResponseServerError { message, .. }) if overlaps(&message) => taken.push(subnet),
            Err(error) => return Err(failed(error.to_string())),
        }
    }
    Err(failed(format!("{ATTEMPTS} subnets in a row were taken by others at the same moment")))
}

fn request(network: &LabNetwork, labels: &Labels) -> NetworkCreateRequest {
    let config =
        IpamConfig { subnet: Some(network.subnet.to_string()), gateway: Some(network.gateway().to_string()), ..IpamConfig::default() };
    NetworkCreateRequest {
        name: network.name.clone(),
        driver: Some("bridge".to_owned()),
        internal: Some(true),
        ipam: Some(Ipam { config: Some(vec![config]), ..Ipam::default() }),
        labels: Some(labels.of_network()),
        ..NetworkCreateRequest::default()
    }
}

/// Subnets of the engine's networks.
async fn known(engine: &Docker) -> Result<Vec<Subnet>, RuntimeError> {
    let networks = engine
        .list_networks(None::<ListNetworksOptions>)
        .await
        .map_err(|error| RuntimeError::failed("listing the networks of the engine", error))?;
    let configs = networks.into_iter().filter_map(|network| network.ipam?.config).flatten();
    Ok(configs.filter_map(|config| Subnet::parse(&config.subnet?)).collect())
}

/// Whether the engine refused the subnet because somebody else has it, in the words of all engine versions since 20.10.
fn overlaps(message: &str) -> bool {
    message.contains("overlaps")
}
