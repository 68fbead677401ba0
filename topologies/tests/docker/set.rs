//! Sets: ready, apart from each other, and with addresses that stay.

use std::time::Duration;

use redquake_experiments::spec::{Directives, Role, Server, ServerKind, Topology};
use redquake_topologies::config::redis_conf;
use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::{LabRequest, NodeFile, Runtime, Signal};
use redquake_topologies::sentinel;

use super::support::{LIMIT, Ready, announce, engine, request, run, topology};

#[tokio::test(flavor = "multi_thread")]
async fn a_set_becomes_ready_with_every_node_seen_and_sentinels_at_their_normal_pace() {
    let Some(engine) = engine().await else { return };
    let run = run("ready");
    let ready = Ready::new(&engine, &run, 1, &topology(2, 3)).await;

    let roles: Vec<Role> = ready.set.nodes.iter().map(|node| node.role).collect();
    assert_eq!(roles, [Role::Primary, Role::Replica, Role::Replica, Role::Sentinel, Role::Sentinel, Role::Sentinel]);
    for node in &ready.set.nodes {
        assert_eq!(node.run_id.len(), 40, "{node:?}");
        assert!(node.version.starts_with("redis 7.0."), "{node:?}");
    }
    for node in ["sentinel-1", "sentinel-2", "sentinel-3"] {
        let quorum: String =
            redis::from_redis_value(ready.ask(ready.address(node), &["SENTINEL", "CKQUORUM", "mymaster"]).await.unwrap()).unwrap();
        assert!(quorum.starts_with("OK 3 usable Sentinels"), "{quorum}");
        let periods = ready.ask(ready.address(node), &["SENTINEL", "DEBUG"]).await.unwrap();
        let periods: std::collections::HashMap<String, String> = redis::from_redis_value(periods).unwrap();
        let period = |name: &str| periods.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
        assert_eq!((period("info-period"), period("ping-period"), period("publish-period")), (Some("10000"), Some("1000"), Some("2000")));
    }
    ready.close(&run).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds an image of another distribution: ci/test --all"]
async fn a_valkey_set_becomes_ready_too() {
    let Some(engine) = engine().await else { return };
    let run = run("valkey");
    let mut set = topology(1, 1);
    set.server = Server::Release { kind: ServerKind::Valkey, version: "8.1".to_owned() };
    let server = match engine.provide(&set.server, &announce()).await {
        Ok(server) => server,
        Err(error) => return println!("skipped: {error}"),
    };
    let request = LabRequest { run: run.clone(), trial: 1, server, nodes: sentinel::nodes(&set), zones: Vec::new() };
    let ready = Ready::boot(&engine, request, &set).await;
    assert!(ready.set.nodes.iter().all(|node| node.version.starts_with("valkey 8.1.")), "{:?}", ready.set.nodes);
    ready.close(&run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_is_gone_at_once_and_comes_back_at_its_address_with_its_files() {
    let Some(engine) = engine().await else { return };
    let run = run("restart");
    let ready = Ready::new(&engine, &run, 1, &topology(2, 1)).await;
    let before = ready.lab.nodes().to_vec();

    for node in ["redis-2", "redis-3"] {
        let (sent, returned) = ready.lab.signal(node, Signal::Kill).await.unwrap();
        assert!(sent <= returned);
        let gone = async {
            while ready.lab.alive(node).await.unwrap() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LIMIT, gone).await.expect("the process is gone");
        assert!(ready.ask(ready.address(node), &["PING"]).await.is_err());
    }
    // In the other order: addresses given out as nodes start would now be exchanged.
    for node in ["redis-3", "redis-2"] {
        let content = redis_conf(ready.address(node), Some(ready.address("redis-1")), &Directives::default());
        ready.lab.boot(node, NodeFile { name: "redis.conf".to_owned(), content }).await.unwrap();
    }
    for node in ["redis-2", "redis-3"] {
        ready.until_answered(ready.address(node), &["PING"]).await;
        assert!(ready.lab.alive(node).await.unwrap());
    }
    assert_eq!(ready.lab.nodes(), before);
    ready.close(&run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_is_silent_until_it_continues() {
    let Some(engine) = engine().await else { return };
    let run = run("stop");
    let ready = Ready::new(&engine, &run, 1, &topology(0, 1)).await;
    let address = ready.address("redis-1");
    ready.lab.signal("redis-1", Signal::Stop).await.unwrap();
    assert!(ready.ask(address, &["PING"]).await.is_err());
    assert!(ready.lab.alive("redis-1").await.unwrap());
    ready.lab.signal("redis-1", Signal::Continue).await.unwrap();
    ready.until_answered(address, &["PING"]).await;
    ready.close(&run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_labs_at_once_have_networks_of_their_own() {
    let Some(engine) = engine().await else { return };
    let run = run("two");
    let set = topology(1, 1);
    let (first, second) = tokio::join!(Ready::new(&engine, &run, 1, &set), Ready::new(&engine, &run, 2, &set));
    for node in first.lab.nodes() {
        assert!(second.lab.nodes().iter().all(|other| other.address.ip != node.address.ip), "{node:?}");
    }
    // Each set's clients reach their own servers only.
    assert!(first.ask(first.address("redis-1"), &["PING"]).await.is_ok());
    assert!(first.lab.client_namespace().is_none() || first.ask(second.address("redis-1"), &["PING"]).await.is_err());
    first.zone.close(LIMIT).await;
    assert_eq!(first.lab.close().await, Vec::<String>::new());
    assert!(second.ask(second.address("redis-1"), &["PING"]).await.is_ok(), "closing one lab leaves the other alone");
    second.close(&run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directive_the_server_refuses_is_told_with_the_servers_words() {
    let Some(engine) = engine().await else { return };
    let run = run("refused");
    let mut set = topology(0, 1);
    set.config.redis = Directives::new(vec![("no-such-directive".to_owned(), "1".to_owned())]);
    let lab = engine.open(request(&engine, &run, 1, &set).await).await.unwrap();
    let zone = Zone::open("clients", lab.client_namespace(), 1).unwrap();
    let error = sentinel::bring_up(&*lab, &zone, &set, LIMIT).await.unwrap_err().to_string();
    zone.close(LIMIT).await;
    assert_eq!(lab.close().await, Vec::<String>::new());
    assert_eq!(error, "redis-1 refuses `no-such-directive 1`: Bad directive or wrong number of arguments");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_is_not_ready_in_time_says_what_was_missing() {
    let Some(engine) = engine().await else { return };
    let run = run("late");
    let set = topology(0, 1);
    let lab = engine.open(request(&engine, &run, 1, &set).await).await.unwrap();
    let zone = Zone::open("clients", lab.client_namespace(), 1).unwrap();
    // Nobody can be ready at once.
    let error = sentinel::bring_up(&*lab, &zone, &set, Duration::from_millis(1)).await.unwrap_err().to_string();
    zone.close(LIMIT).await;
    assert_eq!(lab.close().await, Vec::<String>::new());
    assert!(error.contains("did not become ready") && error.contains("redis-1: "), "{error}");
}

#[test]
fn the_topology_file_beside_the_sources_is_one_primary_two_replicas_and_three_sentinels() {
    let text = include_str!("../../sentinel-1-2-3.yaml");
    let Topology::Sentinel(set) = serde_yaml::from_str(text).unwrap() else { panic!("not a Sentinel topology") };
    assert_eq!((set.replicas, set.sentinels, set.quorum), (2, 3, 2));
}
