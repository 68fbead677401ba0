//! Bringing a Sentinel set up: data nodes first and in sync, then Sentinels that know everything from their first moment.

use std::time::Duration;

use redquake_experiments::spec::{Directives, Role, SentinelTopology};
use tokio::time::Instant;

use super::data::Info;
use super::dial::Dialer;
use super::look::{Check, Data, Infos, Sentinels, look};
use crate::config::{SentinelView, redis_conf, sentinel_conf};
use crate::namespace::Zone;
use crate::runtime::{Lab, LabNode, NodeAddress, NodeFile, RuntimeError};

/// Pause between two looks whether a node has died instead.
const DEATH_WATCH: Duration = Duration::from_millis(100);
/// Longest wait for one connection or reply.
const PATIENCE: Duration = Duration::from_secs(1);
/// How errors begin.
const NOT_READY: &str = "the Sentinel set did not become ready";
/// Lines of a node's log in an error.
const TAIL: usize = 12;

/// A Sentinel set that is ready: every Sentinel answers CKQUORUM with OK, sees all replicas and all peers connected, and nobody is down.
#[derive(Debug, Clone)]
pub struct SentinelSet {
    /// The nodes, in the order of the lab.
    pub nodes: Vec<BootedNode>,
    /// Time from the call until the set was ready.
    pub ready_after: Duration,
}

/// A node that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootedNode {
    /// Name.
    pub name: String,
    /// The role it started with.
    pub role: Role,
    /// Address.
    pub address: NodeAddress,
    /// `run_id` of INFO.
    pub run_id: String,
    /// Server and version, for example `redis 7.0.15`.
    pub version: String,
}

/// Boots the nodes of an open lab as a Sentinel set and returns when it is ready. Connections are made inside the zone.
///
/// # Errors
/// When a server ends by itself or the set is not ready within the limit: what was missing, and the end of the logs of the
/// nodes concerned.
pub async fn bring_up(lab: &dyn Lab, zone: &Zone, topology: &SentinelTopology, limit: Duration) -> Result<SentinelSet, RuntimeError> {
    let began = Instant::now();
    let crew = Crew { lab, zone, topology, deadline: began + limit };
    let data = crew.data().await?;
    let sentinels = crew.sentinels().await?;
    let ready_after = began.elapsed();
    let booted = |node: &LabNode, info: &Info| BootedNode {
        name: node.name.clone(),
        role: node.role,
        address: node.address,
        run_id: info.get("run_id").to_owned(),
        version: info.version(),
    };
    let infos = data.iter().chain(&sentinels);
    let nodes = lab.nodes().iter().map(|node| {
        infos.clone().find(|(name, _)| *name == node.name).map_or_else(|| booted(node, &Info::default()), |(_, info)| booted(node, info))
    });
    Ok(SentinelSet { nodes: nodes.collect(), ready_after })
}

struct Crew<'a> {
    lab: &'a dyn Lab,
    zone: &'a Zone,
    topology: &'a SentinelTopology,
    deadline: Instant,
}

impl Crew<'_> {
    fn of_role(&self, role: Role) -> Vec<&LabNode> {
        self.lab.nodes().iter().filter(|node| node.role == role).collect()
    }

    fn primary(&self) -> Result<&LabNode, RuntimeError> {
        self.of_role(Role::Primary)
            .first()
            .copied()
            .ok_or_else(|| RuntimeError::failed("bringing a Sentinel set up", "the lab has no primary"))
    }

    fn dialer(&self, config: &Directives) -> Dialer {
        Dialer { bind: self.lab.client_bind(), password: config.get("requirepass").map(str::to_owned), timeout: PATIENCE }
    }

    async fn boot(&self, node: String, config: NodeFile) -> Result<(), RuntimeError> {
        let late = |_| RuntimeError::failed(NOT_READY, format!("{node}: the runtime did not start it in time"));
        tokio::time::timeout_at(self.deadline, self.lab.boot(&node, config)).await.map_err(late)?
    }

    /// Boots the data nodes, the primary first: a replica that finds nobody tries again only a second later.
    async fn data(&self) -> Result<Infos, RuntimeError> {
        let (primary, replicas) = (self.primary()?, self.of_role(Role::Replica));
        let dialer = self.dialer(&self.topology.config.redis);
        let boot = |node: &LabNode, follows: Option<NodeAddress>| {
            let content = redis_conf(node.address, follows, &self.topology.config.redis);
            self.boot(node.name.clone(), NodeFile { name: "redis.conf".to_owned(), content })
        };
        boot(primary, None).await?;
        self.wait(&[primary], Data::new(dialer.clone(), &[primary], true)).await?;
        futures_util::future::try_join_all(replicas.iter().map(|replica| boot(replica, Some(primary.address)))).await?;
        let nodes: Vec<&LabNode> = std::iter::once(primary).chain(replicas).collect();
        let looked = Data::new(dialer, &nodes, false);
        self.wait(&nodes, looked).await
    }

    async fn sentinels(&self) -> Result<Infos, RuntimeError> {
        let (primary, replicas, sentinels) = (self.primary()?, self.of_role(Role::Replica), self.of_role(Role::Sentinel));
        let boots = sentinels.iter().map(|node| {
            let peers: Vec<&LabNode> = sentinels.iter().copied().filter(|peer| peer.name != node.name).collect();
            let view = SentinelView { node, primary: primary.address, quorum: self.topology.quorum, replicas: &replicas, peers: &peers };
            let content = sentinel_conf(view, &self.topology.config.sentinel);
            self.boot(node.name.clone(), NodeFile { name: "sentinel.conf".to_owned(), content })
        });
        futures_util::future::try_join_all(boots).await?;
        let looked = Sentinels::new(self.dialer(&self.topology.config.sentinel), &sentinels, replicas.len());
        self.wait(&sentinels, looked).await
    }

    /// Looks until nothing is missing, a server has ended, or the time is over.
    async fn wait<C: Check>(&self, nodes: &[&LabNode], check: C) -> Result<Infos, RuntimeError> {
        let looking = self.zone.spawn(look(check, self.deadline));
        let abort = looking.abort_handle();
        let lacks = tokio::select! {
            looked = looking => match looked {
                Ok(Ok(infos)) => return Ok(infos),
                Ok(Err(lacks)) if lacks.is_empty() => nodes.iter().map(|node| (node.name.clone(), "no answer in time".to_owned())).collect(),
                Ok(Err(lacks)) => lacks,
                Err(error) => vec![("the zone".to_owned(), error.to_string())],
            },
            dead = self.death(nodes) => {
                abort.abort();
                vec![(dead, "its server ended by itself".to_owned())]
            }
        };
        let mut reason: Vec<String> = lacks.iter().map(|(name, lack)| format!("{name}: {lack}")).collect();
        for (name, _) in &lacks {
            if let Ok(log) = self.lab.logs(name).await {
                let lines: Vec<&str> = log.lines().collect();
                let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default();
                reason.push(format!("end of the log of {name}:\n  {}", tail.join("\n  ")));
            }
        }
        Err(RuntimeError::failed(NOT_READY, reason.join("\n")))
    }

    /// Resolves to the name of a node whose server has ended; never when all of them live.
    async fn death(&self, nodes: &[&LabNode]) -> String {
        loop {
            tokio::time::sleep(DEATH_WATCH).await;
            for node in nodes {
                if matches!(self.lab.alive(&node.name).await, Ok(false)) {
                    return node.name.clone();
                }
            }
        }
    }
}
