//! Servers that have been through a trial and may serve another one once they are reset and seen to be as they were at first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Cmd;
use redquake_experiments::spec::{Role, Topology};
use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::{Lab, LabNode};
use redquake_topologies::sentinel::{self, BootedNode};

use super::facts::{Facts, TIMEOUTS, UNUSED, difference, facts};
use crate::clients::open;
use crate::context::failpoint::spoils;

/// Longest time until everything is as it was; fresh servers are there in less.
const WITHIN: Duration = Duration::from_secs(3);
/// Pause between two looks: connections that were closed are still listed for a moment.
const LOOK: Duration = Duration::from_millis(20);

/// Which servers a trial is to have.
pub enum Servers {
    /// Fresh ones, and nobody asked for others.
    Fresh,
    /// Fresh ones, for a reason, though others may serve again.
    FreshBecause(String),
    /// Those of an earlier trial.
    Warm(Box<Warm>),
}

impl Servers {
    /// Whether servers may be kept and used again.
    pub fn again(&self) -> bool {
        !matches!(self, Self::Fresh)
    }
}

/// A set that is up, and how it was when nobody had used it yet.
pub struct Warm {
    lab: Arc<dyn Lab>,
    nodes: Vec<BootedNode>,
    unused: Facts,
    /// The trial that used it last.
    pub last: u32,
}

impl Warm {
    /// Writes down what a set is like that has just become ready for its first trial.
    pub async fn new(lab: &Arc<dyn Lab>, zone: &Zone, nodes: &[BootedNode], trial: u32) -> Result<Self, String> {
        let mut unused = facts(&**lab, zone).await?;
        for (name, value) in &mut unused {
            let fact = name.split_once(": ").map_or("", |(_, fact)| fact);
            if matches!((fact, value.as_str()), ("config save", save) if !save.is_empty())
                || (fact, value.as_str()) == ("config appendonly", "yes")
            {
                return Err(format!("{name} is `{value}`, and what was written to disk stays"));
            }
            if let Some((_, known)) = UNUSED.iter().find(|(known, _)| *known == fact) {
                (*known).clone_into(value);
            }
        }
        Ok(Self { lab: Arc::clone(lab), nodes: nodes.to_vec(), unused, last: trial })
    }

    /// The servers' places.
    pub fn lab(&self) -> Arc<dyn Lab> {
        Arc::clone(&self.lab)
    }

    /// The nodes as they were brought up.
    pub fn nodes(&self) -> &[BootedNode] {
        &self.nodes
    }

    /// Empties the servers and looks until nothing tells them from what they were at first: what was found, or what differs still
    /// when the time is over.
    pub async fn reset_and_verify(&self, topology: &Topology) -> Result<String, String> {
        let Topology::Sentinel(topology) = topology else { return Err("only Sentinel sets are used again".to_owned()) };
        let began = Instant::now();
        let zone = Zone::open("reset", self.lab.client_namespace(), 1).map_err(|error| error.to_string())?;
        let verified = async {
            self.reset(&zone).await?;
            let again = sentinel::ready_again(&*self.lab, &zone, topology, WITHIN).await;
            let again = again.map_err(|error| error.to_string().lines().take(2).collect::<Vec<_>>().join(" "))?;
            if again.nodes != self.nodes {
                return Err("its servers are not those that were brought up".to_owned());
            }
            self.unchanged(&zone, began + WITHIN).await
        };
        let verified = verified.await;
        zone.close(WITHIN).await;
        verified.map(|()| {
            format!("reset and verified in {} ms, {} facts as at their first start", began.elapsed().as_millis(), self.unused.len())
        })
    }

    async fn reset(&self, zone: &Zone) -> Result<(), String> {
        let data = || self.lab.nodes().iter().filter(|node| node.role != Role::Sentinel);
        let primary = data().find(|node| node.role == Role::Primary).ok_or("the set has no primary")?;
        tell(zone, primary, words(&["FLUSHALL"])).await?;
        for node in data() {
            tell(zone, node, words(&["SCRIPT", "FLUSH"])).await?;
            tell(zone, node, words(&["CONFIG", "RESETSTAT"])).await?;
        }
        if spoils("config") {
            tell(zone, primary, words(&["CONFIG", "SET", "slowlog-max-len", "7"])).await?;
        }
        if spoils("key") {
            tell(zone, primary, words(&["SET", "left", "behind"])).await?;
        }
        Ok(())
    }

    async fn unchanged(&self, zone: &Zone, deadline: Instant) -> Result<(), String> {
        let mut last = format!("they could not be looked at within {WITHIN:?}");
        loop {
            // A look that the deadline cuts short takes nothing away from what the one before it found.
            last = match tokio::time::timeout_at(deadline.into(), facts(&*self.lab, zone)).await {
                Ok(Ok(now)) => match difference(&self.unused, &now) {
                    None => return Ok(()),
                    Some(different) => different,
                },
                Ok(Err(reason)) => reason,
                Err(_) => return Err(last),
            };
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Removes the servers; what could not be removed, in words.
    pub async fn close(self) -> Vec<String> {
        self.lab.close().await
    }
}

fn words(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    words.iter().for_each(|word| {
        command.arg(word);
    });
    command
}

async fn tell(zone: &Zone, node: &LabNode, command: Cmd) -> Result<(), String> {
    let address = node.address;
    let told = zone.spawn(async move { command.query_async::<()>(&mut open(address, TIMEOUTS).await?).await });
    told.await.map_err(|error| error.to_string())?.map_err(|error| format!("{}: {error}", node.name))
}
