//! Prints how long a Cluster takes from the opening of its lab until it is ready, in both runtimes:
//! `cargo bench -p redquake-topologies --bench cluster_bring_up [-- <clusters> <shards> <replicas> <server> [docker|process]]`; 10
//! clusters of 3 shards with 1 replica of redis:7.0 by default. It passes no verdict.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redquake_experiments::spec::{ClusterConfig, ClusterTopology, Directives, Server};
use redquake_topologies::namespace::Zone;
use redquake_topologies::process::{self, ProcessRuntime};
use redquake_topologies::runtime::{Announce, LabRequest, Runtime};
use redquake_topologies::{cluster, docker};

type Failure = Box<dyn std::error::Error>;

/// What is measured.
struct Order {
    clusters: u32,
    topology: ClusterTopology,
    docker: bool,
    process: bool,
}

fn order() -> Order {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let numbers: Vec<u32> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let number = |index: usize, otherwise: u32| numbers.get(index).copied().unwrap_or(otherwise);
    let named = |name: &str| words.iter().any(|word| word == name);
    Order {
        clusters: number(0, 10),
        topology: ClusterTopology {
            server: words.iter().find_map(|word| word.parse::<Server>().ok()).unwrap_or_default(),
            shards: number(1, 3),
            replicas_per_shard: number(2, 1),
            slots: Vec::new(),
            config: ClusterConfig { redis: Directives::new([("cluster-node-timeout", "2000")]).expect("names and values of directives") },
        },
        docker: !named("process"),
        process: !named("docker"),
    }
}

fn main() -> ExitCode {
    if let Some(code) = process::stage() {
        return code;
    }
    let order = order();
    let measured = tokio::runtime::Runtime::new().map_err(Failure::from).and_then(|runtime| {
        if process::inside() {
            return runtime.block_on(async { measure(&order, &ProcessRuntime::new()?).await });
        }
        let announce: Announce = Arc::new(|text| println!("{text}"));
        runtime.block_on(async {
            if order.docker {
                measure(&order, &docker::connect().await?).await?;
            }
            if order.process {
                process::provide(&order.topology.server, &announce).await?;
            }
            Ok(())
        })
    });
    if let Err(error) = measured {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    if order.process && !process::inside() {
        let entered = process::enter(std::env::args_os().skip(1).collect());
        return entered.map_or_else(
            |error| {
                println!("`process` not measured: {error}");
                ExitCode::SUCCESS
            },
            ExitCode::from,
        );
    }
    ExitCode::SUCCESS
}

async fn measure(order: &Order, runtime: &dyn Runtime) -> Result<(), Failure> {
    let announce: Announce = Arc::new(|text| println!("{text}"));
    let server = runtime.provide(&order.topology.server, &announce).await?;
    let nodes = cluster::nodes(&order.topology);
    println!("{}, {}, {} nodes in {} shards", runtime.info().version, server.description, nodes.len(), order.topology.shards);
    let mut all = Vec::new();
    for trial in 1..=order.clusters {
        let (run, nodes, zones) = (format!("bench{}", std::process::id()), nodes.clone(), Vec::new());
        let began = Instant::now();
        let lab = runtime.open(LabRequest { run, trial, server: server.clone(), nodes, zones }).await?;
        let opened = began.elapsed();
        let zone = Zone::open("clients", lab.client_namespace(), 1)?;
        let outcome = cluster::bring_up(lab.as_ref(), &zone, &order.topology, Duration::from_secs(60)).await;
        let ready = began.elapsed();
        zone.close(Duration::from_secs(1)).await;
        let closing = Instant::now();
        let left = lab.close().await;
        let closed = closing.elapsed();
        outcome?;
        if !left.is_empty() {
            return Err(left.join(", ").into());
        }
        println!(
            "cluster {trial:>2}: places open {:>5} ms, ready {:>5} ms, closed in {:>5} ms",
            opened.as_millis(),
            ready.as_millis(),
            closed.as_millis()
        );
        all.push([opened, ready, closed]);
    }
    for (index, step) in ["places open", "ready", "closed"].iter().enumerate() {
        let mut values: Vec<Duration> = all.iter().map(|steps| steps[index]).collect();
        values.sort();
        let (Some(min), Some(max)) = (values.first(), values.last()) else { continue };
        let median = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2;
        println!("{step}: median {} ms (min {}, max {}, n = {})", median.as_millis(), min.as_millis(), max.as_millis(), values.len());
    }
    Ok(())
}
