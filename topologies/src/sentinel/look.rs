//! One look at the nodes of a set: what each says, or what is missing.

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;

use super::boost::Boost;
use super::ready::View;
use crate::boot::{Check, Dialer, Info, Infos, Lacks, all, primary_lacks, replica_lacks};
use crate::runtime::LabNode;

/// A connection that was opened, by the node's position.
type Link<T> = Option<(MultiplexedConnection, T)>;

/// A look at data nodes.
pub(super) struct Data {
    dialer: Dialer,
    nodes: Vec<LabNode>,
    links: Vec<Link<()>>,
    /// The primary before its replicas are booted.
    alone: bool,
}

impl Data {
    pub(super) fn new(dialer: Dialer, nodes: &[&LabNode], alone: bool) -> Self {
        Self { dialer, nodes: nodes.iter().copied().cloned().collect(), links: Vec::new(), alone }
    }

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
        let infos = all(join_all(looks).await)?;
        let Some(((name, primary), replicas)) = infos.split_first() else { return Ok(infos) };
        let lack = if self.alone { None } else { primary_lacks(primary, replicas.len()) };
        let mut lacks: Lacks = lack.map(|lack| (name.clone(), lack)).into_iter().collect();
        if !self.alone {
            lacks.extend(replicas.iter().filter_map(|(name, info)| Some((name.clone(), replica_lacks(info, primary)?))));
        }
        if lacks.is_empty() { Ok(infos) } else { Err(lacks) }
    }
}

/// A look at primaries that belong to no set.
pub(super) struct Alone(Data);

impl Alone {
    pub(super) fn new(dialer: Dialer, nodes: &[&LabNode]) -> Self {
        Self(Data::new(dialer, nodes, true))
    }
}

impl Check for Alone {
    async fn look(&mut self) -> Result<Infos, Lacks> {
        let infos = self.0.look().await?;
        let lacks: Lacks = infos.iter().filter_map(|(name, info)| Some((name.clone(), primary_lacks(info, 0)?))).collect();
        if lacks.is_empty() { Ok(infos) } else { Err(lacks) }
    }
}

/// A look at Sentinels.
pub(super) struct Sentinels {
    dialer: Dialer,
    nodes: Vec<LabNode>,
    links: Vec<Link<Option<Boost>>>,
    replicas: usize,
}

impl Sentinels {
    pub(super) fn new(dialer: Dialer, nodes: &[&LabNode], replicas: usize) -> Self {
        Self { dialer, nodes: nodes.iter().copied().cloned().collect(), links: Vec::new(), replicas }
    }

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
        let looked = all(join_all(looks).await);
        self.links = links;
        looked?;
        let finishes = self.nodes.iter().zip(&mut self.links).map(|(node, link)| Self::finish(node, link));
        all(join_all(finishes).await)
    }
}
