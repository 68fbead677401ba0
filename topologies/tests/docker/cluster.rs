//! A Cluster in containers.

use redquake_experiments::spec::{ClusterConfig, ClusterTopology, Directives, Role, Server};
use redquake_topologies::cluster::{self, known_nodes};
use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::{LabRequest, Runtime};
use redquake_topologies::sentinel::Dialer;

use crate::support::{LIMIT, engine, run, server};

#[tokio::test]
#[ignore = "six containers, done on the other runtime: ci/test --all"]
async fn a_cluster_comes_up_as_asked_for_and_keeps_its_node_timeout() {
    let Some(engine) = engine().await else { return };
    let topology = ClusterTopology {
        server: Server::default(),
        shards: 3,
        replicas_per_shard: 1,
        slots: vec!["0-99,200".parse().unwrap(), "100-199".parse().unwrap(), "201-16383".parse().unwrap()],
        config: ClusterConfig { redis: Directives::new([("cluster-node-timeout", "3000")]).unwrap() },
    };
    let (run, server) = (run("cluster"), server(&engine).await);
    let request = LabRequest { run, trial: 1, server, nodes: cluster::nodes(&topology), zones: Vec::new() };
    let lab = engine.open(request).await.unwrap();
    let zone = Zone::open("clients", lab.client_namespace(), 1).unwrap();
    let set = cluster::bring_up(lab.as_ref(), &zone, &topology, LIMIT).await;
    let asked = match &set {
        Ok(set) => {
            let dialer = Dialer { bind: lab.client_bind(), password: None, timeout: LIMIT };
            let address = set.nodes[5].address;
            let answers = zone.spawn(async move {
                let mut connection = dialer.dial(address).await.unwrap();
                let nodes: String = redis::cmd("CLUSTER").arg("NODES").query_async(&mut connection).await.unwrap();
                let timeout: Vec<String> =
                    redis::cmd("CONFIG").arg("GET").arg("cluster-node-timeout").query_async(&mut connection).await.unwrap();
                (nodes, timeout)
            });
            Some(answers.await.unwrap())
        }
        Err(_) => None,
    };
    zone.close(LIMIT).await;
    assert_eq!(lab.close().await, Vec::<String>::new());

    let set = set.unwrap();
    assert_eq!(set.nodes.iter().filter(|node| node.role == Role::Primary).count(), 3);
    assert!(set.nodes.iter().all(|node| node.run_id.len() == 40 && node.version.starts_with("redis 7.0")), "{:?}", set.nodes);
    let (nodes, timeout) = asked.unwrap();
    assert_eq!(timeout[1], "3000", "the short node timeout of the bring-up is reverted");
    let known = known_nodes(&nodes);
    let slots = |address: String| known.iter().find(|node| node.address == address).unwrap().slots.to_string();
    let told: Vec<String> = set.nodes.iter().map(|node| slots(node.address.to_string())).collect();
    assert_eq!(told, ["0-99,200", "100-199", "201-16383", "", "", ""]);
    assert!(known[..].iter().find(|node| node.is("myself")).unwrap().is("slave"), "the sixth node is a replica");
}
