//! Bringing a Sentinel set up: data nodes first and in sync, then Sentinels that know everything from their first moment. Independent primaries
//! beside it are started with the data nodes.

use std::time::Duration;

use redquake_experiments::spec::{Role, SentinelTopology};
use tokio::time::Instant;

use super::look::{Alone, Data, Sentinels};
use crate::boot::{BootedNode, Booter, Infos};
use crate::config::{SentinelView, redis_conf, sentinel_conf};
use crate::namespace::Zone;
use crate::runtime::{Lab, LabNode, NodeAddress, NodeFile, RuntimeError};

/// How errors begin.
const NOT_READY: &str = "the Sentinel set did not become ready";

/// A Sentinel set that is ready: every Sentinel answers CKQUORUM with OK, sees all replicas and all peers connected, and nobody is down.
#[derive(Debug, Clone)]
pub struct SentinelSet {
    /// The nodes, in the order of the lab.
    pub nodes: Vec<BootedNode>,
    /// Time from the call until the set was ready.
    pub ready_after: Duration,
}

/// Boots the nodes of an open lab as a Sentinel set and returns when it is ready. Connections are made inside the zone.
///
/// # Errors
/// When a server ends by itself or the set is not ready within the limit: what was missing, and the end of the logs of the
/// nodes concerned.
pub async fn bring_up(lab: &dyn Lab, zone: &Zone, topology: &SentinelTopology, limit: Duration) -> Result<SentinelSet, RuntimeError> {
    let began = Instant::now();
    let booter = Booter { lab, zone, deadline: began + limit, not_ready: NOT_READY };
    let bringing = BringUp { booter, topology };
    let (data, independent) = tokio::try_join!(bringing.data(), bringing.independent())?;
    let mut infos = data;
    infos.extend(bringing.sentinels().await?);
    infos.extend(independent);
    Ok(SentinelSet { nodes: BootedNode::of_all(lab.nodes(), &infos), ready_after: began.elapsed() })
}

/// Waits until a set that was brought up before is ready once more, by the same questions, and starts nothing.
///
/// # Errors
/// As for [`bring_up`].
pub async fn ready_again(lab: &dyn Lab, zone: &Zone, topology: &SentinelTopology, limit: Duration) -> Result<SentinelSet, RuntimeError> {
    let began = Instant::now();
    let booter = Booter { lab, zone, deadline: began + limit, not_ready: NOT_READY };
    let bringing = BringUp { booter, topology };
    let mut infos = bringing.data_ready().await?;
    infos.extend(bringing.sentinels_ready().await?);
    Ok(SentinelSet { nodes: BootedNode::of_all(lab.nodes(), &infos), ready_after: began.elapsed() })
}

struct BringUp<'a> {
    booter: Booter<'a>,
    topology: &'a SentinelTopology,
}

impl BringUp<'_> {
    fn primary(&self) -> Result<&LabNode, RuntimeError> {
        self.booter
            .of_role(Role::Primary)
            .first()
            .copied()
            .ok_or_else(|| RuntimeError::failed("bringing a Sentinel set up", "the lab has no primary"))
    }

    /// Boots the data nodes, the primary first: a replica that finds nobody tries again only a second later.
    async fn data(&self) -> Result<Infos, RuntimeError> {
        let (primary, replicas) = (self.primary()?, self.booter.of_role(Role::Replica));
        let dialer = self.booter.dialer(&self.topology.config.redis);
        let boot = |node: &LabNode, follows: Option<NodeAddress>| {
            let content = redis_conf(node.address, follows, &self.topology.config.redis);
            self.booter.boot(node.name.clone(), NodeFile { name: "redis.conf".to_owned(), content })
        };
        boot(primary, None).await?;
        self.booter.wait(&[primary], Data::new(dialer, &[primary], true)).await?;
        futures_util::future::try_join_all(replicas.iter().map(|replica| boot(replica, Some(primary.address)))).await?;
        self.data_ready().await
    }

    /// Boots the primaries that belong to no set; they are ready when they serve.
    async fn independent(&self) -> Result<Infos, RuntimeError> {
        let nodes = self.booter.of_role(Role::Independent);
        if nodes.is_empty() {
            return Ok(Infos::new());
        }
        let boots = nodes.iter().map(|node| {
            let content = redis_conf(node.address, None, &self.topology.config.redis);
            self.booter.boot(node.name.clone(), NodeFile { name: "redis.conf".to_owned(), content })
        });
        futures_util::future::try_join_all(boots).await?;
        self.booter.wait(&nodes, Alone::new(self.booter.dialer(&self.topology.config.redis), &nodes)).await
    }

    async fn data_ready(&self) -> Result<Infos, RuntimeError> {
        let nodes: Vec<&LabNode> = std::iter::once(self.primary()?).chain(self.booter.of_role(Role::Replica)).collect();
        let looked = Data::new(self.booter.dialer(&self.topology.config.redis), &nodes, false);
        self.booter.wait(&nodes, looked).await
    }

    async fn sentinels(&self) -> Result<Infos, RuntimeError> {
        let (primary, replicas, sentinels) = (self.primary()?, self.booter.of_role(Role::Replica), self.booter.of_role(Role::Sentinel));
        let boots = sentinels.iter().map(|node| {
            let peers: Vec<&LabNode> = sentinels.iter().copied().filter(|peer| peer.name != node.name).collect();
            let view = SentinelView { node, primary: primary.address, quorum: self.topology.quorum, replicas: &replicas, peers: &peers };
            let content = sentinel_conf(view, &self.topology.config.sentinel);
            self.booter.boot(node.name.clone(), NodeFile { name: "sentinel.conf".to_owned(), content })
        });
        futures_util::future::try_join_all(boots).await?;
        self.sentinels_ready().await
    }

    async fn sentinels_ready(&self) -> Result<Infos, RuntimeError> {
        let (replicas, sentinels) = (self.booter.of_role(Role::Replica), self.booter.of_role(Role::Sentinel));
        let looked = Sentinels::new(self.booter.dialer(&self.topology.config.sentinel), &sentinels, replicas.len());
        self.booter.wait(&sentinels, looked).await
    }
}
