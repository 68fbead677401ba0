//! `partition`: packets between groups are dropped inside the members' own namespaces.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::{Direction, Group, Link, Partition, Selector, WantedRole};
use redquake_topologies::rules::{self, Ports};
use redquake_topologies::runtime::DATA_PORT;
use redquake_topologies::shaping::{Exchange, Way, measure};

use super::endpoint::{self, Endpoint};
use super::injection::{Done, Injection, NotDone};
use super::link_fault::LinkFault;
use super::links::{Links, end};
use super::shapes;
use crate::context::TrialContext;

/// A TCP handshake on a lab network takes far less than this; one that takes longer is being dropped.
const HANDSHAKE_WITHIN: Duration = Duration::from_millis(300);
/// What shows that a one-way cut is one: a tenth of a second of datagrams each way.
const DATAGRAMS: Exchange = Exchange { datagrams: 50, rate: 500, payload: 64, linger: Duration::from_millis(150) };
/// A Cluster's bus listens so far above the port of clients.
const BUS_ABOVE: u16 = 10_000;

/// Links that are cut between members, and how to mend them.
pub struct PartitionFault {
    id: String,
    links: Links,
    ports: Ports,
    /// The port of handshakes that must not be answered; each member's own where all is cut.
    knock: Option<u16>,
    words: String,
}

impl PartitionFault {
    /// Resolves who is cut off from whom. `index` is the fault's place in the plan.
    pub async fn new(index: usize, spec: &Partition, context: &TrialContext, random: &mut ChaCha8Rng) -> Result<Self, NotDone> {
        let (links, words) = match (&spec.from, &spec.to, &spec.groups, spec.shape) {
            (Some(from), Some(to), None, None) => {
                let (from, to) = (endpoint::resolve(from, context, random).await?, endpoint::resolve(to, context, random).await?);
                let (one, other) = (names(&from), names(&to));
                let words = match spec.direction {
                    Direction::Both => format!("packets dropped between {one} and {other}"),
                    Direction::To => format!("packets dropped that {one} send to {other}"),
                    Direction::From => format!("packets dropped that {other} send to {one}"),
                };
                (Links::between(&from, &to, spec.direction), words)
            }
            (None, None, Some(groups), None) => {
                let mut sides: Vec<Vec<Endpoint>> = Vec::new();
                for group in groups {
                    let mut side = endpoint::resolve(group, context, random).await?;
                    // Whoever stands on an earlier side does not stand on a later one: `{ role: any }` then means everybody else.
                    side.retain(|endpoint| !sides.iter().flatten().any(|other| other.name() == endpoint.name()));
                    sides.push(side);
                }
                let words = sides.iter().map(|side| names(side)).collect::<Vec<_>>().join(" | ");
                (Links::apart(&sides), format!("packets dropped between {words}"))
            }
            (None, None, None, Some(shape)) => {
                let all = Group::One(Selector::role(WantedRole::Any));
                let mut members = endpoint::resolve(spec.of.as_ref().unwrap_or(&all), context, random).await?;
                members.shuffle(random);
                let pairs = shapes::cut(shape, members.len(), random);
                let words = pairs.iter().map(|(one, other)| format!("{}-{}", members[*one].name(), members[*other].name()));
                let words = format!("packets dropped between the pairs {}", words.collect::<Vec<_>>().join(", "));
                (Links::of(members, &pairs), words)
            }
            _ => return Err("a partition has `from` and `to`, or `groups`, or a `shape`".into()),
        };
        if links.is_empty() {
            return Err(NotDone::NoOccasion(format!("nothing is cut among {}", links.names().join(", "))));
        }
        let knock = match spec.link {
            Link::All => None,
            Link::Client => Some(DATA_PORT),
            Link::Bus => Some(DATA_PORT + BUS_ABOVE),
        };
        let ports = knock.map(|port| Ports::of_services(&[port])).unwrap_or_default();
        Ok(Self { id: format!("fault{index}"), links, ports, knock, words })
    }

    /// A handshake across each link from each end; those of which `skip` says so are left out.
    async fn handshakes(&self, context: &TrialContext, ends: &[(&Endpoint, &Endpoint)]) -> Result<Vec<bool>, String> {
        let attempts = ends.iter().map(|(near, far)| answered(context, near, far, self.knock.unwrap_or_else(|| far.port())));
        join_all(attempts).await.into_iter().collect()
    }

    /// Of a one-way cut: nothing arrives the one way, and the other way is as it was.
    async fn one_way(&self, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        let measured = self.links.pairs().filter(|(near, far, direction)| {
            let disturbed = others.iter().any(|other| other.disturbs(near.name(), far.name()));
            *direction != Direction::Both && self.knock.is_none() && !disturbed
        });
        // At once: one after the other they would take longer than the cut may last.
        let looks = measured.map(async |(near, far, direction)| {
            let link =
                measure(&end(near, context).await?, &end(far, context).await?, DATAGRAMS).await.map_err(|error| error.to_string())?;
            let (cut, whole, from, to) = match direction {
                Direction::From => (&link.back, &link.there, far, near),
                _ => (&link.there, &link.back, near, far),
            };
            let arrived = |way: &Way| format!("{} of {} datagrams", way.received, way.sent);
            if cut.received > 0 || whole.received < whole.sent {
                let (from, to) = (from.name(), to.name());
                return Err(format!("of what {from} sent to {to}, {} arrived, and {} the other way", arrived(cut), arrived(whole)));
            }
            Ok(format!("{} to {}: {} arrived, back: {}", from.name(), to.name(), arrived(cut), arrived(whole)))
        });
        let told = try_join_all(looks).await?;
        Ok(told.join("; "))
    }
}

#[async_trait]
impl Injection for PartitionFault {
    fn targets(&self) -> Vec<String> {
        self.links.names()
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        for (member, traffic) in self.links.traffic(&self.ports) {
            let namespace = member.namespace(context).await?;
            rules::drop_packets(&namespace, &self.id, &traffic).await.map_err(|error| error.to_string())?;
        }
        Ok(vec![Done { at: Instant::now(), targets: self.targets(), detail: self.words.clone() }])
    }

    /// From both ends: a handshake across the cut is not answered, whoever starts it. (A handshake needs both directions, so it fails for a
    /// one-way cut too.) What other cuts drop never reaches these rules.
    async fn prove(&self, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        let ends: Vec<_> = self.links.ends().collect();
        for ((near, far), answered) in ends.iter().zip(self.handshakes(context, &ends).await?) {
            if answered {
                return Err(format!("{} could still reach {}", near.name(), far.name()));
            }
        }
        let one_way = self.one_way(context, others).await?;
        let mut dropped = 0;
        for (member, _) in self.links.traffic(&self.ports) {
            let there = rules::present(&member.namespace(context).await?, &self.id).await.map_err(|error| error.to_string())?;
            dropped += there.map_or(0, |presence| presence.packets);
        }
        let tried = format!("{} handshakes across the cut, from both ends: none was answered within {HANDSHAKE_WITHIN:?}", ends.len());
        let apart = if one_way.is_empty() { String::new() } else { format!("; {one_way}") };
        let earlier = |(near, far): &(&Endpoint, &Endpoint)| others.iter().any(|other| other.severs(near.name(), far.name()));
        match dropped {
            0 if ends.iter().all(earlier) => Ok(format!("{tried}; an earlier cut drops the packets first")),
            0 => Err("the rules dropped no packet".to_owned()),
            _ => Ok(format!("{tried}{apart}; {dropped} packets dropped so far")),
        }
    }

    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        LinkFault::Cut.remove(&self.id, self.links.near(), context).await
    }

    /// From both ends: handshakes between members that are alive are answered again, but for those that others, which are still there, cut.
    async fn prove_reverted(&self, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        let members = self.links.members();
        let alive = join_all(members.iter().map(|member| member.alive(context))).await;
        let lives = |endpoint: &Endpoint| members.iter().zip(&alive).any(|(member, alive)| *alive && member.name() == endpoint.name());
        let (cut, ends): (Vec<_>, Vec<_>) = self
            .links
            .ends()
            .filter(|(near, far)| lives(near) && lives(far))
            .partition(|(near, far)| others.iter().any(|other| other.severs(near.name(), far.name())));
        let attempts = self.handshakes(context, &ends).await?;
        LinkFault::Cut.prove_removed(&self.id, self.links.near(), context).await?;
        let mut disturbed = 0;
        for ((near, far), answered) in ends.iter().zip(attempts) {
            // Where packets are lost or late, one handshake without an answer says nothing; that the rules are gone does.
            if !answered && others.iter().any(|other| other.disturbs(near.name(), far.name())) {
                disturbed += 1;
            } else if !answered {
                return Err(format!("{} still could not reach {}", near.name(), far.name()));
            }
        }
        let answered = match disturbed {
            0 => "all were answered".to_owned(),
            _ => format!(
                "{disturbed} were not answered within {HANDSHAKE_WITHIN:?}, where another fault disturbs packets; the rules are gone"
            ),
        };
        let still = if cut.is_empty() { String::new() } else { format!("; {} not tried, as another fault still cuts them", cut.len()) };
        Ok(format!("{} handshakes between the living across the former cut: {answered}{still}", ends.len()))
    }

    fn severs(&self, one: &str, other: &str) -> bool {
        self.links.join(one, other)
    }

    fn disturbs(&self, one: &str, other: &str) -> bool {
        self.severs(one, other)
    }
}

fn names(members: &[Endpoint]) -> String {
    members.iter().map(Endpoint::name).collect::<Vec<_>>().join(", ")
}

/// Whether a TCP handshake from one endpoint's namespace to the other's address is answered, be it by a refusal: a zone listens nowhere.
async fn answered(context: &TrialContext, near: &Endpoint, far: &Endpoint, port: u16) -> Result<bool, String> {
    let namespace = near.namespace(context).await?;
    let to = (far.ip(), port).into();
    let (answer, wait) = tokio::sync::oneshot::channel();
    // A thread of its own: it never leaves the namespace again.
    let attempt = move || {
        let answered = namespace.enter().map(|()| match TcpStream::connect_timeout(&to, HANDSHAKE_WITHIN) {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::ConnectionRefused,
        });
        let _ = answer.send(answered);
    };
    std::thread::Builder::new().name("handshake".to_owned()).spawn(attempt).map_err(|error| error.to_string())?;
    match wait.await {
        Ok(Ok(answered)) => Ok(answered),
        Ok(Err(error)) => Err(format!("the namespace of {} could not be entered: {error}", near.name())),
        Err(_) => Err("a connection attempt ended without an answer".to_owned()),
    }
}
