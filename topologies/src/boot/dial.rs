//! Connections to nodes, with every timeout written down.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo};
use tokio::net::TcpSocket;

use crate::runtime::NodeAddress;

/// How connections are made.
#[derive(Debug, Clone)]
pub struct Dialer {
    /// Address the socket is bound to, see [`crate::runtime::Lab::client_bind`].
    pub bind: Option<Ipv4Addr>,
    /// Password, where the server wants one.
    pub password: Option<String>,
    /// Longest wait for a connection, and for each reply.
    pub timeout: Duration,
}

impl Dialer {
    /// Opens a connection; must run inside the zone from which the node can be reached.
    ///
    /// # Errors
    /// In words: refused, timed out, or the server's own answer to the handshake.
    pub async fn dial(&self, address: NodeAddress) -> Result<MultiplexedConnection, String> {
        tokio::time::timeout(self.timeout, self.connect(address))
            .await
            .unwrap_or_else(|_| Err(format!("no connection within {} ms", self.timeout.as_millis())))
    }

    async fn connect(&self, address: NodeAddress) -> Result<MultiplexedConnection, String> {
        let words = |error: std::io::Error| error.to_string();
        let socket = TcpSocket::new_v4().map_err(words)?;
        if let Some(bind) = self.bind {
            socket.bind(SocketAddr::new(IpAddr::V4(bind), 0)).map_err(words)?;
        }
        let stream = socket.connect(SocketAddr::new(IpAddr::V4(address.ip), address.port)).await.map_err(words)?;
        stream.set_nodelay(true).map_err(words)?;
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(self.timeout)).set_connection_timeout(Some(self.timeout));
        let mut info = RedisConnectionInfo::default().set_skip_set_lib_name();
        if let Some(password) = &self.password {
            info = info.set_password(password);
        }
        let (connection, driver) =
            MultiplexedConnection::new_with_config(&info, stream, config).await.map_err(|error| error.to_string())?;
        tokio::spawn(driver);
        Ok(connection)
    }
}
