//! Zones: places for clients that are told apart by their address.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use redquake_experiments::spec::Direction;
use redquake_topologies::namespace::{Namespace, Privilege};
use redquake_topologies::rules::{self, PeerRule};
use redquake_topologies::runtime::{LabRequest, NodeAddress, Runtime, RuntimeError};

use super::support::{Ready, engine, objects, request, run, topology};

/// An answer on this network takes far less.
const PATIENCE: Duration = Duration::from_millis(300);

/// What a server answers to one inline command, asked from within a namespace.
fn ask(namespace: &Namespace, to: NodeAddress, command: &str) -> std::io::Result<String> {
    let within = || {
        namespace.enter()?;
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((to.ip, to.port)), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).trim().to_owned())
    };
    std::thread::scope(|scope| scope.spawn(within).join().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_have_addresses_of_their_own_by_which_they_are_cut_off() {
    let Some(engine) = engine().await else { return };
    let run = run("zones");
    let set = topology(0, 1);
    // A zone may be called like a node.
    let zones = vec!["a".to_owned(), "redis-1".to_owned()];
    let wanted = LabRequest { zones, ..request(&engine, &run, 1, &set).await };
    if !Privilege::current().enter_namespaces() {
        let refused = engine.open(wanted).await.err();
        assert!(matches!(&refused, Some(RuntimeError::Privilege(why)) if why.contains("--runtime process")), "{refused:?}");
        assert_eq!(objects(&run), Vec::<String>::new());
        return println!("only the refusal was tried: this user may not enter network namespaces");
    }
    let ready = Ready::boot(&engine, wanted, &set).await;
    let node = ready.address("redis-1");
    let (a, b) = (ready.lab.zone_namespace("a").await.unwrap(), ready.lab.zone_namespace("redis-1").await.unwrap());
    assert_eq!(ready.lab.zones().iter().map(|zone| zone.name.as_str()).collect::<Vec<_>>(), ["a", "redis-1"]);
    for (zone, namespace) in ready.lab.zones().iter().zip([&a, &b]) {
        let seen = ask(namespace, node, "CLIENT INFO").unwrap();
        assert!(seen.contains(&format!(" addr={}:", zone.address)), "{zone:?}: {seen}");
    }
    let own = ready.lab.namespace("redis-1").await.unwrap();
    for (place, peer) in [(&own, ready.lab.zones()[0].address), (&a, node.ip)] {
        rules::drop_packets(place, "zone", &[PeerRule { peer, direction: Direction::Both }]).await.unwrap();
        assert!(ask(&a, node, "PING").is_err(), "the zone is not cut off");
        assert_eq!(ask(&b, node, "PING").unwrap(), "+PONG");
        assert!(ready.ask(node, &["PING"]).await.is_ok(), "the clients' place belongs to no zone");
        rules::remove(place, "zone").await.unwrap();
        assert_eq!(ask(&a, node, "PING").unwrap(), "+PONG");
    }
    let unknown = ready.lab.zone_namespace("c").await.unwrap_err();
    assert_eq!(unknown.to_string(), "no zone named `c` in this lab");
    assert!(objects(&run).iter().any(|name| name.ends_with("-zone2")), "a zone is an object that can be found");
    ready.close(&run).await;
}
