//! What shaping does to real links, the same on every runtime. Each scene gets three ends of a fresh lab and has to leave them as
//! they were.

pub mod bandwidth;
pub mod delay;
pub mod loss;
pub mod netem;

use std::future::Future;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use redquake_experiments::spec::Direction;
use redquake_topologies::namespace::Namespace;
use redquake_topologies::rules::{PeerRule, Traffic};
use redquake_topologies::runtime::Lab;
use redquake_topologies::shaping::{End, Exchange, Link, measure};

/// Nodes a lab for these scenes needs.
pub const NODES: [&str; 3] = ["redis-1", "redis-2", "redis-3"];

/// Three places on one network.
pub struct Ends {
    /// Where faults are injected.
    pub near: End,
    /// The peer they are about.
    pub far: End,
    /// A peer they are not about.
    pub other: End,
}

impl Ends {
    /// Those of a lab with the [`NODES`].
    pub async fn of(lab: &Arc<dyn Lab>) -> Self {
        let end = async |name: &str| {
            let address = lab.nodes().iter().find(|node| node.name == name).unwrap().address.ip;
            End { namespace: lab.namespace(name).await.unwrap(), address, port: 0 }
        };
        let [near, far, other] = NODES;
        Self { near: end(near).await, far: end(far).await, other: end(other).await }
    }

    /// All packets exchanged between the near end and the far one.
    pub fn traffic(&self, direction: Direction) -> Vec<Traffic> {
        vec![PeerRule { peer: self.far.address, direction }.into()]
    }

    pub async fn measured(&self, exchange: Exchange) -> Link {
        measure(&self.near, &self.far, exchange).await.unwrap()
    }

    /// Plays a scene, beside rules and queues of somebody else's, and makes sure that everything is as it was before.
    pub async fn left_as_they_were<F: Future<Output = ()>>(&self, scene: impl FnOnce() -> F) {
        said(&self.near.namespace, "nft", &["add", "table", "inet", "foreign"]);
        said(&self.near.namespace, "nft", &["add", "chain", "inet", "foreign", "out", "{ type filter hook output priority 0; }"]);
        said(&self.near.namespace, "nft", &["add", "rule", "inet", "foreign", "out", "accept"]);
        let before = state(&self.near.namespace);
        scene().await;
        assert_eq!(state(&self.near.namespace), before);
        said(&self.near.namespace, "nft", &["delete", "table", "inet", "foreign"]);
    }
}

/// Enough datagrams to tell apart what differs by a point: 20 % of them have a standard deviation of 0.3 points.
pub const MANY: Exchange = Exchange { datagrams: 20_000, rate: 10_000, payload: 64, linger: Duration::from_millis(500) };
/// A few.
pub const FEW: Exchange = Exchange { datagrams: 200, rate: 1_000, payload: 64, linger: Duration::from_millis(300) };

/// What a program printed inside a namespace.
pub fn said(namespace: &Namespace, program: &str, arguments: &[&str]) -> String {
    said_to(namespace, program, arguments, "").unwrap_or_else(|error| panic!("{program} {arguments:?}: {error}"))
}

/// What a program printed when it was given some input; the error is what it complained of.
pub fn said_to(namespace: &Namespace, program: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let within = || {
        namespace.enter().unwrap();
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(program);
        command.args(arguments).env("PATH", path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that stops reading says why.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    };
    std::thread::scope(|scope| scope.spawn(within).join().unwrap())
}

/// Everything that can shape packets in a namespace.
pub fn state(namespace: &Namespace) -> String {
    let tables = said(namespace, "iptables-save", &[]);
    let tables: Vec<&str> = tables.lines().filter(|line| !line.starts_with('#')).collect();
    [
        said(namespace, "nft", &["--stateless", "list", "ruleset"]),
        tables.join("\n"),
        said(namespace, "tc", &["qdisc", "show"]),
        said(namespace, "tc", &["filter", "show"]),
        said(namespace, "ip", &["-oneline", "link", "show"]),
    ]
    .join("\n")
}
