//! What the faults of a trial did to processes: the ledger that every change of an object is held against.

use redquake_experiments::plan::PlannedFault;
use redquake_experiments::spec::{Action, HowStopped};

use super::faults::Faults;
use crate::history::{FaultState, ObjectEvent};

/// Signals, by number.
const KILL: i32 = 9;
const TERM: i32 = 15;
/// With which a Sentinel crashes that was told to.
const SIMULATED: i32 = 99;
/// A fault that failed is told of a moment after it tried.
const TRYING: u64 = 100_000_000;
/// The servers of one restart are started one after the other, each in a sandbox that has to be made first; the last one's start is told.
const STARTING: u64 = 1_000_000_000;
/// A signal that ends a pause is sent a moment before its end is told.
const ENDING: u64 = 100_000_000;

/// What faults did, by target.
#[derive(Debug, Default)]
pub struct Deeds {
    ends: Vec<End>,
    pauses: Vec<(String, [u64; 2])>,
    starts: Vec<(String, u64)>,
}

/// Something that ends a process.
#[derive(Debug)]
struct End {
    target: String,
    at: u64,
    until: u64,
    means: Means,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Kill,
    Terminate,
    SimulatedCrash,
}

impl Deeds {
    /// Those of the steps of the planned faults.
    pub fn new(faults: &Faults, planned: &[PlannedFault]) -> Self {
        let mut deeds = Self::default();
        for (index, planned) in planned.iter().enumerate() {
            deeds.of(&planned.fault.action, faults, index);
        }
        deeds
    }

    fn of(&mut self, action: &Action, faults: &Faults, index: usize) {
        let steps = faults.steps(index);
        let over = steps.iter().filter(|step| step.state == FaultState::Reverted).map(|step| step.at).max();
        let mut injected = false;
        for step in steps {
            let at = match step.state {
                FaultState::Injected => step.at,
                // Several targets were to be hit, and one could not be: the others were.
                FaultState::Unproved if !injected => step.at.saturating_sub(TRYING),
                FaultState::Reverted | FaultState::RevertUnproved if matches!(action, Action::Restart(_)) => {
                    self.starts.extend(step.targets.iter().map(|target| (target.clone(), step.at)));
                    continue;
                }
                _ => continue,
            };
            injected = true;
            let means = match action {
                Action::Kill(_) => Means::Kill,
                Action::Stop(_) => Means::Terminate,
                Action::Restart(restart) if restart.stop == HowStopped::Kill => Means::Kill,
                Action::Restart(_) => Means::Terminate,
                Action::SentinelCrash(_) => Means::SimulatedCrash,
                Action::Pause(_) => {
                    self.pauses.extend(step.targets.iter().map(|target| (target.clone(), [at, over.unwrap_or(u64::MAX)])));
                    continue;
                }
                _ => continue,
            };
            // A Sentinel that was told to forget it does not crash any more; signals are not reverted.
            let until = over.filter(|_| means == Means::SimulatedCrash).unwrap_or(u64::MAX);
            self.ends.extend(step.targets.iter().map(|target| End { target: target.clone(), at, until, means }));
        }
    }

    /// Whether a fault ended a process, which had begun or was seen to end last at `since`.
    pub fn ended(&self, seen: &ObjectEvent, since: u64) -> bool {
        self.ends.iter().filter(|end| end.target == seen.name && (since..=seen.at[1]).contains(&end.at)).any(|end| {
            let unknown = seen.signal.is_none() && seen.code.is_none();
            let fits = match end.means {
                Means::Kill => seen.signal == Some(KILL),
                // It ends in order, or with a code that says what it could not put in order.
                Means::Terminate => seen.signal == Some(TERM) || seen.code.is_some(),
                Means::SimulatedCrash => seen.code == Some(SIMULATED) && seen.at[0] <= end.until,
            };
            fits || unknown
        })
    }

    /// Whether a fault told it to end, whether or not it has.
    pub fn told_to_end(&self, seen: &ObjectEvent) -> bool {
        self.ends.iter().any(|end| end.target == seen.name && end.means == Means::Terminate)
    }

    /// Whether a fault had stopped it at some time between the two looks.
    pub fn stopped(&self, seen: &ObjectEvent) -> bool {
        self.pauses_of(seen).any(|[from, to]| from <= seen.at[1] && seen.at[0] <= to)
    }

    /// Whether a fault held it stopped all the while, so that somebody else let it go on.
    pub fn held(&self, seen: &ObjectEvent) -> bool {
        self.pauses_of(seen).any(|[from, to]| from < seen.at[0] && seen.at[1].saturating_add(ENDING) < to)
    }

    /// Whether a fault started it again after it was seen to end.
    pub fn started(&self, seen: &ObjectEvent, since: u64) -> bool {
        self.starts
            .iter()
            .any(|(target, at)| *target == seen.name && *at <= seen.at[1].saturating_add(STARTING) && since <= at.saturating_add(TRYING))
    }

    fn pauses_of<'a>(&'a self, seen: &'a ObjectEvent) -> impl Iterator<Item = [u64; 2]> {
        self.pauses.iter().filter(|(target, _)| *target == seen.name).map(|(_, span)| *span)
    }
}
