//! Who is where on the lab network, written down instead of asked for.
//!
//! In a Cluster everybody talks to everybody, so each of n nodes learns n - 1 hardware addresses by ARP. The kernel keeps all of them, of
//! all namespaces of the machine, in one table of 1024 entries at most (`net.ipv4.neigh.default.gc_thresh3`); with 45 nodes it overflows,
//! and nobody can connect to anybody. Entries that are permanent do not count.

use std::net::Ipv4Addr;

use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::namespace::{IP, Namespace};
use crate::runtime::{Lab, RuntimeError};

/// Entries that are left to the kernel; a lab beside this one may need as many.
const FEW: usize = 400;
/// Programs that run at once.
const AT_ONCE: usize = 8;

/// A place on the network: its namespace, and its address where it is one of a node.
type Place = (Namespace, Option<Ipv4Addr>);

/// Tells every node of a large lab the hardware addresses of all others. Where namespaces may not be entered nothing is done.
pub(super) async fn introduce(lab: &dyn Lab) -> Result<(), RuntimeError> {
    let nodes = lab.nodes();
    let Some(clients) = lab.client_namespace().filter(|_| nodes.len() * (nodes.len() + 1) > FEW) else { return Ok(()) };
    let namespaces = join_all(nodes.iter().map(|node| lab.namespace(&node.name))).await;
    let mut places: Vec<Place> = vec![(clients, None)];
    for (node, namespace) in nodes.iter().zip(namespaces) {
        places.push((namespace?, Some(node.address.ip)));
    }
    let asked: Vec<_> = places.iter().map(|(namespace, _)| hardware(namespace)).collect();
    let hardware: Vec<String> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    let known: Vec<(Ipv4Addr, &String)> =
        places.iter().zip(&hardware).filter_map(|((_, address), hardware)| Some(((*address)?, hardware))).collect();
    let told: Vec<_> = places
        .iter()
        .map(|(namespace, own)| {
            let others = known.iter().filter(|(address, _)| Some(*address) != *own);
            let lines = others.map(|(address, hardware)| format!("neigh replace {address} lladdr {hardware} nud permanent dev eth0\n"));
            tell(namespace, lines.collect())
        })
        .collect();
    stream::iter(told).buffer_unordered(AT_ONCE).try_collect().await
}

async fn hardware(namespace: &Namespace) -> Result<String, RuntimeError> {
    let shown = IP.run(namespace, &["-oneline", "link", "show", "dev", "eth0"], "").await?;
    let shown = shown.map_err(|reason| RuntimeError::failed("reading a hardware address", reason))?;
    let word = shown.split_ascii_whitespace().skip_while(|word| *word != "link/ether").nth(1);
    word.map(str::to_owned).ok_or_else(|| RuntimeError::failed("reading a hardware address", shown))
}

async fn tell(namespace: &Namespace, lines: String) -> Result<(), RuntimeError> {
    let done = IP.run(namespace, &["-batch", "-"], lines).await?;
    done.map(drop).map_err(|reason| RuntimeError::failed("introducing the nodes of a large lab to each other", reason))
}
