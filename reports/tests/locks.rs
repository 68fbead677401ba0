//! What the lock analysis calls what.

use redquake_reports::analysis::locks::{LockFindings, LockRules, Locks, Names};
use redquake_reports::history::{Final, Op, OpKind, Outcome, Why};
use redquake_reports::result::{AnomalyKind, LockCounts};
use redquake_reports::testing::lock_history;

const MS: u64 = 1_000_000;
/// Leases end 900 ms after the acquire was invoked.
const RULES: LockRules = LockRules { ttl: 1000 * MS, drift: 100 * MS, renewed: false };

/// Attempts at one key, times in ms, each a millisecond long.
#[derive(Default)]
struct Story {
    ops: Vec<Op>,
    finals: Vec<Final>,
    healed: Option<u64>,
}

impl Story {
    fn op(mut self, op: OpKind, id: u64, at: u64, out: Outcome, why: Option<Why>) -> Self {
        let at = [at * MS, at * MS, (at + 1) * MS];
        self.ops.push(Op { w: 0, c: id as u16, op, id, key: 7, at, out, why, node: Some((id % 2) as u16) });
        self
    }

    fn taken(self, id: u64, at: u64) -> Self {
        self.op(OpKind::Acquire, id, at, Outcome::Ok, None)
    }

    fn given_back(self, id: u64, at: u64) -> Self {
        self.op(OpKind::Release, id, at, Outcome::Ok, None)
    }

    fn gone(self, id: u64, at: u64) -> Self {
        self.op(OpKind::Release, id, at, Outcome::Ok, Some(Why::Gone))
    }

    fn reply_lost(self, id: u64, at: u64) -> Self {
        self.op(OpKind::Acquire, id, at, Outcome::Info, Some(Why::Timeout))
    }

    fn held(self, id: u64, at: u64) -> Self {
        self.op(OpKind::Acquire, id, at, Outcome::Fail, Some(Why::Held))
    }

    fn last(mut self, at: u64, id: Option<u64>, pttl: i64) -> Self {
        self.finals.push(Final { at: at * MS, w: 0, key: 7, id, pttl });
        self
    }

    fn healed(mut self, at: u64) -> Self {
        self.healed = Some(at * MS);
        self
    }

    fn judged(&self) -> LockFindings {
        let nodes = ["redis-1".to_owned(), "redis-2".to_owned()];
        let mut locks = Locks::new(RULES);
        self.ops.iter().for_each(|op| locks.op(op));
        self.finals.iter().for_each(|last| locks.last(last));
        locks.finish(self.healed, &Names { workload: "locks", nodes: &nodes, zero: 0 })
    }

    fn counts(&self) -> LockCounts {
        self.judged().counts
    }
}

fn only(change: impl FnOnce(&mut LockCounts), acquired: u64) -> LockCounts {
    let mut counts = LockCounts { acquired, ..LockCounts::default() };
    change(&mut counts);
    counts
}

#[test]
fn locks_that_hand_over_are_sound() {
    let story = Story::default().taken(0, 0).given_back(0, 50).taken(1, 50).given_back(1, 90).held(2, 60);
    assert_eq!(story.counts(), only(|_| (), 2));
}

#[test]
fn two_holders_at_once_are_a_double_acquired_lock() {
    let story = Story::default().taken(0, 0).taken(1, 30).given_back(0, 50).given_back(1, 90);
    let found = story.judged();
    // From the completion of the second acquire to the first release.
    assert_eq!(found.counts, only(|counts| (counts.double_acquired, counts.double_held_time) = (1, 19 * MS), 2));
    assert_eq!(found.anomalies.len(), 1);
    assert_eq!((found.anomalies[0].from, found.anomalies[0].to), (31 * MS, Some(50 * MS)));
    assert_eq!(
        found.anomalies[0].text,
        "key 7: client 0 (hold 0, taken at T+0.001 s from redis-1) and client 1 (hold 1, taken at T+0.031 s from redis-2) \
         both held it for 19 ms, both leases valid"
    );
}

#[test]
fn three_holders_at_once_are_three_pairs() {
    let story = Story::default().taken(0, 0).taken(1, 10).taken(2, 20).given_back(0, 40).given_back(1, 40).given_back(2, 40);
    let counts = story.counts();
    assert_eq!((counts.double_acquired, counts.double_held_time), (3, (29 + 19 + 19) * MS));
}

#[test]
fn a_holder_that_never_gives_back_holds_until_its_lease_ends() {
    assert_eq!(Story::default().taken(0, 0).taken(1, 899).counts().double_acquired, 0, "it was told at 900, when the lease had ended");
    assert_eq!(Story::default().taken(0, 0).taken(1, 898).counts().double_acquired, 1);
    assert_eq!(Story::default().taken(0, 0).taken(1, 950).counts().ttl_overrun, 0, "nobody says that it still held it");
}

#[test]
fn a_holder_that_outlives_its_lease_is_a_ttl_overrun_and_no_double_acquired_lock() {
    let story = Story::default().taken(0, 0).taken(1, 1000).gone(0, 1100).given_back(1, 1200);
    assert_eq!(story.counts(), only(|counts| counts.ttl_overrun = 1, 2));
    assert!(story.judged().anomalies[0].text.contains("kept it after its lease had ended, until T+1.100 s"));
}

#[test]
fn an_overlap_before_and_after_the_lease_is_counted_once_as_double_acquired() {
    let story = Story::default().taken(0, 0).taken(1, 500).given_back(0, 1100).given_back(1, 1200);
    let counts = story.counts();
    assert_eq!((counts.double_acquired, counts.ttl_overrun), (1, 0));
}

#[test]
fn an_acquire_whose_reply_was_lost_makes_a_double_possible_and_nothing_else() {
    let story = Story::default().reply_lost(0, 0).taken(1, 30).given_back(1, 90);
    assert_eq!(story.counts(), only(|counts| counts.possible = 1, 1));
    assert_eq!(story.judged().anomalies[0].kind, AnomalyKind::PossibleDouble);
    let late = Story::default().reply_lost(0, 0).taken(1, 1000).given_back(1, 1090);
    assert_eq!(late.counts().possible, 0, "it would have expired");
    let many = Story::default().reply_lost(0, 0).taken(1, 30).given_back(1, 90).taken(2, 100).given_back(2, 150).taken(3, 200);
    assert_eq!((many.counts().possible, many.judged().anomalies.len()), (1, 1), "one row however many had it afterwards");
    let text = &many.judged().anomalies[0].text;
    assert!(text.contains("if it was granted, 3 acknowledged holds overlapped it, first client 1 (hold 1, taken at T+0.031 s"), "{text}");
    let two = Story::default().reply_lost(0, 0).reply_lost(1, 10);
    assert_eq!(two.counts().possible, 0, "two lost replies together show nothing");
}

#[test]
fn a_retried_acquire_with_the_same_token_is_no_rival_of_itself() {
    let story = Story::default().reply_lost(0, 0).taken(0, 30).given_back(0, 90);
    assert_eq!(story.counts(), only(|_| (), 1));
}

#[test]
fn a_lock_found_gone_before_its_lease_ended_is_lost() {
    let story = Story::default().taken(0, 0).gone(0, 50);
    assert_eq!(story.counts(), only(|counts| counts.lost = 1, 1));
    assert!(
        story.judged().anomalies[0]
            .text
            .contains("found it gone when it gave it back at T+0.051 s (answered by redis-1), 849 ms before its lease could end")
    );
    let late = Story::default().taken(0, 0).gone(0, 899);
    assert_eq!(late.counts().lost, 0, "the lease may have ended before the answer");
}

#[test]
fn a_lock_that_an_earlier_release_may_have_deleted_is_not_lost() {
    let lost_reply = Story::default().taken(0, 0).op(OpKind::Release, 0, 50, Outcome::Info, Some(Why::Reset)).gone(0, 60);
    assert_eq!(lost_reply.counts().lost, 0);
    let refused = Story::default().taken(0, 0).op(OpKind::Release, 0, 50, Outcome::Fail, Some(Why::Connect)).gone(0, 60);
    assert_eq!(refused.counts().lost, 1, "the first attempt was never sent");
}

#[test]
fn a_holder_has_left_with_its_first_attempt_to_give_back_even_if_that_failed() {
    let story = Story::default().taken(0, 0).op(OpKind::Release, 0, 50, Outcome::Fail, Some(Why::Connect)).taken(1, 60);
    assert_eq!(story.counts().double_acquired, 0);
}

#[test]
fn a_reply_after_the_lease_gives_no_hold() {
    let mut story = Story::default().taken(0, 0).taken(1, 100).given_back(1, 150);
    story.ops[0].at[2] = 950 * MS;
    assert_eq!(story.counts().double_acquired, 0);
}

#[test]
fn a_key_still_held_when_nobody_can_hold_it_is_stuck() {
    // Healed at 1000; a hold granted then is gone at 1000 + ttl 1000 + drift 100 + 1000.
    let story = |at| Story::default().healed(1000).held(9, 500).held(9, at);
    assert_eq!(story(3099).counts().stuck, 0);
    assert_eq!(story(3100).counts().stuck, 1);
    assert_eq!(story(3100).taken(1, 3000).given_back(1, 3050).counts().stuck, 0, "it was taken again");
    assert_eq!(story(3100).reply_lost(1, 3000).counts().stuck, 0, "it may have been taken again");
    assert_eq!(Story::default().held(9, 3100).counts().stuck, 0, "nothing was healed");
    assert_eq!(
        story(3100).judged().anomalies[0].text,
        "key 7: client 9 was told at T+3.100 s that it is held, but no hold that could have been granted lived past T+3.100 s"
    );
}

#[test]
fn a_key_without_expiry_or_far_beyond_it_at_the_final_read_is_stuck() {
    assert_eq!(Story::default().taken(0, 0).last(500, Some(0), -1).counts().stuck, 1);
    assert_eq!(Story::default().taken(0, 0).last(500, Some(0), 400).counts().stuck, 0);
    assert_eq!(Story::default().healed(100).last(5000, None, 400).counts().stuck, 1);
    assert_eq!(Story::default().healed(100).last(5000, None, -2).counts().stuck, 0, "it is absent");
}

#[test]
fn a_lock_that_is_broken_on_purpose_is_caught_and_the_same_without_the_break_is_clean() {
    let rules = LockRules { ttl: 3_000_000_000, drift: 32_000_000, renewed: false };
    let judged = |ops: &[Op]| {
        let mut locks = Locks::new(rules);
        ops.iter().for_each(|op| locks.op(op));
        locks.finish(None, &Names { workload: "locks", nodes: &[], zero: 0 })
    };
    let sound: Vec<Op> = lock_history(20_000, 50, rules.ttl).collect();
    assert_eq!(judged(&sound).counts, LockCounts { acquired: 10_000, ..LockCounts::default() });
    // Every hundredth acquire is granted a second time to somebody else.
    let mut broken = sound.clone();
    let acquires = sound.iter().filter(|op| op.op == OpKind::Acquire).step_by(100);
    broken.extend(acquires.map(|op| Op { id: op.id + 1_000_000, c: 99, at: op.at.map(|at| at + 1_000_000), ..*op }));
    let found = judged(&broken);
    assert!(found.counts.double_acquired >= 100, "{:?}", found.counts);
    assert!(found.anomalies.iter().all(|anomaly| anomaly.kind == AnomalyKind::DoubleAcquired));
    let lengths: Vec<u64> = found.anomalies.iter().map(|anomaly| anomaly.to.unwrap() - anomaly.from).collect();
    assert!(lengths.is_sorted_by(|one, next| one >= next), "the worst comes first");
}
