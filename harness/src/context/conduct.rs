//! What happened in a trial that its servers may remember. Pure.

use std::collections::{HashMap, HashSet};

use redquake_experiments::plan::Plan;
use redquake_reports::history::{Event, FaultState, NodeRole, NoteKind};

/// What Sentinels may have published: that somebody was out of reach for a while. Anything else is a step of a failover, or news of one.
const HARMLESS: [&str; 2] = ["+sdown", "-sdown"];

/// Folded from the events of a trial.
#[derive(Debug, Default)]
pub struct Conduct {
    /// The first thing that rules its servers out.
    spoilt: Option<String>,
    /// The first role each node told.
    roles: HashMap<u16, NodeRole>,
    /// Faults that were verified to be gone.
    gone: HashSet<usize>,
}

impl Conduct {
    /// Takes in one event.
    pub fn observe(&mut self, event: &Event) {
        let spoilt = match event {
            Event::Sentinel(message) if !HARMLESS.contains(&message.event.as_str()) => Some(format!("a Sentinel said {}", message.event)),
            Event::Role(sample) if sample.role != NodeRole::Unreachable => {
                let first = *self.roles.entry(sample.node).or_insert(sample.role);
                (first != sample.role).then(|| "a node changed its role".to_owned())
            }
            Event::Fault(fault) => match fault.state {
                FaultState::RevertProved => {
                    self.gone.insert(fault.fault.into());
                    None
                }
                FaultState::Unproved | FaultState::RevertUnproved | FaultState::Skipped | FaultState::Missed => {
                    Some(format!("a fault did not go as planned: {}", fault.detail))
                }
                FaultState::Injected | FaultState::Proved | FaultState::Reverted => None,
            },
            Event::Note(note) if note.kind != NoteKind::Remark => Some(note.text.clone()),
            _ => None,
        };
        self.spoilt = self.spoilt.take().or(spoilt);
    }

    /// Whether everything was reverted and nobody took another's place; else what stands against it. To be asked once the history is
    /// complete.
    pub fn clean(&self, plan: &Plan) -> Result<(), String> {
        if let Some(reason) = &self.spoilt {
            return Err(reason.clone());
        }
        let left = plan.faults.iter().enumerate().find(|(index, planned)| planned.lasts.is_some() && !self.gone.contains(index));
        left.map_or(Ok(()), |(_, planned)| Err(format!("`{}` was not verified to be gone", planned.label())))
    }
}

#[cfg(test)]
mod tests {
    use redquake_reports::history::{FaultEvent, Note, RoleSample, SentinelEvent};

    use super::*;

    fn said(event: &str) -> Event {
        Event::Sentinel(SentinelEvent { at: 1, node: 3, event: event.to_owned(), payload: String::new() })
    }

    fn role(role: NodeRole) -> Event {
        let json = serde_json::json!({ "at": [1, 2], "node": 0, "role": role, "offset": 0, "link": true });
        Event::Role(serde_json::from_value::<RoleSample>(json).unwrap())
    }

    fn fault(state: FaultState) -> Event {
        Event::Fault(FaultEvent { at: 1, fault: 0, state, targets: vec![], detail: "why".to_owned() })
    }

    fn spoilt(events: &[Event]) -> Option<String> {
        let mut conduct = Conduct::default();
        events.iter().for_each(|event| conduct.observe(event));
        conduct.spoilt
    }

    #[test]
    fn somebody_out_of_reach_is_no_harm_and_any_step_of_a_failover_is() {
        assert_eq!(spoilt(&[said("+sdown"), said("-sdown"), fault(FaultState::Proved), fault(FaultState::RevertProved)]), None);
        for event in ["+odown", "+new-epoch", "+try-failover", "-failover-abort-no-good-slave", "+switch-master", "+tilt", "+reboot"] {
            assert!(spoilt(&[said("+sdown"), said(event)]).is_some(), "{event}");
        }
    }

    #[test]
    fn a_node_that_changed_its_role_is_told_also_after_it_changed_back() {
        let (primary, replica, silent) = (NodeRole::Primary, NodeRole::Replica, NodeRole::Unreachable);
        assert_eq!(spoilt(&[role(primary), role(silent), role(primary)]), None);
        assert!(spoilt(&[role(primary), role(replica), role(primary)]).is_some());
    }

    #[test]
    fn a_fault_that_did_not_go_as_planned_and_notes_that_spoil_a_trial_rule_its_servers_out() {
        for state in [FaultState::Unproved, FaultState::RevertUnproved, FaultState::Skipped, FaultState::Missed] {
            assert!(spoilt(&[fault(state)]).is_some(), "{state:?}");
        }
        let note = |kind| Event::Note(Note { at: 1, kind, text: "why".to_owned() });
        assert_eq!(spoilt(&[note(NoteKind::Remark)]), None);
        for kind in [NoteKind::Environment, NoteKind::NotSteady, NoteKind::Interrupted] {
            assert!(spoilt(&[note(kind)]).is_some(), "{kind:?}");
        }
    }
}
