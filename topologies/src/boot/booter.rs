//! Starting the nodes of a lab and waiting for them, with an eye on those that die instead.

use std::time::Duration;

use redquake_experiments::spec::{Directives, Role};
use tokio::time::Instant;

use super::dial::Dialer;
use super::look::{Check, Infos, look};
use super::refusal::refused;
use crate::namespace::Zone;
use crate::runtime::{Lab, LabNode, NodeFile, RuntimeError};

/// Pause between two looks whether a node has died instead.
const DEATH_WATCH: Duration = Duration::from_millis(100);
/// Longest wait for one connection or reply.
const PATIENCE: Duration = Duration::from_secs(1);
/// Lines of a node's log in an error.
const TAIL: usize = 12;

/// Who brings a set up, until when.
pub(crate) struct Booter<'a> {
    /// The servers' places.
    pub(crate) lab: &'a dyn Lab,
    /// Threads on the lab network, from which nodes are asked.
    pub(crate) zone: &'a Zone,
    /// When it is given up.
    pub(crate) deadline: Instant,
    /// How errors begin, for example "the Sentinel set did not become ready".
    pub(crate) not_ready: &'static str,
}

impl Booter<'_> {
    pub(crate) fn of_role(&self, role: Role) -> Vec<&LabNode> {
        self.lab.nodes().iter().filter(|node| node.role == role).collect()
    }

    pub(crate) fn dialer(&self, config: &Directives) -> Dialer {
        Dialer { bind: self.lab.client_bind(), password: config.get("requirepass").map(str::to_owned), timeout: PATIENCE }
    }

    pub(crate) async fn boot(&self, node: String, config: NodeFile) -> Result<(), RuntimeError> {
        let late = |_| RuntimeError::failed(self.not_ready, format!("{node}: the runtime did not start it in time"));
        tokio::time::timeout_at(self.deadline, self.lab.boot(&node, config)).await.map_err(late)?
    }

    /// Looks until nothing is missing, a server has ended, or the time is over.
    pub(crate) async fn wait<C: Check>(&self, nodes: &[&LabNode], check: C) -> Result<Infos, RuntimeError> {
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
                if let Some(refused) = refused(name, &log)
                    && matches!(self.lab.alive(name).await, Ok(false))
                {
                    return Err(RuntimeError::Refused(refused));
                }
                let lines: Vec<&str> = log.lines().collect();
                let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default();
                reason.push(format!("end of the log of {name}:\n  {}", tail.join("\n  ")));
            }
        }
        Err(RuntimeError::failed(self.not_ready, reason.join("\n")))
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
