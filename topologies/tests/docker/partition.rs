//! Packet rules on real links.

use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use redquake_experiments::plan::RuntimeKind;
use redquake_experiments::spec::Direction;
use redquake_topologies::namespace::Namespace;
use redquake_topologies::rules::{self, PeerRule};
use redquake_topologies::runtime::{Lab, NodeAddress};

use super::support::{NOBODY, Ready, engine, may_enter, run, topology};

/// A handshake on this network takes far less.
const HANDSHAKE: Duration = Duration::from_millis(300);

/// Whether a handshake from one node to another succeeds.
async fn reaches(lab: &Arc<dyn Lab>, from: &str, to: NodeAddress) -> bool {
    let namespace = lab.namespace(from).await.unwrap();
    let attempt = move || {
        namespace.enter().unwrap();
        TcpStream::connect_timeout(&SocketAddr::from((to.ip, to.port)), HANDSHAKE).is_ok()
    };
    tokio::task::spawn_blocking(|| std::thread::spawn(attempt).join().unwrap()).await.unwrap()
}

/// Whether a datagram from one node reaches another.
async fn delivers(lab: &Arc<dyn Lab>, from: &str, to: &str, at: NodeAddress) -> bool {
    let (near, far) = (lab.namespace(from).await.unwrap(), lab.namespace(to).await.unwrap());
    let attempt = move || {
        let listening = std::thread::spawn(move || {
            far.enter().unwrap();
            let socket = UdpSocket::bind((at.ip, 0)).unwrap();
            socket.set_read_timeout(Some(HANDSHAKE)).unwrap();
            socket
        });
        let socket = listening.join().unwrap();
        let port = socket.local_addr().unwrap().port();
        let sending = std::thread::spawn(move || {
            near.enter().unwrap();
            UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"x", (at.ip, port)).map(drop)
        });
        // A rule may refuse it to the sender, which is one way not to arrive.
        let _ = sending.join().unwrap();
        socket.recv(&mut [0; 8]).is_ok()
    };
    tokio::task::spawn_blocking(attempt).await.unwrap()
}

async fn cut(namespace: &Namespace, id: &str, peer: NodeAddress, direction: Direction) {
    rules::drop_packets(namespace, id, &[PeerRule { peer: peer.ip, direction }]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_drops_both_ways_spares_others_and_heals_completely() {
    let Some(engine) = engine().await else { return };
    let run = run("cut");
    let ready = Ready::new(&engine, &run, 1, &topology(2, 1)).await;
    if may_enter(&*ready.lab) {
        let (near, far, other) = (ready.address("redis-2"), ready.address("redis-1"), ready.address("redis-3"));
        let namespace = ready.lab.namespace("redis-2").await.unwrap();
        assert!(reaches(&ready.lab, "redis-2", far).await && reaches(&ready.lab, "redis-1", near).await);

        let able = redquake_topologies::doctor::capabilities(RuntimeKind::Docker).await;
        assert_eq!((able.enter_namespaces, able.drop_packets), (Ok(()), Ok(())), "what is about to be done is said to be possible");
        cut(&namespace, "both", far, Direction::Both).await;
        assert!(!reaches(&ready.lab, "redis-2", far).await);
        assert!(!reaches(&ready.lab, "redis-1", near).await);
        assert!(reaches(&ready.lab, "redis-2", other).await && reaches(&ready.lab, "redis-3", near).await);
        let presence = rules::present(&namespace, "both").await.unwrap().unwrap();
        assert!(presence.rules == 2 && presence.packets > 0, "{presence:?}");

        rules::remove(&namespace, "both").await.unwrap();
        assert_eq!(rules::present(&namespace, "both").await.unwrap(), None);
        assert!(reaches(&ready.lab, "redis-2", far).await && reaches(&ready.lab, "redis-1", near).await);
    }
    ready.close(&run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_way_cut_drops_what_the_node_sends_and_nothing_it_receives() {
    let Some(engine) = engine().await else { return };
    let run = run("oneway");
    let ready = Ready::new(&engine, &run, 1, &topology(1, 1)).await;
    if may_enter(&*ready.lab) {
        let namespace = ready.lab.namespace("redis-2").await.unwrap();
        let primary = ready.address("redis-1");
        cut(&namespace, "oneway", primary, Direction::To).await;
        // Datagrams: what a connection still delivers depends on what it has to send again.
        assert!(delivers(&ready.lab, "redis-1", "redis-2", ready.address("redis-2")).await);
        assert!(!delivers(&ready.lab, "redis-2", "redis-1", primary).await);
        assert!(!reaches(&ready.lab, "redis-2", primary).await);
        let listed = rules::present(&namespace, "oneway").await.unwrap().unwrap();
        assert!(listed.rules == 1 && listed.packets > 0, "{listed:?}");
    }
    ready.close(&run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_set_is_not_put_over_another_and_only_ours_is_removed() {
    let Some(engine) = engine().await else { return };
    let run = run("ours");
    let ready = Ready::new(&engine, &run, 1, &topology(0, 1)).await;
    if may_enter(&*ready.lab) {
        let namespace = ready.lab.namespace("redis-1").await.unwrap();
        let nobody = NodeAddress { ip: NOBODY, port: 1 };
        cut(&namespace, "first", nobody, Direction::Both).await;
        let again = rules::drop_packets(&namespace, "first", &[PeerRule { peer: NOBODY, direction: Direction::To }]).await;
        assert!(again.unwrap_err().to_string().contains("File exists"));
        cut(&namespace, "second", nobody, Direction::From).await;
        rules::remove(&namespace, "first").await.unwrap();
        rules::remove(&namespace, "first").await.unwrap();
        assert_eq!(rules::present(&namespace, "first").await.unwrap(), None);
        assert_eq!(rules::present(&namespace, "second").await.unwrap().map(|presence| presence.rules), Some(1));
    }
    ready.close(&run).await;
}
