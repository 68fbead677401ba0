//! All questions about one workload's locks, answered in one pass.

use std::collections::HashSet;

use redquake_experiments::spec::LockWorkload;

use super::accesses::Accesses;
use super::hold::{Hold, of_key};
use super::keys::{Keys, Stuck, StuckBy};
use super::overlap::{Overlaps, Reach, overlaps};
use super::pairing::Pairing;
use super::votes::Votes;
use super::{LockRules, Names, evidence};
use crate::analysis::found::{Found, MOST_TOLD};
use crate::history::{Access, Final, Op, OpKind, Outcome, Vote};
use crate::result::{Anomaly, AnomalyKind, LockCounts};

/// Pairs of each kind that are told one by one; more are only counted.
const LISTED: usize = MOST_TOLD;

/// Takes in the attempts of one lock workload, in any order, and says at the end what was wrong.
#[derive(Debug)]
pub struct Locks {
    rules: LockRules,
    acquired: u64,
    /// When the last answer came.
    seen: u64,
    pairing: Pairing,
    keys: Keys,
    votes: Votes,
    accesses: Accesses,
    /// Whether the locks guard something, and whether fencing tokens come with them.
    guarded: [bool; 2],
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct LockFindings {
    /// How often.
    pub counts: LockCounts,
    /// The same as metrics, those that the workload has.
    pub metrics: Vec<(&'static str, f64)>,
    /// The evidence, worst first; the counts may be larger.
    pub anomalies: Vec<Anomaly>,
}

impl Locks {
    /// Nothing seen yet.
    pub fn new(rules: LockRules) -> Self {
        let (pairing, keys, votes, accesses) = (Pairing::new(rules), Keys::default(), Votes::default(), Accesses::default());
        Self { rules, acquired: 0, seen: 0, pairing, keys, votes, accesses, guarded: [false; 2] }
    }

    /// For a workload as described.
    pub fn of(spec: &LockWorkload) -> Self {
        let rules = LockRules { ttl: spec.ttl.as_nanos(), drift: spec.drift().as_nanos(), renewed: spec.renew };
        Self { guarded: [spec.guards(), spec.fenced()], ..Self::new(rules) }
    }

    /// Takes in one attempt.
    pub fn op(&mut self, op: &Op) {
        self.acquired += u64::from(op.op == OpKind::Acquire && op.out == Outcome::Ok);
        self.seen = self.seen.max(op.at[2]);
        self.pairing.op(op);
        self.keys.op(op);
    }

    /// Takes in one primary's part in an attempt.
    pub fn vote(&mut self, vote: &Vote) {
        self.votes.vote(vote);
        self.keys.vote(vote);
    }

    /// Takes in what a holder did with what its lock guards.
    pub fn access(&mut self, access: &Access) {
        self.accesses.access(access);
    }

    /// Takes in the final read of one key.
    pub fn last(&mut self, last: &Final) {
        self.keys.last(last);
    }

    /// From when a lock that is still held shows that it is stuck, given when every fault was reverted. Locks without
    /// expiry show it once their clients have left, whenever that is.
    pub fn judgeable_from(&self, healed: u64) -> Option<u64> {
        (!self.rules.endless()).then(|| self.rules.expired(healed))
    }

    /// Judges, and keeps all evidence. `healed` is when every fault was reverted, `None` if that never happened.
    pub fn finish(self, healed: Option<u64>, names: &Names<'_>) -> LockFindings {
        let mut anomalies: Vec<Anomaly> = Vec::new();
        let mut sink = |anomaly: &Anomaly| anomalies.push(anomaly.clone());
        let (counts, metrics) = self.judge(healed, names, &mut Found::new(&mut sink));
        evidence::worst_first(&mut anomalies);
        LockFindings { counts, metrics, anomalies }
    }

    /// Judges, and tells the evidence one by one.
    pub(in crate::analysis) fn judge(
        mut self,
        healed: Option<u64>,
        names: &Names<'_>,
        found: &mut Found<'_>,
    ) -> (LockCounts, Vec<(&'static str, f64)>) {
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

        let harm = self.accesses.finish(&cores, names, found);

        let counts = LockCounts {
            acquired: self.acquired,
            double_acquired: double.pairs,
            double_held_time: double.time,
            ttl_overrun: overrun.pairs,
            possible: possible_count,
            lost: lost.len() as u64 + lost_unlisted,
            stuck: stuck.len() as u64,
            updates: harm.updates,
            lost_updates: harm.lost_updates,
            fenced_out: harm.fenced_out,
            fenced_alone: harm.fenced_alone,
            token_regressions: harm.token_regressions,
        };
        double.shown.iter().for_each(|(first, second)| found.one(evidence::double(first, second, &self.votes, names)));
        stuck.iter().for_each(|stuck| found.one(evidence::stuck(stuck, holder_of(stuck, &cores), names)));
        lost.iter().for_each(|lost| found.one(evidence::lost(lost, names)));
        overrun.shown.iter().for_each(|(first, second)| found.one(evidence::overrun(first, second, names)));
        possible_shown.iter().for_each(|maybe| found.one(evidence::possible(maybe, names)));
        let untold = [
            (AnomalyKind::DoubleAcquired, double.pairs - double.shown.len() as u64),
            (AnomalyKind::LostLock, lost_unlisted),
            (AnomalyKind::TtlOverrun, overrun.pairs.saturating_sub(overrun.shown.len() as u64)),
            (AnomalyKind::PossibleDouble, possible_count - possible_shown.len() as u64),
        ];
        untold.into_iter().for_each(|(kind, more)| found.more(kind, names.workload, more));
        let told = metrics(&counts, self.guarded);
        (counts, told)
    }
}

/// The counts by the names of the catalogue.
fn metrics(counts: &LockCounts, [guarded, fenced]: [bool; 2]) -> Vec<(&'static str, f64)> {
    let all = [
        ("double_acquired", true, counts.double_acquired),
        ("double_held_time", true, counts.double_held_time),
        ("ttl_overrun", true, counts.ttl_overrun),
        ("possible", true, counts.possible),
        ("lost", true, counts.lost),
        ("stuck", true, counts.stuck),
        ("acquired", true, counts.acquired),
        ("updates", guarded, counts.updates),
        ("lost_updates", guarded, counts.lost_updates),
        ("fenced_out", fenced, counts.fenced_out),
        ("fenced_alone", fenced, counts.fenced_alone),
        ("token_regressions", fenced, counts.token_regressions),
    ];
    all.into_iter().filter(|(_, there, _)| *there).map(|(name, _, count)| (name, count as f64)).collect()
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
