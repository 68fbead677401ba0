//! Whether a trial proves anything, and if not, why, in sentences.

use super::words::{count, instant, span};
use crate::history::{Ending, FaultState, HistoryError, Note, NoteKind, Stall};
use crate::result::{Crash, FaultOutcome, TrialStatus};

/// Smallest lateness of our own loops that can disturb a gap's edge.
pub const LATE: u64 = 20_000_000;

/// Lateness anywhere in the measured time from which a trial proves nothing: as long as what is called an outage.
pub const STALLED: u64 = super::gap::OUTAGE;

/// Reasons and remarks, as they are found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Why the trial is not conclusive.
    pub reasons: Vec<String>,
    /// What is worth knowing besides.
    pub remarks: Vec<String>,
    /// Whether the machine was too busy to measure.
    pub disturbed: bool,
    /// What is wrong with the history.
    pub damage: Option<String>,
    environment: bool,
}

impl Findings {
    /// Something that makes the trial inconclusive.
    pub fn reason(&mut self, text: impl Into<String>) {
        self.reasons.push(text.into());
    }

    /// Something worth knowing.
    pub fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }

    /// What the trial is worth.
    pub fn status(&self) -> TrialStatus {
        match (self.environment, self.reasons.is_empty()) {
            (true, _) => TrialStatus::Error,
            (false, true) => TrialStatus::Conclusive,
            (false, false) => TrialStatus::Inconclusive,
        }
    }

    /// Notes of those who performed the trial.
    pub fn notes(&mut self, notes: &[Note]) {
        for note in notes {
            match note.kind {
                NoteKind::Remark => self.remark(note.text.clone()),
                // What did not come back is a result, told as a lower bound; to call it inconclusive would hide it.
                NoteKind::NotRecovered => self.remark(format!("not recovered: {}", note.text)),
                NoteKind::NotSteady => self.reason(format!("the steady state was not reached: {}", note.text)),
                NoteKind::Interrupted => self.reason(note.text.clone()),
                NoteKind::Environment => {
                    self.environment = true;
                    self.reason(note.text.clone());
                }
            }
        }
    }

    /// How the history ended. Whatever is not as it was written makes the trial inconclusive: what is lost may be what matters.
    pub fn ending(&mut self, ending: &Result<Option<Ending>, HistoryError>) {
        let damage = match ending {
            Ok(Some(Ending::Complete)) => return,
            Ok(Some(Ending::Incomplete { written, read })) if read < written => {
                format!("the history lacks {} of {written} recorded events", written - read)
            }
            Ok(Some(Ending::Incomplete { written, read })) => {
                format!("the history has {} more than the {written} recorded events", read - written)
            }
            Ok(Some(Ending::Altered)) => "the history is not as it was written: its checksum does not agree with its lines".to_owned(),
            Ok(Some(Ending::Cut { lines })) => format!("the history is cut off after {lines} lines"),
            Ok(Some(Ending::Missing) | None) => "the history ends before the trial did".to_owned(),
            Err(HistoryError::Damaged { line, why }) => format!("the history is damaged at line {line}: {why}"),
            Err(other) => other.to_string(),
        };
        self.reason(damage.clone());
        self.damage = Some(damage);
    }

    /// Faults must have been injected, seen to bite, reverted and verified to be gone. What could not be done or seen because a server had
    /// crashed is that server's doing, and no flaw of the trial.
    pub fn faults(&mut self, faults: &[FaultOutcome], reversible: &[bool], crashes: &[Crash]) {
        for (fault, reversible) in faults.iter().zip(reversible) {
            let failed = matches!(fault.state, FaultState::Skipped | FaultState::Unproved | FaultState::RevertUnproved);
            if let Some(crash) = crashes.iter().find(|crash| failed && fault.targets.contains(&crash.node)) {
                self.remark(format!("fault `{}` met {}, which had crashed: {}", fault.name, crash.node, fault.proof));
                continue;
            }
            let name = &fault.name;
            let detail = if fault.proof.is_empty() { String::new() } else { format!(": {}", fault.proof) };
            match fault.state {
                // The same would come of another trial: the set's doing, or the file's.
                FaultState::Missed if fault.injected_at.is_some() => {
                    self.remark(format!("the servers did not do what fault `{name}` ordered{detail}"))
                }
                FaultState::Missed => self.remark(format!("fault `{name}` was not injected{detail}")),
                FaultState::Skipped if fault.injected_at.is_none() => self.reason(format!("fault `{name}` was not injected{detail}")),
                FaultState::Unproved => self.reason(format!("fault `{name}` was not verified{detail}")),
                FaultState::RevertUnproved => self.reason(format!("fault `{name}` was not verified to be gone{detail}")),
                FaultState::Injected => self.reason(format!("fault `{name}` was injected, and nothing shows that it took effect")),
                FaultState::Proved if *reversible => self.reason(format!("fault `{name}` was never reverted")),
                FaultState::Reverted => self.reason(format!("fault `{name}` was reverted, and the reversal was not verified")),
                FaultState::Proved | FaultState::RevertProved | FaultState::Skipped => {}
            }
        }
    }

    /// Lateness of our own loops, in the measured time `[zero, end]`, given the edges of the gaps that are told.
    ///
    /// A stall that covers an edge moves it by up to its length: it counts from 20 ms, or ten intervals between probes.
    pub fn stalls(&mut self, stalls: &[Stall], zero: u64, end: u64, edges: &[u64], probe_every: u64) {
        let limit = LATE.max(probe_every.saturating_mul(10));
        let inside = |stall: &&Stall| stall.at >= zero && stall.at.saturating_sub(stall.late) <= end;
        let covers = |stall: &Stall| edges.iter().any(|edge| stall.at.saturating_sub(stall.late) <= *edge && *edge <= stall.at);
        let measured: Vec<&Stall> = stalls.iter().filter(inside).collect();
        let Some(worst) = measured.iter().max_by_key(|stall| (stall.late, std::cmp::Reverse(stall.at))) else { return };
        let told = |stall: &Stall| {
            format!("this machine held up the tool's loop for {} by {} at {}", stall.place, span(stall.late), instant(stall.at, zero))
        };
        if worst.late >= STALLED {
            self.disturbed = true;
            self.reason(format!("{}: the machine is too busy to measure", told(worst)));
        } else if let Some(stall) = measured.iter().find(|stall| stall.late > limit && covers(stall)) {
            self.disturbed = true;
            self.reason(format!("{}, just when an outage began or ended: its length cannot be trusted", told(stall)));
        } else {
            let text = format!(
                "{} of the tool's own loops in the measured time; worst: {}",
                count(measured.len() as u64, "late wake-up"),
                told(worst)
            );
            self.remark(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, FaultOutcome, FaultState, Findings, Note, NoteKind, Stall, TrialStatus};

    const MS: u64 = 1_000_000;

    fn stall(at: u64, late: u64) -> Stall {
        Stall { at: at * MS, late: late * MS, place: "clients".to_owned() }
    }

    fn stalled(stalls: &[Stall], edges: &[u64]) -> Findings {
        let mut findings = Findings::default();
        findings.stalls(stalls, 1000 * MS, 9000 * MS, edges, MS);
        findings
    }

    #[test]
    fn a_small_stall_away_from_the_gap_is_a_remark() {
        let found = stalled(&[stall(2000, 60)], &[5000 * MS, 6400 * MS]);
        assert_eq!(found.status(), TrialStatus::Conclusive);
        assert_eq!(
            found.remarks,
            [
                "1 late wake-up of the tool's own loops in the measured time; worst: this machine held up the tool's loop for clients by 60 ms at T+1.000 s"
            ]
        );
    }

    #[test]
    fn a_stall_at_the_edge_of_a_gap_makes_the_trial_inconclusive() {
        let found = stalled(&[stall(5030, 60)], &[5000 * MS, 6400 * MS]);
        assert_eq!(
            found.reasons,
            [
                "this machine held up the tool's loop for clients by 60 ms at T+4.030 s, just when an outage began or ended: its length cannot be trusted"
            ]
        );
        assert_eq!(stalled(&[stall(5030, 60)], &[4900 * MS]).status(), TrialStatus::Conclusive);
        assert_eq!(stalled(&[stall(5005, 15)], &[5000 * MS]).status(), TrialStatus::Conclusive, "too short to matter");
    }

    #[test]
    fn a_long_stall_anywhere_in_the_measured_time_makes_it_inconclusive() {
        assert_eq!(stalled(&[stall(2000, 300)], &[]).status(), TrialStatus::Inconclusive);
        assert_eq!(stalled(&[stall(900, 300), stall(9500, 300)], &[]).status(), TrialStatus::Conclusive, "before and after it");
    }

    #[test]
    fn a_fault_that_was_not_proved_makes_it_inconclusive() {
        let fault = |state, injected_at| FaultOutcome {
            name: "crash".to_owned(),
            action: "kill".to_owned(),
            planned_at: Some(0),
            injected_at,
            reverted_at: None,
            targets: vec![],
            state,
            proof: "it still answers".to_owned(),
        };
        let status = |state, injected_at, reversible: bool| {
            let mut findings = Findings::default();
            findings.faults(&[fault(state, injected_at)], &[reversible], &[]);
            findings.reasons
        };
        assert_eq!(status(FaultState::Unproved, Some(1), false), ["fault `crash` was not verified: it still answers"]);
        assert_eq!(status(FaultState::Skipped, None, false), ["fault `crash` was not injected: it still answers"]);
        assert_eq!(status(FaultState::Proved, Some(1), true), ["fault `crash` was never reverted"]);
        assert!(status(FaultState::Proved, Some(1), false).is_empty());
        assert!(status(FaultState::RevertProved, Some(1), true).is_empty());
    }

    #[test]
    fn a_failed_environment_is_an_error_and_a_cut_history_is_inconclusive() {
        let mut findings = Findings::default();
        findings.notes(&[Note { at: 0, kind: NoteKind::Environment, text: "the engine stopped answering".to_owned() }]);
        assert_eq!(findings.status(), TrialStatus::Error);
        let mut findings = Findings::default();
        findings.ending(&Ok(Some(Ending::Cut { lines: 12 })));
        assert_eq!((findings.status(), findings.reasons.len()), (TrialStatus::Inconclusive, 1));
    }
}
