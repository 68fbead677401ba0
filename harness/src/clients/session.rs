//! One client's way to the primary, and how it finds the primary again.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::sentinel::SentinelClient;
use redquake_experiments::spec::ClientPolicy;
use redquake_topologies::namespace::Zone;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::connect::{self, Timeouts};
use crate::trial::Roster;

/// Pause between two attempts to find the primary. Short against every gap, long against the load it puts on the Sentinels.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(25);

/// A client's connection to the primary, replaced when it is lost and the policy says so.
#[derive(Clone)]
pub struct Session {
    current: watch::Receiver<Option<Link>>,
    lost: watch::Sender<u64>,
    timeouts: Timeouts,
}

/// A connection, with what is known of it.
#[derive(Clone)]
pub struct Link {
    /// The connection.
    pub connection: MultiplexedConnection,
    /// Index of the node it leads to.
    pub node: Option<u16>,
    generation: u64,
}

impl Session {
    /// Starts a client on a zone's threads. Ends with the token.
    pub fn start(zone: &Zone, policy: ClientPolicy, timeouts: Timeouts, roster: Arc<Roster>, stop: CancellationToken) -> Self {
        let (offer, current) = watch::channel(None);
        let (lost, losses) = watch::channel(0);
        zone.spawn(stop.run_until_cancelled_owned(keep_connected(policy, timeouts, roster, offer, losses)));
        Self { current, lost, timeouts }
    }

    /// The present connection; waits for one up to the connection timeout.
    pub async fn link(&self) -> Option<Link> {
        let mut current = self.current.clone();
        let found = tokio::time::timeout(self.timeouts.connect, current.wait_for(Option::is_some)).await;
        match found {
            Ok(Ok(link)) => link.clone(),
            _ => None,
        }
    }

    /// Waits for the first connection, however long it takes.
    pub async fn connected(&self) {
        let _ = self.current.clone().wait_for(Option::is_some).await;
    }

    /// Whether there is a connection now.
    pub fn is_connected(&self) -> bool {
        self.current.borrow().is_some()
    }

    /// Reports that an operation lost its connection. Later reports about the same connection change nothing.
    pub fn report_lost(&self, link: &Link) {
        self.lost.send_if_modified(|generation| {
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
    timeouts: Timeouts,
    roster: Arc<Roster>,
    offer: watch::Sender<Option<Link>>,
    mut losses: watch::Receiver<u64>,
) {
    let mut finder: Option<SentinelClient> = None;
    for generation in 1.. {
        let (connection, node) = loop {
            if let Some(found) = find(&mut finder, timeouts, &roster).await {
                break found;
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        };
        offer.send_replace(Some(Link { connection, node, generation }));
        // `library`: the first connection is all there is; what becomes of it is the crate's business.
        if policy == ClientPolicy::Library || losses.wait_for(|lost| *lost >= generation).await.is_err() {
            return std::future::pending().await;
        }
        offer.send_replace(None);
    }
}

/// Asks the Sentinels for the primary and connects to it. The whole search is bounded, because the crate asks with limits of its own.
async fn find(finder: &mut Option<SentinelClient>, timeouts: Timeouts, roster: &Roster) -> Option<(MultiplexedConnection, Option<u16>)> {
    if finder.is_none() {
        *finder = connect::sentinel_client(roster.sentinels().map(|member| member.node.address)).ok();
    }
    let search = async {
        let client = finder.as_mut()?.async_get_client().await.ok()?;
        let node = match client.get_connection_info().addr() {
            redis::ConnectionAddr::Tcp(host, port) => roster.at(host, *port),
            _ => None,
        };
        let connection = client.get_multiplexed_async_connection_with_config(&timeouts.config()).await.ok()?;
        Some((connection, node))
    };
    match tokio::time::timeout(timeouts.connect + timeouts.response, search).await {
        Ok(found) => found,
        Err(_) => {
            // A search that was cut off may leave half-read connections in the crate's cache.
            *finder = None;
            None
        }
    }
}
