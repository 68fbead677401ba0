//! What is known of the running trial right now, folded from the events on their way to the history.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use redquake_reports::history::{Event, NodeRole, Outcome, ProbeKind, RoleSample};
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
}

impl Live {
    /// Takes in one event.
    pub fn observe(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Probe(probe) if probe.op == ProbeKind::Write => {
                if probe.out == Outcome::Ok {
                    state.writable.entry(probe.node).or_insert((probe.at[2], probe.at[2])).1 = probe.at[2];
                } else {
                    state.writable.remove(&probe.node);
                }
            }
            Event::Role(sample) => {
                state.roles.insert(sample.node, sample.clone());
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

    /// Nodes that say they are replicas with a working link.
    pub fn linked_replicas(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.roles.values().filter(|sample| sample.role == NodeRole::Replica && sample.link).count()
    }
}
