//! A Cluster that forms: one look after the other until every node agrees.

use std::collections::HashMap;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redquake_experiments::spec::{DEFAULT_NODE_TIMEOUT_MS, SLOTS};

use super::layout::Seat;
use super::view::{KnownNode, known_nodes};
use crate::boot::{Check, Dialer, Info, Infos, Lacks, all, primary_lacks, replica_lacks};
use crate::config::cluster_id;

/// Node timeout while the Cluster forms, ms: nodes greet each other every half of it. What the file asks for is set afterwards.
const BRISK: u64 = 500;
/// The same for more than a dozen nodes, which one machine cannot answer for as fast.
const LESS_BRISK: u64 = 1_000;
/// Flags of nodes that nothing is wrong with, beside those of their roles.
const HARMLESS: [&str; 2] = ["myself", "nofailover"];
pub(super) const NODE_TIMEOUT: &str = "cluster-node-timeout";

/// Forms a Cluster from nodes that know each other, and tells when it is ready.
pub(super) struct Forming {
    dialer: Dialer,
    seats: Vec<Seat>,
    /// Seats by the nodes' identities.
    by_id: HashMap<String, usize>,
    replicas: usize,
    links: Vec<Link>,
    brisk: String,
    timeout: String,
    /// Whether the primaries to be have still to take over.
    changed_places: bool,
}

#[derive(Default)]
struct Link {
    connection: Option<MultiplexedConnection>,
    /// Whether its node timeout was shortened.
    brisk: bool,
}

/// What one node said.
struct Said {
    cluster: Info,
    nodes: Vec<KnownNode>,
    replication: Info,
}

impl Forming {
    /// `timeout`: the node timeout that is asked for, ms.
    pub(super) fn new(dialer: Dialer, seats: Vec<Seat>, timeout: Option<u64>) -> Self {
        let primaries = seats.iter().filter(|seat| seat.follows.is_none()).count().max(1);
        let replicas = seats.len() / primaries - 1;
        let by_id = seats.iter().enumerate().map(|(index, seat)| (cluster_id(&seat.node.name), index)).collect();
        let links = seats.iter().map(|_| Link::default()).collect();
        let brisk = if seats.len() > 12 { LESS_BRISK } else { BRISK };
        let timeout = timeout.unwrap_or(DEFAULT_NODE_TIMEOUT_MS).to_string();
        Self { dialer, seats, by_id, replicas, links, brisk: brisk.to_string(), timeout, changed_places: replicas > 0 }
    }

    async fn ask_all(&mut self) -> Result<Vec<Said>, Lacks> {
        let (dialer, brisk) = (&self.dialer, self.brisk.as_str());
        let asked = self.seats.iter().zip(&mut self.links).map(|(seat, link)| async move {
            match ask(dialer, seat, link, brisk).await {
                Ok(said) => Ok(said),
                Err(reason) => {
                    link.connection = None;
                    Err((seat.node.name.clone(), reason))
                }
            }
        });
        all(join_all(asked).await)
    }

    /// What keeps the primaries to be from taking over: their claims must reach everybody at once, for a node that hears of a
    /// primary's demotion before it hears of the successor's claim sees slots without an owner, and waits two seconds.
    fn not_met(&self, said: &[Said]) -> Lacks {
        let lack = |(seat, said): (&Seat, &Said)| {
            let unconnected = said.nodes.iter().filter(|node| !node.connected).count();
            if said.nodes.len() != self.seats.len() || unconnected > 0 {
                return Some(format!("it is connected with {} of {} nodes", said.nodes.len() - unconnected, self.seats.len()));
            }
            let leads = seat.follows.is_none();
            (leads && said.cluster.get("cluster_state") != "ok").then(|| "it holds the Cluster for down".to_owned())
        };
        self.seats.iter().zip(said).filter_map(|pair| Some((pair.0.node.name.clone(), lack(pair)?))).collect()
    }

    /// One after the other, so that each finds an epoch nobody has.
    async fn take_over(&mut self) -> Result<(), Lacks> {
        for (seat, link) in self.seats.iter().zip(&mut self.links).filter(|(seat, _)| seat.follows.is_none()) {
            let lack = |reason: String| vec![(seat.node.name.clone(), reason)];
            let connection = link.connection.as_mut().ok_or_else(|| lack("no connection".to_owned()))?;
            let taken = redis::cmd("CLUSTER").arg("FAILOVER").arg("TAKEOVER").query_async::<()>(connection).await;
            taken.map_err(|error| lack(format!("it could not take over: {error}")))?;
        }
        Ok(())
    }

    fn not_ready(&self, said: &[Said]) -> Lacks {
        let lack =
            |(seat, said): (&Seat, &Said)| Self::unlinked(said).or_else(|| self.disagrees(said)).or_else(|| self.unsynced(seat, said));
        let lacks = self.seats.iter().zip(said).filter_map(|pair| Some((pair.0.node.name.clone(), lack(pair)?)));
        let behind = self.seats.iter().zip(said).filter_map(|(seat, said_here)| {
            let primary = self.seats.iter().position(|other| Some(&other.node.name) == seat.follows.as_ref())?;
            Some((seat.node.name.clone(), replica_lacks(&said_here.replication, &said.get(primary)?.replication)?))
        });
        lacks.chain(behind).collect()
    }

    fn unlinked(said: &Said) -> Option<String> {
        let (state, covered) = (said.cluster.get("cluster_state"), said.cluster.get("cluster_slots_ok"));
        if state != "ok" {
            return Some(format!("it says cluster_state:{state}, with {covered} of {SLOTS} slots covered"));
        }
        (covered != SLOTS.to_string()).then(|| format!("it sees {covered} of {SLOTS} slots covered"))
    }

    /// Where a node's picture of the others is not the one that was asked for.
    fn disagrees(&self, said: &Said) -> Option<String> {
        if said.nodes.len() != self.seats.len() {
            return Some(format!("it knows {} of {} nodes", said.nodes.len(), self.seats.len()));
        }
        let mut epochs: Vec<u64> = Vec::new();
        for node in &said.nodes {
            let Some(seat) = self.by_id.get(&node.id).and_then(|index| self.seats.get(*index)) else {
                return Some(format!("it knows a stranger at {}", node.address));
            };
            let name = &seat.node.name;
            let wanted = if seat.follows.is_some() { "slave" } else { "master" };
            if !node.connected || node.flags.iter().any(|flag| flag != wanted && !HARMLESS.contains(&flag.as_str())) {
                let link = if node.connected { "" } else { ", without a connection" };
                return Some(format!("it sees {name} as `{}`{link}", node.flags.join(",")));
            }
            if node.primary != seat.follows.as_deref().map(cluster_id) {
                return Some(format!("it does not know whom {name} follows"));
            }
            if node.slots.merged() != seat.slots.clone().unwrap_or_default() {
                return Some(format!("it sees {name} with the slots `{}`", node.slots));
            }
            if seat.follows.is_none() {
                epochs.push(node.epoch);
            }
        }
        epochs.sort_unstable();
        epochs.windows(2).any(|pair| pair[0] == pair[1]).then(|| "two primaries have the same epoch".to_owned())
    }

    fn unsynced(&self, seat: &Seat, said: &Said) -> Option<String> {
        if seat.follows.is_none() { primary_lacks(&said.replication, self.replicas) } else { None }
    }

    async fn finish(&mut self) -> Result<Infos, Lacks> {
        let timeout = self.timeout.as_str();
        let finished = self.seats.iter().zip(&mut self.links).map(|(seat, link)| async move {
            let name = seat.node.name.clone();
            match settle(link, timeout).await {
                Ok(info) => Ok((name, info)),
                Err(reason) => Err((name, reason)),
            }
        });
        all(join_all(finished).await)
    }
}

impl Check for Forming {
    async fn look(&mut self) -> Result<Infos, Lacks> {
        let said = self.ask_all().await?;
        if self.changed_places {
            let lacks = self.not_met(&said);
            if !lacks.is_empty() {
                return Err(lacks);
            }
            self.take_over().await?;
            self.changed_places = false;
            return Err(self.seats.iter().map(|seat| (seat.node.name.clone(), "its place was only just changed".to_owned())).collect());
        }
        let lacks = self.not_ready(&said);
        if lacks.is_empty() { self.finish().await } else { Err(lacks) }
    }
}

/// Connects to a node, shortens its node timeout once, and asks what it sees.
async fn ask(dialer: &Dialer, seat: &Seat, link: &mut Link, brisk: &str) -> Result<Said, String> {
    let mut connection = match link.connection.take() {
        Some(connection) => connection,
        None => dialer.dial(seat.node.address).await?,
    };
    if !link.brisk {
        set_node_timeout(&mut connection, brisk).await?;
        link.brisk = true;
    }
    let mut questions = redis::pipe();
    questions.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("NODES").cmd("INFO").arg("replication");
    let (cluster, nodes, replication): (String, String, String) =
        questions.query_async(&mut connection).await.map_err(|error| error.to_string())?;
    link.connection = Some(connection);
    Ok(Said { cluster: Info::parse(&cluster), nodes: known_nodes(&nodes), replication: Info::parse(&replication) })
}

/// Gives a node the node timeout it is to have, and makes sure that it is in force.
async fn settle(link: &mut Link, timeout: &str) -> Result<Info, String> {
    let Some(connection) = &mut link.connection else { return Err("no connection".to_owned()) };
    set_node_timeout(connection, timeout).await?;
    let now = node_timeout(connection).await?;
    if now != timeout {
        return Err(format!("its node timeout is {now} instead of {timeout}"));
    }
    Info::of(connection).await
}

async fn node_timeout(connection: &mut MultiplexedConnection) -> Result<String, String> {
    let found: HashMap<String, String> =
        redis::cmd("CONFIG").arg("GET").arg(NODE_TIMEOUT).query_async(connection).await.map_err(|error| error.to_string())?;
    found.get(NODE_TIMEOUT).cloned().ok_or_else(|| "it has no node timeout: it is no node of a Cluster".to_owned())
}

async fn set_node_timeout(connection: &mut MultiplexedConnection, millis: &str) -> Result<(), String> {
    redis::cmd("CONFIG").arg("SET").arg(NODE_TIMEOUT).arg(millis).query_async(connection).await.map_err(|error| error.to_string())
}
