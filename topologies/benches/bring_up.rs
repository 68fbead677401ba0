//! Prints how long a Sentinel set (1 primary, 2 replicas, 3 Sentinels, a place for clients) takes from the first call to the
//! engine until it is ready: `cargo bench -p redquake-topologies --bench bring_up [-- <sets>]`. It passes no verdict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redquake_experiments::spec::{Directives, SentinelTopology, Server, TopologyConfig};
use redquake_topologies::docker;
use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::{Announce, Lab, LabRequest, Runtime, RuntimeError};
use redquake_topologies::sentinel;

/// Times of one set, from the first call to the engine.
struct Times {
    opened: Duration,
    ready: Duration,
    closed: Duration,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sets = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(10);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(measure(sets))
}

async fn measure(sets: u32) -> Result<(), Box<dyn std::error::Error>> {
    let engine = match docker::connect().await {
        Ok(engine) => engine,
        Err(error) => {
            println!("nothing measured: {error}");
            return Ok(());
        }
    };
    let announce: Announce = Arc::new(|text| println!("{text}"));
    let topology = SentinelTopology {
        server: Server::default(),
        replicas: 2,
        sentinels: 3,
        quorum: 2,
        independent: 0,
        config: TopologyConfig {
            redis: Directives::default(),
            sentinel: Directives::new([("down-after-milliseconds", "1000")]).expect("names and values of directives"),
        },
    };
    let server = engine.provide(&topology.server, &announce).await?;
    println!("{}, {}", engine.info().version, server.description);
    let run = format!("bench{}", std::process::id());
    let mut all = Vec::new();
    for trial in 1..=sets {
        let request = LabRequest { run: run.clone(), trial, server: server.clone(), nodes: sentinel::nodes(&topology), zones: Vec::new() };
        let began = Instant::now();
        let lab = engine.open(request).await?;
        let times = one(began, lab.as_ref(), &topology).await;
        let closing = Instant::now();
        let left = lab.close().await;
        let (opened, ready) = times?;
        let times = Times { opened, ready, closed: closing.elapsed() };
        if !left.is_empty() {
            return Err(left.join(", ").into());
        }
        println!(
            "set {trial:>2}: places open {:>5} ms, ready {:>5} ms, closed in {:>4} ms",
            millis(times.opened),
            millis(times.ready),
            millis(times.closed)
        );
        all.push(times);
    }
    for (what, pick) in [
        ("places open", (|times| times.opened) as fn(&Times) -> Duration),
        ("ready", |times| times.ready),
        ("closed", |times| times.closed),
    ] {
        let mut values: Vec<Duration> = all.iter().map(pick).collect();
        values.sort();
        let (Some(min), Some(max)) = (values.first(), values.last()) else { continue };
        println!("{what}: median {} ms (min {}, max {}, n = {})", millis(median(&values)), millis(*min), millis(*max), values.len());
    }
    Ok(())
}

async fn one(began: Instant, lab: &dyn Lab, topology: &SentinelTopology) -> Result<(Duration, Duration), RuntimeError> {
    let opened = began.elapsed();
    let zone = Zone::open("clients", lab.client_namespace(), 1)?;
    sentinel::bring_up(lab, &zone, topology, Duration::from_secs(20)).await?;
    let ready = began.elapsed();
    zone.close(Duration::from_secs(1)).await;
    Ok((opened, ready))
}

fn median(sorted: &[Duration]) -> Duration {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2 }
}

fn millis(time: Duration) -> u128 {
    time.as_millis()
}
