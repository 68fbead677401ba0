//! What the tests share: an engine or a printed reason, a small set, and questions to servers.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use redquake_experiments::spec::{Directives, SentinelTopology, Server, TopologyConfig};
use redquake_topologies::docker::{self, DockerRuntime};
use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::{Announce, Lab, LabRequest, NodeAddress, Runtime, ServerSource};
use redquake_topologies::sentinel::{self, Dialer, SentinelSet};

/// Longest wait for anything that should happen.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The engine; `None`, with the reason printed, where none answers.
pub async fn engine() -> Option<DockerRuntime> {
    match docker::connect().await {
        Ok(engine) => Some(engine),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

/// A run name of this test's own.
pub fn run(test: &str) -> String {
    format!("test-{test}-{}", std::process::id())
}

/// A Sentinel set of that size.
pub fn topology(replicas: u32, sentinels: u32) -> SentinelTopology {
    SentinelTopology {
        server: Server::default(),
        replicas,
        sentinels,
        independent: 0,
        quorum: sentinels / 2 + 1,
        config: TopologyConfig {
            redis: Directives::default(),
            sentinel: Directives::new([("down-after-milliseconds", "1000")]).expect("names and values of directives"),
        },
    }
}

/// Announcements go to the test's output.
pub fn announce() -> Announce {
    Arc::new(|text| println!("{text}"))
}

/// The default server, built if need be.
pub async fn server(engine: &DockerRuntime) -> ServerSource {
    engine.provide(&Server::default(), &announce()).await.unwrap()
}

/// A request for a set.
pub async fn request(engine: &DockerRuntime, run: &str, trial: u32, topology: &SentinelTopology) -> LabRequest {
    LabRequest { run: run.to_owned(), trial, server: server(engine).await, nodes: sentinel::nodes(topology), zones: Vec::new() }
}

/// A set that is ready, and the zone its clients live in.
pub struct Ready {
    pub lab: Arc<dyn Lab>,
    pub zone: Zone,
    pub set: SentinelSet,
}

impl Ready {
    /// Brings a set up.
    pub async fn new(engine: &DockerRuntime, run: &str, trial: u32, topology: &SentinelTopology) -> Self {
        Self::boot(engine, request(engine, run, trial, topology).await, topology).await
    }

    /// Brings the set of a request up.
    pub async fn boot(engine: &DockerRuntime, request: LabRequest, topology: &SentinelTopology) -> Self {
        let lab = engine.open(request).await.unwrap();
        let zone = Zone::open("clients", lab.client_namespace(), 1).unwrap();
        let set = sentinel::bring_up(&*lab, &zone, topology, LIMIT).await;
        if set.is_err() {
            lab.close().await;
        }
        Self { lab, zone, set: set.unwrap() }
    }

    /// Address of a node.
    pub fn address(&self, node: &str) -> NodeAddress {
        self.lab.nodes().iter().find(|known| known.name == node).unwrap().address
    }

    /// Asks a node something from the clients' place.
    pub async fn ask(&self, address: NodeAddress, words: &'static [&'static str]) -> Result<redis::Value, String> {
        let dialer = Dialer { bind: self.lab.client_bind(), password: None, timeout: Duration::from_secs(1) };
        let asked = self.zone.spawn(async move {
            let mut connection = dialer.dial(address).await?;
            let mut command = redis::Cmd::new();
            for word in words {
                command.arg(word);
            }
            command.query_async(&mut connection).await.map_err(|error| error.to_string())
        });
        asked.await.unwrap()
    }

    /// Asks until there is an answer.
    pub async fn until_answered(&self, address: NodeAddress, words: &'static [&'static str]) -> redis::Value {
        let answered = async {
            loop {
                if let Ok(answer) = self.ask(address, words).await {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LIMIT, answered).await.expect("the node answers in time")
    }

    /// Removes everything and makes sure that nothing of the run is left.
    pub async fn close(self, run: &str) {
        self.zone.close(LIMIT).await;
        assert_eq!(self.lab.close().await, Vec::<String>::new());
        assert_eq!(objects(run), Vec::<String>::new());
    }
}

/// Names of the containers, networks and volumes of a run, as the engine's own client lists them.
pub fn objects(run: &str) -> Vec<String> {
    let label = format!("label=redquake.run={run}");
    let list = |arguments: &[&str]| {
        let output = Command::new("docker").args(arguments).args(["--filter", &label]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut names = list(&["ps", "--all", "--format", "{{.Names}}"]);
    names.extend(list(&["network", "ls", "--format", "{{.Name}}"]));
    names.extend(list(&["volume", "ls", "--format", "{{.Name}}"]));
    names
}

/// Whether this process may enter namespaces; prints why a test ends where it may not.
pub fn may_enter(lab: &dyn Lab) -> bool {
    let may = lab.client_namespace().is_some();
    if !may {
        println!("skipped: this user may not enter network namespaces");
    }
    may
}

/// Any address no node has.
pub const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
