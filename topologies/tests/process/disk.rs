//! A node's own disk: full, freed, and still there after a restart.

use redquake_experiments::spec::{Role, Server};
use redquake_topologies::process::ProcessRuntime;
use redquake_topologies::runtime::{Configuration, NodeSpec, Signal};

use crate::inside::{answers, config, eventually, open};

pub async fn play() {
    let runtime = ProcessRuntime::new().unwrap();
    let nodes = vec![
        NodeSpec { disk: Some(4 << 20), ..NodeSpec::new("redis-1", Role::Primary) },
        NodeSpec { disk: None, ..NodeSpec::new("redis-2", Role::Replica) },
    ];
    let lab = open(&runtime, &Server::default(), nodes, &[]).await;
    for node in ["redis-1", "redis-2"] {
        lab.boot(node, config("")).await.unwrap();
        answers(&*lab, node, "SET key value", "+OK").await;
    }
    assert!(lab.fill_disk("redis-2").await.unwrap_err().to_string().contains("none of its own"));

    lab.fill_disk("redis-1").await.unwrap();
    answers(&*lab, "redis-1", "SAVE", "-ERR").await;
    // Its neighbour and the machine have room.
    answers(&*lab, "redis-2", "SAVE", "+OK").await;
    assert!(lab.logs("redis-1").await.unwrap().contains("No space left on device"));
    lab.free_disk("redis-1").await.unwrap();
    lab.free_disk("redis-1").await.unwrap();
    answers(&*lab, "redis-1", "SAVE", "+OK").await;

    lab.signal("redis-1", Signal::Kill).await.unwrap();
    eventually("the server ends", || async { !lab.alive("redis-1").await.unwrap() }).await;
    // Also while nobody runs, and the configuration can be written nevertheless.
    lab.fill_disk("redis-1").await.unwrap();
    lab.restart("redis-1", Configuration::Original).await.unwrap();
    answers(&*lab, "redis-1", "GET key", "value").await;
    answers(&*lab, "redis-1", "SAVE", "-ERR").await;
    assert_eq!(lab.close().await, Vec::<String>::new());
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains("redquake-disk"), "{mounts}");
}
