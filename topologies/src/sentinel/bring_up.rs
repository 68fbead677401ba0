//! Bringing a Sentinel set up: data nodes first and in sync, then Sentinels that know everything from their first moment.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redquake_experiments::spec::{Directives, Role, SentinelTopology};
use tokio::time::Instant;

use super::boost::Boost;
use super::data::{Info, primary_lacks, replica_lacks};
use super::dial::Dialer;
use super::ready::View;
use crate::config::{SentinelView, redis_conf, sentinel_conf};
use crate::namespace::Zone;
use crate::runtime::{Lab, LabNode, NodeAddress, NodeFile, RuntimeError};

/// Pause between two looks at nodes that are not ready yet.
const LOOK: Duration = Duration::from_millis(5);
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

type Infos = Vec<(String, Info)>;

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
        self.wait(&[primary], Data { dialer: dialer.clone(), nodes: vec![primary.clone()], links: Vec::new(), alone: true }).await?;
        futures_util::future::try_join_all(replicas.iter().map(|replica| boot(replica, Some(primary.address)))).await?;
        let nodes: Vec<&LabNode> = std::iter::once(primary).chain(replicas).collect();
        let looked = Data { dialer, nodes: nodes.iter().copied().cloned().collect(), links: Vec::new(), alone: false };
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
        let looked = Sentinels {
            dialer: self.dialer(&self.topology.config.sentinel),
            nodes: sentinels.iter().copied().cloned().collect(),
            links: Vec::new(),
            replicas: replicas.len(),
        };
        self.wait(&sentinels, looked).await
    }

    /// Looks until nothing is missing, a server has ended, or the time is over.
    async fn wait<C: Check>(&self, nodes: &[&LabNode], check: C) -> Result<Infos, RuntimeError> {
        let looking = self.zone.spawn(look(check, self.deadline));
        let abort = looking.abort_handle();
        let lacks = tokio::select! {
            looked = looking => match looked {
                Ok(Ok(infos)) => return Ok(infos),
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

/// What is missing, by node; empty when nothing is.
type Lacks = Vec<(String, String)>;

/// One look at some nodes.
trait Check: Send + 'static {
    fn look(&mut self) -> impl Future<Output = Result<Infos, Lacks>> + Send;
}

async fn look<C: Check>(mut check: C, deadline: Instant) -> Result<Infos, Lacks> {
    let mut lacks = Vec::new();
    loop {
        match tokio::time::timeout_at(deadline, check.look()).await {
            Ok(Ok(infos)) => return Ok(infos),
            Ok(Err(missing)) => lacks = missing,
            Err(_) => return Err(lacks),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A connection that was opened, by the node's position.
type Link<T> = Option<(MultiplexedConnection, T)>;

struct Data {
    dialer: Dialer,
    nodes: Vec<LabNode>,
    links: Vec<Link<()>>,
    /// The primary before its replicas are booted.
    alone: bool,
}

impl Data {
    async fn info(dialer: &Dialer, node: &LabNode, link: &mut Link<()>) -> Result<(String, Info), (String, String)> {
        let told = async {
            if link.is_none() {
                *link = Some((dialer.dial(node.address).await?, ()));
            }
            match link {
                Some((connection, ())) => Info::of(connection).await,
                None => Err("no connection".to_owned()),
            }
        };
        match told.await {
            Ok(info) => Ok((node.name.clone(), info)),
            Err(reason) => {
                *link = None;
                Err((node.name.clone(), reason))
            }
        }
    }
}

impl Check for Data {
    async fn look(&mut self) -> Result<Infos, Lacks> {
        self.links.resize_with(self.nodes.len(), || None);
        let looks = self.nodes.iter().zip(&mut self.links).map(|(node, link)| Self::info(&self.dialer, node, link));
        let infos = all(futures_util::future::join_all(looks).await)?;
        let Some(((name, primary), replicas)) = infos.split_first() else { return Ok(infos) };
        let lack = if self.alone { None } else { primary_lacks(primary, replicas.len()) };
        let mut lacks: Lacks = lack.map(|lack| (name.clone(), lack)).into_iter().collect();
        if !self.alone {
            lacks.extend(replicas.iter().filter_map(|(name, info)| Some((name.clone(), replica_lacks(info, primary)?))));
        }
        if lacks.is_empty() { Ok(infos) } else { Err(lacks) }
    }
}

struct Sentinels {
    dialer: Dialer,
    nodes: Vec<LabNode>,
    links: Vec<Link<Option<Boost>>>,
    replicas: usize,
}

impl Sentinels {
    /// Connects to a Sentinel, boosts it once, and asks what it lacks.
    async fn lacks(&self, node: &LabNode, link: &mut Link<Option<Boost>>) -> Result<(), (String, String)> {
        let asked = async {
            if link.is_none() {
                let mut connection = self.dialer.dial(node.address).await?;
                let boost = Boost::apply(&mut connection).await;
                *link = Some((connection, boost));
            }
            match link {
                Some((connection, _)) => View::of(connection).await,
                None => Err("no connection".to_owned()),
            }
        };
        // A broken link is kept: dropping it would forget the periods to restore. A Sentinel that ends is noticed elsewhere.
        let view = asked.await.map_err(|reason| (node.name.clone(), reason))?;
        view.lacks(self.replicas, self.nodes.len().saturating_sub(1)).map_or(Ok(()), |lack| Err((node.name.clone(), lack)))
    }

    async fn finish(node: &LabNode, link: &mut Link<Option<Boost>>) -> Result<(String, Info), (String, String)> {
        let Some((connection, boost)) = link else { return Err((node.name.clone(), "no connection".to_owned())) };
        let finished = async {
            if let Some(boost) = boost {
                boost.restore(connection).await?;
            }
            Info::of(connection).await
        };
        finished.await.map(|info| (node.name.clone(), info)).map_err(|reason| (node.name.clone(), reason))
    }
}

impl Check for Sentinels {
    async fn look(&mut self) -> Result<Infos, Lacks> {
        let mut links = std::mem::take(&mut self.links);
        links.resize_with(self.nodes.len(), || None);
        let looks = self.nodes.iter().zip(&mut links).map(|(node, link)| self.lacks(node, link));
        let looked = all(futures_util::future::join_all(looks).await);
        self.links = links;
        looked?;
        let finishes = self.nodes.iter().zip(&mut self.links).map(|(node, link)| Self::finish(node, link));
        all(futures_util::future::join_all(finishes).await)
    }
}

/// All results, or all that failed.
fn all<T>(results: Vec<Result<T, (String, String)>>) -> Result<Vec<T>, Lacks> {
    let (good, bad): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let lacks: Lacks = bad.into_iter().filter_map(Result::err).collect();
    if lacks.is_empty() { Ok(good.into_iter().filter_map(Result::ok).collect()) } else { Err(lacks) }
}
