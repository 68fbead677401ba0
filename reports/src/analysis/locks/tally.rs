//! All questions about one workload's locks, answered in one pass.

use std::collections::HashSet;

use super::hold::{Hold, of_key};
use super::keys::{Keys, Stuck, StuckBy};
use super::overlap::{Overlaps, Reach, overlaps};
use super::pairing::Pairing;
use super::{LockRules, Names, evidence};
use crate::history::{Final, Op, OpKind, Outcome};
use crate::result::{Anomaly, LockCounts};

/// Pairs of each kind that are kept with their evidence; more are only counted.
const LISTED: usize = 10_000;

/// Takes in the attempts of one lock workload, in any order, and says at the end what was wrong.
#[derive(Debug)]
pub struct Locks {
    rules: LockRules,
    acquired: u64,
    /// When the last answer came.
    seen: u64,
    pairing: Pairing,
    keys: Keys,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct LockFindings {
    /// How often.
    pub counts: LockCounts,
    /// The evidence, worst first; the counts may be larger.
    pub anomalies: Vec<Anomaly>,
}

impl Locks {
    /// Nothing seen yet.
    pub fn new(rules: LockRules) -> Self {
        Self { rules, acquired: 0, seen: 0, pairing: Pairing::new(rules), keys: Keys::default() }
    }

    /// Takes in one attempt.
    pub fn op(&mut self, op: &Op) {
        self.acquired += u64::from(op.op == OpKind::Acquire && op.out == Outcome::Ok);
        self.seen = self.seen.max(op.at[2]);
        self.pairing.op(op);
        self.keys.op(op);
    }

    /// Takes in the final read of one key.
    pub fn last(&mut self, last: &Final) {
        self.keys.last(last);
    }

    /// From when a lock that is still held shows that it is stuck, given when every fault was taken back. Locks without
    /// expiry show it once their clients have left, whenever that is.
    pub fn judgeable_from(&self, healed: u64) -> Option<u64> {
        (!self.rules.endless()).then(|| self.rules.expired(healed))
    }

    /// Judges. `healed` is when every fault was taken back, `None` if that never happened.
    pub fn finish(mut self, healed: Option<u64>, names: &Names<'_>) -> LockFindings {
        self.pairing.finish();
        // A lock that nobody gave back and that never expires is held to the end of what is known, and no longer.
        self.pairing.last_until(self.seen.saturating_add(1));
        let Pairing { mut cores, mut late, mut possible, mut lost, lost_unlisted, .. } = self.pairing;
        cores.sort_unstable_by_key(Hold::order);
        late.sort_unstable_by_key(Hold::order);
        possible.sort_unstable_by_key(Hold::order);
        lost.sort_unstable_by_key(|lost| (lost.hold.end, lost.hold.order()));

        let double = overlaps(&cores, LISTED);
        let overrun = overrun(&cores, &late);
        let (possible_count, possible_shown) = possible_pairs(&cores, &possible);
        let stuck = self.keys.stuck(self.rules, healed);

        let counts = LockCounts {
            acquired: self.acquired,
            double_acquired: double.pairs,
            double_held_time: double.time,
            ttl_overrun: overrun.pairs,
            possible: possible_count,
            lost: lost.len() as u64 + lost_unlisted,
            stuck: stuck.len() as u64,
        };
        let mut anomalies: Vec<Anomaly> = Vec::new();
        anomalies.extend(double.shown.iter().map(|(first, second)| evidence::double(first, second, names)));
        anomalies.extend(stuck.iter().map(|stuck| evidence::stuck(stuck, holder_of(stuck, &cores), names)));
        anomalies.extend(lost.iter().map(|lost| evidence::lost(lost, names)));
        anomalies.extend(overrun.shown.iter().map(|(first, second)| evidence::overrun(first, second, names)));
        anomalies.extend(possible_shown.iter().map(|maybe| evidence::possible(maybe, names)));
        evidence::worst_first(&mut anomalies);
        LockFindings { counts, anomalies }
    }
}

/// The acknowledged hold whose token the final read found on a key.
fn holder_of<'a>(stuck: &Stuck, cores: &'a [Hold]) -> Option<&'a Hold> {
    let StuckBy::NoExpiry { id: Some(id), .. } = stuck.why else { return None };
    of_key(cores, stuck.key).iter().find(|hold| hold.id == id)
}

/// Pairs that overlap only because the first holder stayed beyond its lease: the pairs that overlap when late holds
/// last until their release, less those whose cores overlap. Only keys with a late hold are looked at.
fn overrun(cores: &[Hold], late: &[Hold]) -> Overlaps {
    let mut found = Overlaps::default();
    for late in late.chunk_by(|one, next| one.key == next.key) {
        let cores = of_key(cores, late[0].key);
        let replaced: HashSet<u64> = late.iter().map(|hold| hold.id).collect();
        let mut longer: Vec<Hold> = cores.iter().filter(|core| !replaced.contains(&core.id)).copied().collect();
        longer.extend_from_slice(late);
        longer.sort_unstable_by_key(Hold::order);
        let all = overlaps(&longer, LISTED);
        let of_cores = overlaps(cores, LISTED);
        let pair = |(first, second): &(Hold, Hold)| (first.id.min(second.id), first.id.max(second.id));
        let known: HashSet<(u64, u64)> = of_cores.shown.iter().map(pair).collect();
        found.pairs += all.pairs - of_cores.pairs;
        found.shown.extend(all.shown.into_iter().filter(|shown| !known.contains(&pair(shown))));
    }
    found.shown.truncate(LISTED);
    found
}

/// A hold whose acquire's reply was lost, and who else had the lock while it would have lasted.
#[derive(Debug, Clone, Copy)]
pub struct Possible {
    pub maybe: Hold,
    /// The first acknowledged hold that overlaps it.
    pub first: Hold,
    /// How many do.
    pub rivals: usize,
}

/// Pairs of a hold whose acquire's reply was lost and the first acknowledged one that overlaps it. Later ones tell
/// nothing new: once a rival was granted the lock, the server has forgotten the other grant, if there ever was one.
fn possible_pairs(cores: &[Hold], possible: &[Hold]) -> (u64, Vec<Possible>) {
    let mut count = 0;
    let mut shown = Vec::new();
    for possible in possible.chunk_by(|one, next| one.key == next.key) {
        let cores = Reach::new(of_key(cores, possible[0].key));
        for maybe in possible {
            if let Some(sure) = cores.first_overlap(maybe) {
                count += 1;
                if shown.len() < LISTED {
                    shown.push(Possible { maybe: *maybe, first: *sure, rivals: cores.overlapping(maybe) });
                }
            }
        }
    }
    (count, shown)
}
