//! Whoever has a place on the lab network: a node or a zone of clients.

use std::net::Ipv4Addr;

use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::Group;
use redquake_topologies::namespace::Namespace;
use redquake_topologies::runtime::DATA_PORT;

use super::injection::NotDone;
use super::select::{self, Liveness};
use crate::context::{Member, TrialContext};

/// A node or a zone.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// A node.
    Node(Member),
    /// A zone: its name and its address.
    Zone(String, Ipv4Addr),
}

impl Endpoint {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Node(member) => &member.node.name,
            Self::Zone(name, _) => name,
        }
    }

    /// Its address on the lab network.
    pub fn ip(&self) -> Ipv4Addr {
        match self {
            Self::Node(member) => member.node.address.ip,
            Self::Zone(_, ip) => *ip,
        }
    }

    /// A port to knock at: the server's; zones listen nowhere and refuse.
    pub fn port(&self) -> u16 {
        match self {
            Self::Node(member) => member.node.address.port,
            Self::Zone(..) => DATA_PORT,
        }
    }

    /// Its network namespace.
    pub async fn namespace(&self, context: &TrialContext) -> Result<Namespace, String> {
        let found = match self {
            Self::Node(member) => context.lab.namespace(&member.node.name).await,
            Self::Zone(name, _) => context.lab.zone_namespace(name).await,
        };
        found.map_err(|error| error.to_string())
    }

    /// Whether there is anything left to reach: zones are always there.
    pub async fn alive(&self, context: &TrialContext) -> bool {
        match self {
            Self::Node(member) => context.lab.alive(&member.node.name).await.unwrap_or(false),
            Self::Zone(..) => true,
        }
    }
}

/// The nodes and zones any selector of a group means right now, each once.
pub async fn resolve(group: &Group, context: &TrialContext, random: &mut ChaCha8Rng) -> Result<Vec<Endpoint>, NotDone> {
    let mut parties: Vec<Endpoint> = Vec::new();
    for selector in group.all() {
        let found = match &selector.zone {
            Some(name) => {
                let zone = context.lab.zones().iter().find(|zone| zone.name == *name);
                vec![zone.map(|zone| Endpoint::Zone(name.clone(), zone.address)).ok_or_else(|| format!("there is no zone `{name}`"))?]
            }
            None => select::resolve(selector, Liveness::Any, context, random).await?.into_iter().map(Endpoint::Node).collect(),
        };
        for endpoint in found {
            if !parties.iter().any(|other| other.name() == endpoint.name()) {
                parties.push(endpoint);
            }
        }
    }
    Ok(parties)
}
