//! What is known of the running trial right now, folded from the events on their way to the history.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use redquake_reports::history::{Event, NodeRole, Outcome, ProbeKind, RoleSample, Why};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

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
    /// Why the latest probe write of a node was not acknowledged.
    refused: HashMap<u16, Why>,
    strain: Strain,
}

/// How hard the machine made it to measure: what an automatic number of parallel trials is steered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strain {
    /// Longest lateness of the tool's own loops, ns.
    pub late: u64,
    /// Acknowledged probe writes.
    pub pings: u64,
    /// Those of them that took longer than [`SLOW_PING`].
    pub slow: u64,
}

/// An idle server acknowledges a write on a lab network in a fraction of a millisecond.
pub const SLOW_PING: u64 = 5_000_000;

impl Live {
    /// Takes in one event.
    pub fn observe(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Probe(probe) if probe.op == ProbeKind::Write => {
                if probe.out == Outcome::Ok {
                    state.strain.pings += 1;
                    state.strain.slow += u64::from(probe.at[2] - probe.at[1] > SLOW_PING);
                    state.writable.entry(probe.node).or_insert((probe.at[2], probe.at[2])).1 = probe.at[2];
                } else {
                    state.writable.remove(&probe.node);
                    if let Some(why) = probe.why {
                        state.refused.insert(probe.node, why);
                    }
                }
            }
            Event::Role(sample) => {
                state.roles.insert(sample.node, sample.clone());
            }
            Event::Stall(stall) => {
                state.strain.late = state.strain.late.max(stall.late);
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

    /// The node that says it is the primary and has acknowledged every probe write for the last `window` ns.
    pub fn steady_primary(&self, window: u64) -> Option<u16> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.writable.iter().find_map(|(node, (first, last))| {
            let says_primary = state.roles.get(node).is_some_and(|sample| sample.role == NodeRole::Primary);
            (says_primary && last - first >= window).then_some(*node)
        })
    }

    /// How hard the machine made it so far.
    pub fn strain(&self) -> Strain {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).strain
    }

    /// The node that says it is the primary, and why it did not acknowledge the latest probe write that failed.
    pub fn refusal(&self) -> Option<(u16, Why)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let primary = state.roles.values().find(|sample| sample.role == NodeRole::Primary)?.node;
        state.refused.get(&primary).map(|why| (primary, *why))
    }

    /// Nodes that say they are replicas with a working link.
    pub fn linked_replicas(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.roles.values().filter(|sample| sample.role == NodeRole::Replica && sample.link).count()
    }
}
