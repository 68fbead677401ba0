//! Zones: places for clients that are told apart by their address.

use redquake_experiments::spec::{Direction, Role, Server};
use redquake_topologies::process::ProcessRuntime;
use redquake_topologies::rules::{self, PeerRule};
use redquake_topologies::runtime::NodeSpec;

use crate::inside::{address, answers, ask, config, open};

/// Each zone is another source address; cut off at either end it reaches nothing, while its neighbour and the clients do.
pub async fn play() {
    let runtime = ProcessRuntime::new().unwrap();
    // A zone may be called like a node.
    let lab = open(&runtime, &Server::default(), vec![NodeSpec::new("redis-1", Role::Primary)], &["a", "redis-1"]).await;
    lab.boot("redis-1", config("")).await.unwrap();
    answers(&*lab, "redis-1", "PING", "+PONG").await;
    let node = address(&*lab, "redis-1");
    let (a, b) = (lab.zone_namespace("a").await.unwrap(), lab.zone_namespace("redis-1").await.unwrap());
    assert_eq!(lab.zones().iter().map(|zone| zone.name.as_str()).collect::<Vec<_>>(), ["a", "redis-1"]);
    for (zone, namespace) in lab.zones().iter().zip([&a, &b]) {
        let seen = ask(namespace, node, "CLIENT INFO").unwrap();
        assert!(seen.contains(&format!(" addr={}:", zone.address)), "{zone:?}: {seen}");
    }
    let own = lab.namespace("redis-1").await.unwrap();
    for (place, peer) in [(&own, lab.zones()[0].address), (&a, node.ip)] {
        rules::drop_packets(place, "zone", &[PeerRule { peer, direction: Direction::Both }]).await.unwrap();
        assert!(ask(&a, node, "PING").is_err(), "the zone is not cut off");
        assert_eq!(ask(&b, node, "PING").unwrap(), "+PONG");
        assert_eq!(ask(&lab.client_namespace().unwrap(), node, "PING").unwrap(), "+PONG");
        rules::remove(place, "zone").await.unwrap();
        assert_eq!(ask(&a, node, "PING").unwrap(), "+PONG");
    }
    let unknown = lab.zone_namespace("c").await.unwrap_err();
    assert_eq!(unknown.to_string(), "no zone named `c` in this lab");
    assert_eq!(lab.close().await, Vec::<String>::new());
}
