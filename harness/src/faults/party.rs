//! Whoever has a place on the lab network: a node or a zone of clients.

use std::net::Ipv4Addr;

use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::Group;
use redquake_topologies::namespace::Namespace;
use redquake_topologies::runtime::DATA_PORT;

use super::injection::NotDone;
use super::select::{self, Among};
use crate::context::{Member, Stage};

/// A node or a zone.
#[derive(Debug, Clone)]
pub enum Party {
    /// A node.
    Node(Member),
    /// A zone: its name and its address.
    Zone(String, Ipv4Addr),
}

impl Party {
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
    pub async fn namespace(&self, stage: &Stage) -> Result<Namespace, String> {
        let found = match self {
            Self::Node(member) => stage.lab.namespace(&member.node.name).await,
            Self::Zone(name, _) => stage.lab.zone_namespace(name).await,
        };
        found.map_err(|error| error.to_string())
    }

    /// Whether there is anything left to reach: zones are always there.
    pub async fn alive(&self, stage: &Stage) -> bool {
        match self {
            Self::Node(member) => stage.lab.alive(&member.node.name).await.unwrap_or(false),
            Self::Zone(..) => true,
        }
    }
}

/// The nodes and zones any selector of a group means right now, each once.
pub async fn resolve(group: &Group, stage: &Stage, random: &mut ChaCha8Rng) -> Result<Vec<Party>, NotDone> {
    let mut parties: Vec<Party> = Vec::new();
    for selector in group.all() {
        let found = match &selector.zone {
            Some(name) => {
                let zone = stage.lab.zones().iter().find(|zone| zone.name == *name);
                vec![zone.map(|zone| Party::Zone(name.clone(), zone.address)).ok_or_else(|| format!("there is no zone `{name}`"))?]
            }
            None => select::resolve(selector, Among::Any, stage, random).await?.into_iter().map(Party::Node).collect(),
        };
        for party in found {
            if !parties.iter().any(|other| other.name() == party.name()) {
                parties.push(party);
            }
        }
    }
    Ok(parties)
}
