//! `partition`: packets between two groups are dropped inside the nodes' own namespaces.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use redquake_experiments::spec::Direction;
use redquake_topologies::namespace::Namespace;
use redquake_topologies::rules::{self, PeerRule};
use redquake_topologies::runtime::NodeAddress;

use crate::trial::{Member, Stage};

/// A TCP handshake on a lab network takes far less than this; one that takes longer is being dropped.
const HANDSHAKE_WITHIN: Duration = Duration::from_millis(300);

/// A cut between two groups of nodes, and how to mend it.
#[derive(Clone)]
pub struct Cut {
    id: String,
    direction: Direction,
    from: Vec<Member>,
    to: Vec<Member>,
}

impl Cut {
    /// A cut that has not been made. A node on both sides is not cut off from itself.
    pub fn new(index: usize, direction: Direction, from: &[Member], to: &[Member]) -> Self {
        Self { id: format!("fault{index}"), direction, from: from.to_vec(), to: to.to_vec() }
    }

    /// Every node that is part of it.
    pub fn names(&self) -> Vec<String> {
        self.from.iter().chain(&self.to).map(|member| member.node.name.clone()).collect()
    }

    /// The cut in words.
    pub fn describe(&self) -> String {
        let side = |members: &[Member]| members.iter().map(|member| member.node.name.as_str()).collect::<Vec<_>>().join(", ");
        let arrow = match self.direction {
            Direction::Both => "and",
            Direction::To => "to",
            Direction::From => "from",
        };
        format!("packets dropped between {} {arrow} {}", side(&self.from), side(&self.to))
    }

    /// Makes the cut, by rules in the namespaces of the `from` side; returns the instant after the last rule was in place.
    pub async fn inject(&self, stage: &Stage) -> Result<Instant, String> {
        let peers: Vec<PeerRule> =
            self.to.iter().map(|member| PeerRule { peer: member.node.address.ip, direction: self.direction }).collect();
        for member in &self.from {
            let namespace = namespace(stage, member).await?;
            let own = member.node.address.ip;
            let peers: Vec<PeerRule> = peers.iter().filter(|rule| rule.peer != own).cloned().collect();
            rules::drop_packets(&namespace, &self.id, &peers).await.map_err(|error| error.to_string())?;
        }
        Ok(Instant::now())
    }

    /// From both ends: a handshake across the cut no longer succeeds, whoever starts it. (A handshake needs both directions,
    /// so it fails for a one-way cut too.) `others` are the cuts that were there before: what they drop never reaches these rules.
    pub async fn prove(&self, stage: &Stage, others: &[Self]) -> Result<String, String> {
        let pairs: Vec<_> = self.pairs().collect();
        let attempts = join_all(pairs.iter().map(|(near, far)| handshake(stage, near, far))).await;
        for ((near, far), connected) in pairs.iter().zip(attempts) {
            if connected? {
                return Err(format!("{} could still connect to {}", near.node.name, far.node.name));
            }
        }
        let mut dropped = 0;
        for member in &self.from {
            let there = rules::present(&namespace(stage, member).await?, &self.id).await.map_err(|error| error.to_string())?;
            dropped += there.map_or(0, |presence| presence.packets);
        }
        let tried = pairs.len();
        if dropped == 0 && pairs.iter().all(|(near, far)| others.iter().any(|other| other.severs(near, far))) {
            return Ok(format!(
                "{tried} handshakes across the cut, from both ends: none succeeded within {HANDSHAKE_WITHIN:?}; an earlier cut drops the packets first"
            ));
        }
        if dropped == 0 {
            return Err("the rules dropped no packet".to_owned());
        }
        Ok(format!(
            "{tried} handshakes across the cut, from both ends: none succeeded within {HANDSHAKE_WITHIN:?}; {dropped} packets dropped so far"
        ))
    }

    /// Removes the rules; returns the instant after the last one was gone.
    pub async fn revert(&self, stage: &Stage) -> Result<Instant, String> {
        let mut failures = Vec::new();
        for member in &self.from {
            let removed = match namespace(stage, member).await {
                Ok(namespace) => rules::remove(&namespace, &self.id).await.map_err(|error| error.to_string()),
                Err(reason) => Err(reason),
            };
            // A node that died took its namespace and the rules in it along.
            if let Err(reason) = removed
                && stage.lab.alive(&member.node.name).await.unwrap_or(true)
            {
                failures.push(reason);
            }
        }
        if failures.is_empty() { Ok(Instant::now()) } else { Err(failures.join("; ")) }
    }

    /// From both ends: handshakes between nodes that are alive succeed again, but for those that `others`, which are still there, cut.
    pub async fn prove_reverted(&self, stage: &Stage, others: &[Self]) -> Result<String, String> {
        let mut living = Vec::new();
        for member in self.from.iter().chain(&self.to) {
            if stage.lab.alive(&member.node.name).await.unwrap_or(false) {
                living.push(member.index);
            }
        }
        let both_live = |near: &Member, far: &Member| living.contains(&near.index) && living.contains(&far.index);
        let (cut, pairs): (Vec<_>, Vec<_>) = self
            .pairs()
            .filter(|(near, far)| both_live(near, far))
            .partition(|(near, far)| others.iter().any(|other| other.severs(near, far)));
        let attempts = join_all(pairs.iter().map(|(near, far)| handshake(stage, near, far))).await;
        for member in self.from.iter().filter(|member| living.contains(&member.index)) {
            if rules::present(&namespace(stage, member).await?, &self.id).await.map_err(|error| error.to_string())?.is_some() {
                return Err(format!("the rules in the namespace of {} are still there", member.node.name));
            }
        }
        for ((near, far), connected) in pairs.iter().zip(attempts) {
            if !connected? {
                return Err(format!("{} still could not connect to {}", near.node.name, far.node.name));
            }
        }
        let still = if cut.is_empty() { String::new() } else { format!("; {} not tried, as another fault still cuts them", cut.len()) };
        Ok(format!("{} handshakes between living nodes across the former cut: all succeeded{still}", pairs.len()))
    }

    /// Whether two nodes are on opposite sides.
    fn severs(&self, one: &Member, other: &Member) -> bool {
        severs(&indexes(&self.from), &indexes(&self.to), one.index, other.index)
    }

    /// Every ordered pair of nodes on opposite sides.
    fn pairs(&self) -> impl Iterator<Item = (&Member, &Member)> {
        let across = self.from.iter().flat_map(|near| self.to.iter().map(move |far| (near, far)));
        across.filter(|(near, far)| near.index != far.index).flat_map(|(near, far)| [(near, far), (far, near)])
    }
}

fn indexes(members: &[Member]) -> Vec<u16> {
    members.iter().map(|member| member.index).collect()
}

fn severs(from: &[u16], to: &[u16], one: u16, other: u16) -> bool {
    one != other && (from.contains(&one) && to.contains(&other) || from.contains(&other) && to.contains(&one))
}

async fn namespace(stage: &Stage, member: &Member) -> Result<Namespace, String> {
    stage.lab.namespace(&member.node.name).await.map_err(|error| error.to_string())
}

/// Whether a TCP handshake from inside one node's namespace to another node's port succeeds.
async fn handshake(stage: &Stage, near: &Member, far: &Member) -> Result<bool, String> {
    let namespace = namespace(stage, near).await?;
    let NodeAddress { ip, port } = far.node.address;
    let (answer, wait) = tokio::sync::oneshot::channel();
    // A thread of its own: it never leaves the namespace again.
    let attempt = move || {
        let connected = namespace.enter().map(|()| TcpStream::connect_timeout(&(ip, port).into(), HANDSHAKE_WITHIN).is_ok());
        let _ = answer.send(connected);
    };
    std::thread::Builder::new().name("handshake".to_owned()).spawn(attempt).map_err(|error| error.to_string())?;
    match wait.await {
        Ok(Ok(connected)) => Ok(connected),
        Ok(Err(error)) => Err(format!("the namespace of {} could not be entered: {error}", near.node.name)),
        Err(_) => Err("a connection attempt ended without an answer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::severs;

    #[test]
    fn a_cut_severs_nodes_on_opposite_sides_whoever_starts() {
        let (from, to) = ([0], [1, 2]);
        assert!(severs(&from, &to, 0, 2) && severs(&from, &to, 2, 0));
        assert!(!severs(&from, &to, 1, 2), "they are on the same side");
        assert!(!severs(&from, &to, 0, 3), "one is on no side");
        assert!(!severs(&[0, 1], &[1, 2], 1, 1), "a node is not cut off from itself");
    }
}
