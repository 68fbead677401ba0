//! Watching the parts of a lab: servers are children of this process, and links are told of by the kernel.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::carrier::Carrier;
use super::links::Network;
use super::node::Node;
use crate::postgres;
use crate::runtime::{CLIENTS_NAME, Ending, LabZone, ObjectKind, ObjectState, OutOfMemory, RuntimeError, Sight, Task, zone_name};

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Watch {
    carrier: Carrier,
    memory: OutOfMemory,
    servers: HashMap<String, Watched>,
}

/// The latest process of a node.
#[derive(Debug)]
struct Watched {
    process: u32,
    /// `None` once it has ended.
    task: Option<Task>,
    stopped: bool,
    ending: Option<Ending>,
}

impl Watch {
    /// To be made in the namespace of the network, once that is up.
    pub(super) fn new(network: &Network) -> Result<Self, RuntimeError> {
        let links = network.link_names().into_iter().chain([network.bridge()]);
        let carrier = Carrier::open(links).map_err(|error| RuntimeError::failed("watching the links of the lab", error))?;
        Ok(Self { carrier, memory: OutOfMemory::default(), servers: HashMap::new() })
    }

    /// Every part as it is now.
    pub(super) fn look(&mut self, nodes: &[&Arc<Node>], zones: &[LabZone], network: &Network) -> Vec<Sight> {
        self.memory.refresh();
        let mut seen = Vec::new();
        for node in nodes {
            let kind = if node.name == postgres::NAME { ObjectKind::Database } else { ObjectKind::Server };
            self.server(node, kind, &mut seen);
        }
        self.carrier.refresh();
        // In the order in which the network made them.
        let (database, nodes): (Vec<&Arc<Node>>, Vec<&Arc<Node>>) = nodes.iter().partition(|node| node.name == postgres::NAME);
        let named = |node: &Arc<Node>| node.name.clone();
        let zones = zones.iter().map(|zone| zone_name(&zone.name));
        let places = nodes.into_iter().map(named).chain([CLIENTS_NAME.to_owned()]).chain(zones).chain(database.into_iter().map(named));
        for (name, link) in places.zip(network.link_names()) {
            seen.extend(self.carrier.state(&link).map(|state| Sight::new(ObjectKind::Link, &name, state)));
        }
        seen.extend(self.carrier.state(&network.bridge()).map(|state| Sight::new(ObjectKind::Network, "", state)));
        seen
    }

    fn server(&mut self, node: &Node, kind: ObjectKind, seen: &mut Vec<Sight>) {
        let Some((process, status)) = node.process() else { return };
        let memory = &self.memory;
        let mut tell = |state, load| seen.push(Sight { load, ..Sight::new(kind, &node.name, state) });
        if let Some(known) = self.servers.get(&node.name).filter(|known| known.process != process && known.ending.is_none()) {
            // It ended and another one was started since the last look.
            let ending = node.end_of(known.process).map(|status| ending(status, memory)).unwrap_or_default();
            tell(ObjectState::Ended(ending), None);
        }
        let known = self.servers.entry(node.name.clone()).or_insert_with(|| Watched::new(process));
        if known.process != process {
            *known = Watched::new(process);
        }
        if let Some(ending) = known.ending {
            return tell(ObjectState::Ended(ending), None);
        }
        if let Some(status) = status {
            let ending = ending(status, memory);
            (known.ending, known.task) = (Some(ending), None);
            return tell(ObjectState::Ended(ending), None);
        }
        let went_on = went_on(process);
        match known.task.as_ref().and_then(Task::look) {
            // Its first thread has ended, while others are still ending: how it ended is known a moment later.
            None => {}
            Some((state, load)) => {
                // It was stopped and went on between two looks.
                if went_on && !known.stopped && state == ObjectState::Running {
                    tell(ObjectState::Stopped, None);
                }
                known.stopped = state == ObjectState::Stopped;
                tell(state, load);
            }
        }
    }
}

impl Watched {
    fn new(process: u32) -> Self {
        Self { process, task: Task::open(process), stopped: false, ending: None }
    }
}

/// Whether a child that was stopped was told to go on since the last call.
fn went_on(process: u32) -> bool {
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else { return false };
    matches!(waitid(WaitId::Pid(pid), WaitIdOptions::CONTINUED | WaitIdOptions::NOHANG), Ok(Some(_)))
}

fn ending(status: ExitStatus, memory: &OutOfMemory) -> Ending {
    let signal = status.signal();
    Ending { signal, code: status.code(), out_of_memory: signal == Some(9) && memory.struck() }
}
