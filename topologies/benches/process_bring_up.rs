//! Prints how long a Sentinel set (1 primary, 2 replicas, 3 Sentinels, a place for clients) takes in the runtime `process`,
//! and where the time goes: `cargo bench -p redquake-topologies --bench process_bring_up [-- <sets>]`. It passes no verdict.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redquake_experiments::spec::{Directives, Role, SentinelTopology, Server, TopologyConfig};
use redquake_topologies::namespace::{Namespace, Zone};
use redquake_topologies::process::{self, ProcessRuntime};
use redquake_topologies::runtime::{
    Announce, Configuration, Lab, LabNode, LabRequest, LabZone, NodeFile, Runtime, RuntimeError, ServerState, Signal,
};
use redquake_topologies::sentinel;

fn main() -> ExitCode {
    if let Some(code) = process::stage() {
        return code;
    }
    if !process::inside() {
        return process::enter(std::env::args_os().skip(1).collect()).map_or_else(
            |error| {
                println!("nothing measured: {error}");
                ExitCode::SUCCESS
            },
            ExitCode::from,
        );
    }
    let sets = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(10);
    let measured = tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(measure(sets)));
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The steps of one set, each as the time it took.
const STEPS: [&str; 6] = ["places open", "primary answers", "replicas in sync", "Sentinels agree", "ready in all", "closed in"];

async fn measure(sets: u32) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = ProcessRuntime::new()?;
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
    let server = runtime.provide(&topology.server, &announce).await?;
    println!("{}, {}", runtime.info().version, server.description);
    let mut all = Vec::new();
    for trial in 1..=sets {
        let request =
            LabRequest { run: "bench".to_owned(), trial, server: server.clone(), nodes: sentinel::nodes(&topology), zones: Vec::new() };
        let began = Instant::now();
        let lab = runtime.open(request).await?;
        let opened = Instant::now();
        let watched = Watched { lab: lab.as_ref(), boots: Mutex::default() };
        let zone = Zone::open("clients", lab.client_namespace(), 1)?;
        let outcome = sentinel::bring_up(&watched, &zone, &topology, Duration::from_secs(20)).await;
        let ready = Instant::now();
        zone.close(Duration::from_secs(1)).await;
        let closing = Instant::now();
        let left = lab.close().await;
        let closed = closing.elapsed();
        outcome?;
        if !left.is_empty() {
            return Err(left.join(", ").into());
        }
        let (replicas, sentinels) = (watched.first(Role::Replica), watched.first(Role::Sentinel));
        let steps = [opened - began, replicas - opened, sentinels - replicas, ready - sentinels, ready - began, closed];
        let words: Vec<String> = STEPS.iter().zip(steps).map(|(step, time)| format!("{step} {:>4}", time.as_millis())).collect();
        println!("set {trial:>2}: {} ms", words.join(", "));
        all.push(steps);
    }
    for (index, step) in STEPS.iter().enumerate() {
        let mut values: Vec<Duration> = all.iter().map(|steps| steps[index]).collect();
        values.sort();
        let (Some(min), Some(max)) = (values.first(), values.last()) else { continue };
        let middle = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2;
        println!("{step}: median {} ms (min {}, max {}, n = {})", middle.as_millis(), min.as_millis(), max.as_millis(), values.len());
    }
    Ok(())
}

/// A lab that notes when which node is booted: replicas as soon as the primary answers, Sentinels as soon as the replicas are in sync.
struct Watched<'a> {
    lab: &'a dyn Lab,
    boots: Mutex<Vec<(Role, Instant)>>,
}

impl Watched<'_> {
    fn first(&self, role: Role) -> Instant {
        let boots = self.boots.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        boots.iter().find(|(booted, _)| *booted == role).map_or_else(Instant::now, |(_, instant)| *instant)
    }
}

#[async_trait]
impl Lab for Watched<'_> {
    fn nodes(&self) -> &[LabNode] {
        self.lab.nodes()
    }

    fn zones(&self) -> &[LabZone] {
        self.lab.zones()
    }

    async fn zone_namespace(&self, zone: &str) -> Result<Namespace, RuntimeError> {
        self.lab.zone_namespace(zone).await
    }

    fn client_namespace(&self) -> Option<Namespace> {
        self.lab.client_namespace()
    }

    async fn put(&self, node: &str, file: NodeFile) -> Result<(), RuntimeError> {
        self.lab.put(node, file).await
    }

    async fn boot(&self, node: &str, config: NodeFile) -> Result<(), RuntimeError> {
        if let Some(booted) = self.nodes().iter().find(|each| each.name == node) {
            self.boots.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((booted.role, Instant::now()));
        }
        self.lab.boot(node, config).await
    }

    async fn restart(&self, node: &str, configuration: Configuration) -> Result<(), RuntimeError> {
        self.lab.restart(node, configuration).await
    }

    async fn fill_disk(&self, node: &str) -> Result<(), RuntimeError> {
        self.lab.fill_disk(node).await
    }

    async fn free_disk(&self, node: &str) -> Result<(), RuntimeError> {
        self.lab.free_disk(node).await
    }

    async fn set_clock(&self, node: &str, offset: i64) -> Result<(), RuntimeError> {
        self.lab.set_clock(node, offset).await
    }

    async fn wipe(&self, node: &str) -> Result<(), RuntimeError> {
        self.lab.wipe(node).await
    }

    async fn state(&self, node: &str) -> Result<ServerState, RuntimeError> {
        self.lab.state(node).await
    }

    async fn signal(&self, node: &str, signal: Signal) -> Result<(Instant, Instant), RuntimeError> {
        self.lab.signal(node, signal).await
    }

    async fn alive(&self, node: &str) -> Result<bool, RuntimeError> {
        self.lab.alive(node).await
    }

    async fn namespace(&self, node: &str) -> Result<Namespace, RuntimeError> {
        self.lab.namespace(node).await
    }

    async fn logs(&self, node: &str) -> Result<String, RuntimeError> {
        self.lab.logs(node).await
    }

    async fn close(&self) -> Vec<String> {
        self.lab.close().await
    }
}
