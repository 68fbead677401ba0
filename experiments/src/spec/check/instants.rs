//! Instants of faults, as far as the file tells them.

use std::collections::HashMap;

use crate::spec::{Action, Duration, Experiment, Fault};

/// Who follows whom, and when each fault is first injected.
pub(super) struct Instants {
    /// The fault each follows, where one of that name exists; of several of one name, the first.
    pub(super) follows: Vec<Option<usize>>,
    /// When each is first injected; `None` where that depends on what is seen, or on faults that wait for each other.
    pub(super) first: Vec<Option<Duration>>,
}

impl Instants {
    /// Of every fault, in one pass however long the chains are.
    pub(super) fn of(experiment: &Experiment) -> Self {
        let faults = &experiment.faults;
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (index, fault) in faults.iter().enumerate() {
            places.entry(fault.name.as_str()).or_insert(index);
        }
        let follows: Vec<Option<usize>> =
            faults.iter().map(|fault| places.get(fault.timing.after.as_ref()?.fault.as_str()).copied()).collect();
        let mut first: Vec<Option<Duration>> = faults.iter().map(|fault| fault.timing.at).collect();
        let mut done: Vec<bool> = faults.iter().map(|fault| fault.timing.at.is_some() || fault.timing.after.is_none()).collect();
        for start in 0..faults.len() {
            let mut chain = Vec::new();
            let mut place = Some(start);
            while let Some(index) = place.filter(|index| !done[*index]) {
                done[index] = true;
                chain.push(index);
                place = follows[index];
            }
            for index in chain.into_iter().rev() {
                let before = follows[index].and_then(|before| first[before]);
                first[index] = before.zip(faults[index].timing.after.as_ref()).map(|(before, after)| before + after.delay);
            }
        }
        Self { follows, first }
    }

    /// The faults that wait for each other, each circle from the one that stands first in the file.
    pub(super) fn circles(&self) -> Vec<Vec<usize>> {
        let mut met = vec![usize::MAX; self.follows.len()];
        let mut circles = Vec::new();
        for start in 0..met.len() {
            let mut walked = Vec::new();
            let mut place = Some(start);
            while let Some(index) = place.filter(|index| met[*index] == usize::MAX) {
                met[index] = start;
                walked.push(index);
                place = self.follows[index];
            }
            let Some(again) = place.filter(|index| met[*index] == start) else { continue };
            let mut circle: Vec<usize> = walked.into_iter().skip_while(|index| *index != again).collect();
            let lowest = circle.iter().enumerate().min_by_key(|(_, index)| **index).map_or(0, |(place, _)| place);
            circle.rotate_left(lowest);
            circles.push(circle);
        }
        circles
    }
}

/// From the first injection to the last.
pub(super) fn repeated_for(fault: &Fault) -> Duration {
    let (Some(every), Some(times)) = (fault.timing.every, fault.timing.times) else { return Duration::default() };
    Duration::from_nanos(every.as_nanos().saturating_mul(u64::from(times.saturating_sub(1))))
}

/// The field that says how long a fault stays.
pub(super) fn length_field(fault: &Fault) -> &'static str {
    match fault.action {
        Action::Restart(_) => "delay",
        Action::Reshard(_) => "over",
        _ => "for",
    }
}

/// Where the length of a fault is written.
pub(super) fn length_path(index: usize, fault: &Fault) -> String {
    format!("faults[{index}].{}", length_field(fault))
}
