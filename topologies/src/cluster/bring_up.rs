//! Bringing a Cluster up: nodes that know each other from their first moment, and primaries that take over.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use redquake_experiments::spec::{ClusterTopology, Directives};
use tokio::time::Instant;

use super::form::{Forming, NODE_TIMEOUT};
use super::layout::{changed_places, seats};
use super::neighbours::introduce;
use crate::boot::{BootedNode, Booter};
use crate::config::{NODES_FILE, cluster_conf, nodes_conf};
use crate::namespace::Zone;
use crate::runtime::{Lab, NodeAddress, NodeFile, RuntimeError};

/// How errors begin.
const NOT_READY: &str = "the Cluster did not become ready";
/// Node timeout while servers start, ms.
const PATIENT: u64 = 60_000;
/// Servers that are started at once; more of them only fight for the processors.
const AT_ONCE: usize = 8;

/// A Cluster that is ready: every node says that its state is ok, that all slots are covered and who follows whom, and all replicas have
/// everything their primaries have.
#[derive(Debug, Clone)]
pub struct ClusterSet {
    /// The nodes, in the order of the lab.
    pub nodes: Vec<BootedNode>,
    /// Time from the call until the Cluster was ready.
    pub ready_after: Duration,
}

/// Boots the nodes of an open lab as a Cluster and returns when it is ready. Connections are made inside the zone.
///
/// # Errors
/// When a server ends by itself or the Cluster is not ready within the limit: what was missing, and the end of the logs of the
/// nodes concerned.
pub async fn bring_up(lab: &dyn Lab, zone: &Zone, topology: &ClusterTopology, limit: Duration) -> Result<ClusterSet, RuntimeError> {
    let began = Instant::now();
    let booter = Booter { lab, zone, deadline: began + limit, not_ready: NOT_READY };
    introduce(lab).await?;
    let seats = seats(topology, lab.nodes());
    let views = changed_places(&seats);
    let (booter, known) = (&booter, &views);
    let boots: Vec<BoxFuture<'_, _>> = seats
        .iter()
        .map(|seat| {
            async move {
                let known = NodeFile { name: NODES_FILE.to_owned(), content: nodes_conf(&seat.node.name, known) };
                let config = conf(seat.node.address, &patient(&topology.config.redis)?);
                booter.lab.put(&seat.node.name, known).await?;
                booter.boot(seat.node.name.clone(), config).await
            }
            .boxed()
        })
        .collect();
    stream::iter(boots).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    let nodes: Vec<_> = lab.nodes().iter().collect();
    let infos = booter.wait(&nodes, Forming::new(booter.dialer(&topology.config.redis), seats, topology.node_timeout_ms())).await?;
    // A server that is started again reads its file again.
    let files: Vec<BoxFuture<'_, _>> =
        nodes.iter().map(|node| lab.put(&node.name, conf(node.address, &topology.config.redis)).boxed()).collect();
    stream::iter(files).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    Ok(ClusterSet { nodes: BootedNode::of_all(lab.nodes(), &infos), ready_after: began.elapsed() })
}

fn conf(address: NodeAddress, directives: &Directives) -> NodeFile {
    NodeFile { name: "redis.conf".to_owned(), content: cluster_conf(address, directives) }
}

/// The directives with a node timeout that outlasts the start of all servers: nobody shall be held for failing before it has begun.
fn patient(directives: &Directives) -> Result<Directives, RuntimeError> {
    let patient = PATIENT.to_string();
    let others = directives.iter().filter(|(name, _)| *name != NODE_TIMEOUT);
    Directives::new(others.chain([(NODE_TIMEOUT, patient.as_str())]))
        .map_err(|error| RuntimeError::failed("setting the node timeout", error))
}
