//! Which packets a rule is about. Pure.

use std::net::Ipv4Addr;

use redquake_experiments::spec::Direction;

/// Packets exchanged with one peer, as seen by the node whose namespace the rule is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRule {
    /// The peer.
    pub peer: Ipv4Addr,
    /// Which packets are meant: `To` those sent to the peer, `From` those that come from it.
    pub direction: Direction,
}

impl PeerRule {
    /// Only those of these packets that have one of the ports.
    pub fn on(self, ports: Ports) -> Traffic {
        Traffic { ports, ..self.into() }
    }
}

/// Ports of TCP and UDP. A packet is meant when its source *or* its destination port is named; no port named means every packet,
/// whatever its protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    /// Ports packets come from.
    pub source: Vec<u16>,
    /// Ports packets go to.
    pub destination: Vec<u16>,
}

impl Ports {
    /// Everything said on connections to services on these ports, whichever side opened them: for example the Cluster bus,
    /// apart from the port of clients.
    pub fn of_services(ports: &[u16]) -> Self {
        Self { source: ports.to_vec(), destination: ports.to_vec() }
    }

    /// Whether no port is named.
    pub fn is_any(&self) -> bool {
        self.source.is_empty() && self.destination.is_empty()
    }
}

/// Packets exchanged with one peer, as seen by the node whose namespace the rule is in, perhaps only on some ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// The peer.
    pub peer: Ipv4Addr,
    /// `To` packets sent to the peer, `From` those that come from it.
    pub direction: Direction,
    /// On which ports.
    pub ports: Ports,
}

impl From<PeerRule> for Traffic {
    fn from(PeerRule { peer, direction }: PeerRule) -> Self {
        Self { peer, direction, ports: Ports::default() }
    }
}

impl Traffic {
    /// Whether packets the node sends are among it.
    pub(crate) fn goes(&self) -> bool {
        matches!(self.direction, Direction::Both | Direction::To)
    }

    /// Whether packets the node receives are among it.
    pub(crate) fn comes(&self) -> bool {
        matches!(self.direction, Direction::Both | Direction::From)
    }
}
