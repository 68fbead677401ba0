//! From the faults of a file to what happens when: repetitions unrolled, times resolved as far as they can be.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::spec::{Duration, Fault, Trigger};

/// One injection of a fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedFault {
    /// When it is injected.
    pub start: Start,
    /// How long it stays, ns, for faults that are reverted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<u64>,
    /// Which time of how many this is, from 1.
    #[serde(default = "once")]
    pub occurrence: [u32; 2],
    /// What is injected.
    pub fault: Fault,
}

/// When a fault is injected; times are nanoseconds from the start of the baseline window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// At a fixed time.
    At(u64),
    /// So long after the injection of another one, whose time only the trial tells.
    After {
        /// Its index among the planned faults.
        fault: usize,
        /// Time since its injection, ns.
        delay: u64,
    },
    /// As soon as something is seen.
    When {
        /// What.
        trigger: Trigger,
        /// Until when it must have been seen.
        deadline: u64,
    },
}

fn once() -> [u32; 2] {
    [1, 1]
}

impl PlannedFault {
    /// A fault that is injected once.
    pub fn once(start: Start, fault: Fault) -> Self {
        Self { start, lasts: fault.lasts().map(Duration::as_nanos), occurrence: once(), fault }
    }

    /// When it is injected, where that is fixed.
    pub fn inject_at(&self) -> Option<u64> {
        match self.start {
            Start::At(at) => Some(at),
            _ => None,
        }
    }

    /// When it is reverted, where that is fixed.
    pub fn revert_at(&self) -> Option<u64> {
        Some(self.inject_at()?.saturating_add(self.lasts?))
    }

    /// Its name, with its number where it happens several times: `flap #2`.
    pub fn label(&self) -> String {
        match self.occurrence {
            [_, 1] => self.fault.name.clone(),
            [number, _] => format!("{} #{number}", self.fault.name),
        }
    }
}

/// Faults by the time of their injection, those without a fixed one last; those of one instant keep the order of the file.
/// `end` is the end of the run: nothing is waited for beyond it. Faults that follow nobody or each other were refused before, and are left out.
pub(super) fn schedule(faults: &[Fault], end: u64) -> Vec<PlannedFault> {
    let mut planned: Vec<(usize, PlannedFault)> = Vec::new();
    // Index of the first injection of each fault, as far as they are placed.
    let mut first: Vec<Option<usize>> = vec![None; faults.len()];
    let places = places(faults);
    for place in leaders_first(faults, &places) {
        let fault = &faults[place];
        let Some(start) = start(fault, followed(fault, &places), &planned, &first, end) else { continue };
        first[place] = Some(planned.len());
        let base = planned.len();
        let times = if fault.timing.every.is_some() { fault.timing.times.unwrap_or(1).max(1) } else { 1 };
        let every = fault.timing.every.unwrap_or_default().as_nanos();
        for number in 1..=times {
            let later = u64::from(number - 1).saturating_mul(every);
            let start = match &start {
                Start::At(at) => Start::At(at.saturating_add(later)),
                other if number == 1 => other.clone(),
                _ => Start::After { fault: base, delay: later },
            };
            planned.push((place, PlannedFault { occurrence: [number, times], ..PlannedFault::once(start, fault.clone()) }));
        }
    }
    in_order(planned)
}

/// The fault another one follows; of several of one name, the first.
fn followed(fault: &Fault, places: &HashMap<&str, usize>) -> Option<usize> {
    places.get(fault.timing.after.as_ref()?.fault.as_str()).copied()
}

fn places(faults: &[Fault]) -> HashMap<&str, usize> {
    let mut places = HashMap::new();
    for (place, fault) in faults.iter().enumerate() {
        places.entry(fault.name.as_str()).or_insert(place);
    }
    places
}

/// Places of all faults, each after the one it follows, otherwise in the order of the file.
fn leaders_first(faults: &[Fault], places: &HashMap<&str, usize>) -> Vec<usize> {
    let mut seen = vec![false; faults.len()];
    let mut order = Vec::with_capacity(faults.len());
    for place in 0..faults.len() {
        let mut chain = Vec::new();
        let mut next = Some(place);
        while let Some(place) = next.filter(|place| !seen[*place]) {
            seen[place] = true;
            chain.push(place);
            next = followed(&faults[place], places);
        }
        order.extend(chain.into_iter().rev());
    }
    order
}

fn start(fault: &Fault, leader: Option<usize>, planned: &[(usize, PlannedFault)], first: &[Option<usize>], end: u64) -> Option<Start> {
    let timing = &fault.timing;
    if let Some(after) = &timing.after {
        let index = first[leader?]?;
        let delay = after.delay.as_nanos();
        return Some(match planned[index].1.start {
            Start::At(at) => Start::At(at.saturating_add(delay)),
            _ => Start::After { fault: index, delay },
        });
    }
    if let Some(trigger) = &timing.when {
        let deadline = timing.within.map_or(end, Duration::as_nanos).min(end);
        return Some(Start::When { trigger: trigger.clone(), deadline });
    }
    Some(Start::At(timing.at.unwrap_or_default().as_nanos()))
}

/// Sorted by time, then by the order of the file; what others follow is renumbered.
fn in_order(planned: Vec<(usize, PlannedFault)>) -> Vec<PlannedFault> {
    let mut order: Vec<usize> = (0..planned.len()).collect();
    order.sort_by_key(|index| {
        let (place, one) = &planned[*index];
        (one.inject_at().unwrap_or(u64::MAX), *place, one.occurrence[0])
    });
    let mut position = vec![0; planned.len()];
    for (new, old) in order.iter().enumerate() {
        position[*old] = new;
    }
    let mut moved: Vec<(usize, PlannedFault)> = planned.into_iter().zip(&position).map(|((_, one), new)| (*new, one)).collect();
    moved.sort_by_key(|(new, _)| *new);
    let renumbered = moved.into_iter().map(|(_, mut one)| {
        if let Start::After { fault, .. } = &mut one.start {
            *fault = position[*fault];
        }
        one
    });
    renumbered.collect()
}
