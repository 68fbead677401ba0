//! What is known of the running trial right now, folded from the events on their way to the history.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use redquake_experiments::plan::Plan;
use redquake_experiments::spec::Trigger;
use redquake_reports::history::{Event, NodeRole, Outcome, ProbeKind, RoleSample, Why};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::Conduct;

/// The present state of a trial.
#[derive(Default)]
pub struct Live {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Since when probe writes of a node have been acknowledged without a failure between, and the latest one.
    writable: HashMap<u16, (u64, u64)>,
    roles: HashMap<u16, RoleSample>,
    /// The latest role each node told; no answer tells none.
    told: HashMap<u16, NodeRole>,
    /// When a node that had been a replica was first a primary.
    promoted: Vec<u64>,
    /// Why the latest probe write of a node was not acknowledged.
    refused: HashMap<u16, Why>,
    /// What Sentinels published, with when and which one.
    published: Vec<(u64, u16, String)>,
    /// When the first probe write began.
    watched_from: Option<u64>,
    load: MachineLoad,
    conduct: Conduct,
}

/// How hard the machine made it to measure: what an automatic number of parallel trials is steered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MachineLoad {
    /// Lateness of the tool's own loops in all, ns.
    pub late: u64,
    /// From the first to the last probe write, ns.
    pub watched: u64,
    /// Acknowledged probe writes.
    pub pings: u64,
    /// Those of them that took longer than [`SLOW_PING`].
    pub slow: u64,
}

/// Messages of Sentinels that are kept; a failover has about a hundred.
const MOST_PUBLISHED: usize = 100_000;

/// An idle server acknowledges a write on a lab network in a fraction of a millisecond.
pub const SLOW_PING: u64 = 5_000_000;

impl Live {
    /// Takes in one event.
    pub fn observe(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.conduct.observe(event);
        match event {
            Event::Probe(probe) if probe.op == ProbeKind::Write => {
                let began = *state.watched_from.get_or_insert(probe.at[1]);
                state.load.watched = probe.at[2].saturating_sub(began).max(state.load.watched);
                if probe.out == Outcome::Ok {
                    state.load.pings += 1;
                    state.load.slow += u64::from(probe.at[2] - probe.at[1] > SLOW_PING);
                    state.writable.entry(probe.node).or_insert((probe.at[2], probe.at[2])).1 = probe.at[2];
                } else {
                    state.writable.remove(&probe.node);
                    if let Some(why) = probe.why {
                        state.refused.insert(probe.node, why);
                    }
                }
            }
            Event::Role(sample) => {
                if sample.role != NodeRole::Unreachable {
                    let before = state.told.insert(sample.node, sample.role);
                    if (before, sample.role) == (Some(NodeRole::Replica), NodeRole::Primary) {
                        state.promoted.push(sample.at[1]);
                    }
                }
                state.roles.insert(sample.node, sample.clone());
            }
            Event::Sentinel(message) if state.published.len() < MOST_PUBLISHED => {
                state.published.push((message.at, message.node, message.event.clone()));
            }
            Event::Stall(stall) => {
                state.load.late += stall.late;
                return;
            }
            _ => return,
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Completes when something is observed after this call.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Whether one of these nodes says it is a primary and has acknowledged every probe write for the last `window` ns.
    pub fn steady_primary(&self, window: u64, nodes: &[u16]) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.writable.iter().filter(|(node, _)| nodes.contains(node)).any(|(node, (first, last))| {
            let says_primary = state.roles.get(node).is_some_and(|sample| sample.role == NodeRole::Primary);
            says_primary && last - first >= window
        })
    }

    /// Whether what a fault waits for is there; events count from `since`, ns.
    pub fn sees(&self, trigger: &Trigger, since: u64) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let replicas = || state.roles.values().filter(|sample| sample.role == NodeRole::Replica);
        match trigger {
            Trigger::Event(event) => state.published.iter().any(|(at, _, name)| *at >= since && name == event),
            Trigger::Promotion => state.promoted.iter().any(|at| *at >= since),
            Trigger::FullSync => replicas().any(|sample| sample.syncing && sample.at[1] >= since),
            Trigger::ReplicaLag(bytes) => {
                // While several say that they are the primary, the one whose stream is longest is.
                let primary = state.roles.values().filter(|sample| sample.role == NodeRole::Primary).map(|sample| sample.offset).max();
                let behind = replicas().map(|sample| sample.offset).min();
                primary.zip(behind).is_some_and(|(primary, behind)| primary.saturating_sub(behind) > *bytes)
            }
        }
    }

    /// The Sentinel that was elected last to lead a failover.
    pub fn leader_sentinel(&self) -> Option<u16> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.published.iter().rev().find(|(_, _, name)| name == "+elected-leader").map(|(_, node, _)| *node)
    }

    /// How hard the machine made it so far.
    pub fn load(&self) -> MachineLoad {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).load
    }

    /// Whether nothing happened that the servers may remember; to be asked once every event is observed.
    pub fn clean(&self, plan: &Plan) -> Result<(), String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).conduct.clean(plan)
    }

    /// Of these nodes the one that says it is a primary, and why it did not acknowledge the latest probe write that failed.
    pub fn refusal(&self, nodes: &[u16]) -> Option<(u16, Why)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let primary = state.roles.values().find(|sample| sample.role == NodeRole::Primary && nodes.contains(&sample.node))?.node;
        state.refused.get(&primary).map(|why| (primary, *why))
    }

    /// Nodes that say they are replicas with a working link on which something has come: right after it is up, nothing does for up to a second.
    pub fn linked_replicas(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.roles.values().filter(|sample| sample.role == NodeRole::Replica && sample.link && sample.offset > 0).count()
    }
}
