//! One client's way to the primaries, and how it finds them again.

use std::sync::Arc;
use std::time::Duration;

use redquake_experiments::spec::ClientPolicy;
use redquake_topologies::namespace::Zone;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::connect::{Timeouts, open};
use super::connection::Connection;
use super::detour::Detours;
use super::find::Finder;
use crate::context::{Member, Roster};

/// Pause between two attempts to find a primary. Short against every gap, long against the load it puts on those who are asked.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(25);

/// A client's connections: to the primary of each shard, each replaced when it is lost and the policy says so; or the one the library
/// makes for the whole Cluster.
#[derive(Clone)]
pub struct Session {
    routes: Arc<[Route]>,
    timeouts: Timeouts,
    roster: Arc<Roster>,
    /// Slots that other shards serve than they did at first.
    detours: Arc<Detours>,
}

/// The way to one primary.
struct Route {
    current: watch::Receiver<Option<Link>>,
    lost: watch::Sender<u64>,
}

/// A connection, with what is known of it.
#[derive(Clone)]
pub struct Link {
    /// The connection.
    pub connection: Connection,
    /// Index of the node it leads to, where it leads to one.
    pub node: Option<u16>,
    route: usize,
    generation: u64,
}

impl Link {
    /// Whether both are the same connection of one client.
    pub fn same(&self, other: &Self) -> bool {
        self.generation == other.generation
    }
}

impl Session {
    /// Starts a client of the set or Cluster on a zone's threads. Ends with the token.
    pub fn start(zone: &Zone, policy: ClientPolicy, timeouts: Timeouts, roster: Arc<Roster>, stop: CancellationToken) -> Self {
        Self::over(Finder::all(policy, timeouts, &roster), zone, policy, timeouts, roster, &stop)
    }

    /// Starts a client of the independent primaries, each with a route of its own.
    pub fn to_independent(zone: &Zone, timeouts: Timeouts, roster: Arc<Roster>, stop: CancellationToken) -> Self {
        Self::over(Finder::independent(timeouts, &roster), zone, ClientPolicy::Rebuild, timeouts, roster, &stop)
    }

    fn over(
        finders: Vec<Finder>,
        zone: &Zone,
        policy: ClientPolicy,
        timeouts: Timeouts,
        roster: Arc<Roster>,
        stop: &CancellationToken,
    ) -> Self {
        let routes = finders.into_iter().enumerate().map(|(route, finder)| {
            let (offer, current) = watch::channel(None);
            let (lost, losses) = watch::channel(0);
            let stop = stop.clone();
            zone.spawn(async move {
                stop.run_until_cancelled(keep_connected(policy, finder, route, &offer, losses)).await;
                // A client that ended leaves no connection behind for those who still look at it.
                offer.send_replace(None);
            });
            Route { current, lost }
        });
        Self { routes: routes.collect(), timeouts, roster, detours: Arc::default() }
    }

    /// The present connection for the keys of a shard, from 1, that lie in a slot; waits for one up to the connection timeout.
    pub async fn link(&self, shard: u32, slot: impl FnOnce() -> Option<u16>) -> Option<Link> {
        let wanted = self.detours.shard(slot).unwrap_or(shard).saturating_sub(1) as usize;
        let route = self.routes.get(wanted).or(self.routes.first())?;
        let mut current = route.current.clone();
        let found = tokio::time::timeout(self.timeouts.connect, current.wait_for(Option::is_some)).await;
        match found {
            Ok(Ok(link)) => link.clone(),
            _ => None,
        }
    }

    /// The present connection of every route, without waiting for any.
    pub fn each(&self) -> Vec<Option<Link>> {
        self.routes.iter().map(|route| route.current.borrow().clone()).collect()
    }

    /// The connection to the node at an address, where a client was told to ask: the present one if it leads there, else one made for it.
    pub async fn asked(&self, address: &str) -> Option<Link> {
        let member = self.member_at(address)?;
        if let Some(link) = self.current().into_iter().find(|link| link.node == Some(member.index)) {
            return Some(link);
        }
        let connection = Connection::Node(open(member.node.address, self.timeouts).await.ok()?);
        Some(Link { connection, node: Some(member.index), route: usize::MAX, generation: 0 })
    }

    /// Takes in that a slot is served at an address. Whether that is another shard than the one the connection leads to: then the client goes there, and
    /// has lost nothing.
    pub fn learn(&self, slot: u16, address: &str, link: &Link) -> bool {
        let here = link.node.and_then(|node| self.roster.data().find(|member| member.index == node));
        let (Some(here), Some(there)) = (here, self.member_at(address)) else { return false };
        if here.shard == there.shard {
            return false;
        }
        self.detours.learn(slot, there.shard);
        true
    }

    fn member_at(&self, address: &str) -> Option<Member> {
        let (host, port) = address.rsplit_once(':')?;
        let index = self.roster.at(host, port.parse().ok()?)?;
        self.roster.data().find(|member| member.index == index)
    }

    /// The present connections, to those shards to which there is one now.
    pub fn current(&self) -> Vec<Link> {
        self.routes.iter().filter_map(|route| route.current.borrow().clone()).collect()
    }

    /// Waits for the first connection to every shard, however long it takes.
    pub async fn connected(&self) {
        for route in self.routes.iter() {
            let _ = route.current.clone().wait_for(Option::is_some).await;
        }
    }

    /// Whether there is a connection to every shard now.
    pub fn is_connected(&self) -> bool {
        self.routes.iter().all(|route| route.current.borrow().is_some())
    }

    /// Reports that an operation lost its connection. Later reports about the same connection change nothing.
    pub fn report_lost(&self, link: &Link) {
        let Some(route) = self.routes.get(link.route) else { return };
        route.lost.send_if_modified(|generation| {
            let newer = link.generation > *generation;
            if newer {
                *generation = link.generation;
            }
            newer
        });
    }
}

async fn keep_connected(
    policy: ClientPolicy,
    mut finder: Finder,
    route: usize,
    offer: &watch::Sender<Option<Link>>,
    mut losses: watch::Receiver<u64>,
) {
    for generation in 1.. {
        let (connection, node) = loop {
            if let Some(found) = finder.find().await {
                break found;
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        };
        offer.send_replace(Some(Link { connection, node, route, generation }));
        // `library`: the first connection is all there is; what becomes of it is the crate's business.
        if policy != ClientPolicy::Rebuild || losses.wait_for(|lost| *lost >= generation).await.is_err() {
            return std::future::pending().await;
        }
        offer.send_replace(None);
    }
}
