//! How a client finds a primary: by asking the Sentinels, or the nodes of a Cluster.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::sentinel::SentinelClient;
use redquake_experiments::spec::ClientPolicy;
use redquake_topologies::cluster::known_nodes;

use super::connect::{self, Timeouts, open};
use super::connection::Connection;
use crate::context::{Member, Roster};

/// Nodes of a Cluster that are asked at once, as the crate's Sentinel client asks as many Sentinels.
const ASKED: usize = 3;

/// Finds one primary again and again.
pub struct Finder {
    way: Way,
    timeouts: Timeouts,
    roster: Arc<Roster>,
}

enum Way {
    /// The Sentinels are asked.
    Sentinels(Option<Box<SentinelClient>>),
    /// Nodes of the Cluster are asked who serves a shard.
    Shard(u32, Asked),
    /// The library finds every primary itself.
    Library(ClientPolicy),
    /// There is nothing to find: this node and no other.
    Fixed(Member),
}

/// Connections over which nodes were asked before.
#[derive(Default)]
struct Asked {
    connections: HashMap<u16, MultiplexedConnection>,
    /// Where the next question begins: a node that does not answer is not asked every time.
    next: usize,
}

/// A connection and the node it leads to.
type Found = (Connection, Option<u16>);

impl Finder {
    /// One finder for each way a client needs.
    pub fn all(policy: ClientPolicy, timeouts: Timeouts, roster: &Arc<Roster>) -> Vec<Self> {
        let finder = |way| Self { way, timeouts, roster: Arc::clone(roster) };
        match (roster.cluster, policy) {
            (false, _) => vec![finder(Way::Sentinels(None))],
            (true, ClientPolicy::Rebuild) => roster.shards().map(|shard| finder(Way::Shard(shard, Asked::default()))).collect(),
            (true, policy) => vec![finder(Way::Library(policy))],
        }
    }

    /// One finder for each independent primary.
    pub fn independent(timeouts: Timeouts, roster: &Arc<Roster>) -> Vec<Self> {
        roster.independent().map(|member| Self { way: Way::Fixed(member), timeouts, roster: Arc::clone(roster) }).collect()
    }

    /// Looks once. The whole search is bounded, because the crate asks with limits of its own.
    pub async fn find(&mut self) -> Option<Found> {
        let Self { way, timeouts, roster } = self;
        let limit = timeouts.connect + timeouts.response;
        match way {
            Way::Sentinels(client) => {
                let found = tokio::time::timeout(limit, by_sentinels(client, *timeouts, roster)).await;
                if found.is_err() {
                    // A search that was cut off may leave half-read connections in the crate's cache.
                    *client = None;
                }
                found.ok()?
            }
            Way::Shard(shard, asked) => {
                let found = tokio::time::timeout(limit, by_nodes(asked, *shard, *timeouts, roster)).await;
                if found.is_err() {
                    asked.connections.clear();
                }
                found.ok()?
            }
            Way::Fixed(member) => {
                let connection = tokio::time::timeout(limit, open(member.node.address, *timeouts)).await.ok()?.ok()?;
                Some((Connection::Node(connection), Some(member.index)))
            }
            // Its first connection takes as long as it takes; what comes after is what is measured.
            Way::Library(policy) => by_library(*policy, *timeouts, roster).await,
        }
    }
}

async fn by_sentinels(client: &mut Option<Box<SentinelClient>>, timeouts: Timeouts, roster: &Roster) -> Option<Found> {
    if client.is_none() {
        *client = connect::sentinel_client(roster.sentinels().map(|member| member.node.address)).ok().map(Box::new);
    }
    let client = client.as_mut()?.async_get_client().await.ok()?;
    let node = match client.get_connection_info().addr() {
        redis::ConnectionAddr::Tcp(host, port) => roster.at(host, *port),
        _ => None,
    };
    let connection = client.get_multiplexed_async_connection_with_config(&timeouts.config()).await.ok()?;
    Some((Connection::Node(connection), node))
}

/// Asks some nodes who serves a shard, believes the newest claim, and connects to that node.
async fn by_nodes(asked: &mut Asked, shard: u32, timeouts: Timeouts, roster: &Roster) -> Option<Found> {
    let members: Vec<Member> = roster.data().collect();
    let some: Vec<&Member> = members.iter().cycle().skip(asked.next).take(ASKED.min(members.len())).collect();
    asked.next = (asked.next + ASKED) % members.len().max(1);
    let questions = some.into_iter().map(|member| {
        let known = asked.connections.remove(&member.index);
        async move {
            let mut connection = match known {
                Some(connection) => connection,
                None => open(member.node.address, timeouts).await.ok()?,
            };
            let answer: String = redis::cmd("CLUSTER").arg("NODES").query_async(&mut connection).await.ok()?;
            Some((member.index, connection, answer))
        }
    });
    let mut newest: Option<(u64, u16)> = None;
    for (index, connection, answer) in join_all(questions).await.into_iter().flatten() {
        asked.connections.insert(index, connection);
        for node in known_nodes(&answer) {
            let at = if node.is("myself") {
                Some(index)
            } else {
                node.address.rsplit_once(':').and_then(|(host, port)| roster.at(host, port.parse().ok()?))
            };
            let Some(owner) = at.filter(|_| node.is("master") && node.slots.count() > 0) else { continue };
            let here = members.iter().any(|member| member.index == owner && member.shard == shard);
            if here && newest.is_none_or(|(epoch, _)| epoch < node.epoch) {
                newest = Some((node.epoch, owner));
            }
        }
    }
    let (_, owner) = newest?;
    let address = members.iter().find(|member| member.index == owner)?.node.address;
    let connection = open(address, timeouts).await.ok()?;
    Some((Connection::Node(connection), Some(owner)))
}

async fn by_library(policy: ClientPolicy, timeouts: Timeouts, roster: &Roster) -> Option<Found> {
    let client: ClusterClient = connect::cluster_client(policy, timeouts, roster.data().map(|member| member.node.address)).ok()?;
    let connection = client.get_async_connection().await.ok()?;
    Some((Connection::Cluster(connection), None))
}
