//! Connections with every timeout set, so that no call can outlast an outage unseen.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, RedisResult};
use redquake_experiments::spec::ClientPolicy;
use redquake_topologies::runtime::NodeAddress;

/// Name under which the Sentinels know the primary.
pub use redquake_topologies::config::MASTER as MASTER_NAME;

/// The two waits a client may have.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection, handshake included.
    pub connect: Duration,
    /// For a reply.
    pub response: Duration,
}

impl Timeouts {
    /// The same in the redis crate's terms.
    pub fn config(self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new().set_connection_timeout(Some(self.connect)).set_response_timeout(Some(self.response))
    }
}

/// Opens a connection to one node. `TCP_NODELAY` is on: the crate leaves it off before version 2.
pub async fn open(address: NodeAddress, timeouts: Timeouts) -> RedisResult<MultiplexedConnection> {
    let info = ConnectionAddr::Tcp(address.ip.to_string(), address.port).into_connection_info()?;
    let client = Client::open(info.set_tcp_settings(no_delay()))?;
    client.get_multiplexed_async_connection_with_config(&timeouts.config()).await
}

/// The crate's Sentinel client for the lab's primary.
pub fn sentinel_client(sentinels: impl IntoIterator<Item = NodeAddress>) -> RedisResult<SentinelClient> {
    let addresses = sentinels.into_iter().map(|address| ConnectionAddr::Tcp(address.ip.to_string(), address.port));
    SentinelClientBuilder::new(addresses, MASTER_NAME, SentinelServerType::Master)?
        .set_client_to_redis_tcp_settings(no_delay())
        .set_client_to_sentinel_tcp_settings(no_delay())
        .build()
}

/// The crate's client for a whole Cluster. As shipped, it waits for a reply without limit and sends a command again up to 16 times.
pub fn cluster_client(
    policy: ClientPolicy,
    timeouts: Timeouts,
    nodes: impl IntoIterator<Item = NodeAddress>,
) -> RedisResult<ClusterClient> {
    let nodes: Vec<ConnectionAddr> = nodes.into_iter().map(|node| ConnectionAddr::Tcp(node.ip.to_string(), node.port)).collect();
    let builder = ClusterClientBuilder::new(nodes).tcp_settings(no_delay());
    match policy {
        ClientPolicy::LibraryTuned => {
            // Every attempt is one the workload sees: none is made again behind its back.
            builder.retries(0).connection_timeout(timeouts.connect).response_timeout(timeouts.response).build()
        }
        ClientPolicy::Library | ClientPolicy::Rebuild => builder.build(),
    }
}

fn no_delay() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}
