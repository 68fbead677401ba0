//! Fencing tokens, guarded values and votes: each wrong that is forged here must be found, and nothing else.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::locks::{Grant, LockFindings, LockRules, Locks, Names, regressions};
use redquake_reports::history::{Access, Accessed, Op, OpKind, Outcome, Vote, Why};
use redquake_reports::result::AnomalyKind;

const RULES: LockRules = LockRules { ttl: 1000, drift: 0, renewed: false };

fn judged(holds: &[(u64, u64, u64)], accesses: &[Access], votes: &[Vote]) -> LockFindings {
    let nodes: Vec<String> = (1..=5).map(|number| format!("independent-{number}")).collect();
    let mut locks = Locks::new(RULES);
    for (id, from, to) in holds {
        let op = |op, at| Op { w: 0, c: *id as u16, op, id: *id, key: 3, at: [at; 3], out: Outcome::Ok, why: None, node: None };
        locks.op(&op(OpKind::Acquire, *from));
        locks.op(&op(OpKind::Release, *to));
    }
    accesses.iter().for_each(|access| locks.access(access));
    votes.iter().for_each(|vote| locks.vote(vote));
    locks.finish(None, &Names { workload: "locks", nodes: &nodes, zero: 0 })
}

/// Read at an instant with the value at some version, and written at another.
fn access(id: u64, token: Option<u64>, read: [u64; 2], wrote: Option<[u64; 2]>, out: Accessed) -> Access {
    Access { w: 0, c: id as u16, id, key: 3, lock: [read[0] - 1, read[0]], token, read, wrote, out }
}

#[test]
fn an_update_over_one_that_was_not_seen_is_lost_and_its_victim_is_named() {
    let in_turn = [access(1, None, [10, 0], Some([20, 0]), Accessed::Written), access(2, None, [30, 1], Some([40, 1]), Accessed::Written)];
    assert_eq!((judged(&[], &in_turn, &[]).counts.updates, judged(&[], &in_turn, &[]).counts.lost_updates), (2, 0));
    let over = [
        access(1, None, [10, 0], Some([40, 1]), Accessed::Written),
        access(2, None, [20, 0], Some([30, 0]), Accessed::Written),
        access(3, None, [25, 0], None, Accessed::Stopped),
    ];
    let found = judged(&[], &over, &[]);
    assert_eq!((found.counts.updates, found.counts.lost_updates), (2, 1));
    assert_eq!(found.anomalies.len(), 1);
    assert_eq!(found.anomalies[0].kind, AnomalyKind::LostUpdate);
    let text = &found.anomalies[0].text;
    assert!(text.contains("client 1 (hold 1) wrote at T+0.000 s over what client 2 (hold 2) had written"), "{text}");
}

#[test]
fn a_holder_that_is_refused_beside_another_is_not_one_that_is_refused_alone() {
    let refused = [access(1, Some(4), [10, 0], None, Accessed::RefusedRead)];
    let alone = judged(&[(1, 9, 50)], &refused, &[]).counts;
    assert_eq!((alone.fenced_out, alone.fenced_alone, alone.lost_updates), (1, 1, 0));
    let beside = judged(&[(1, 9, 50), (2, 20, 60)], &refused, &[]).counts;
    assert_eq!((beside.fenced_out, beside.fenced_alone), (1, 0));
    let after = judged(&[(1, 9, 50), (2, 50, 60)], &refused, &[]).counts;
    assert_eq!(after.fenced_alone, 1, "the other came when it had left");
    let outlived = [access(1, Some(4), [10, 0], Some([1500, 1]), Accessed::RefusedWrite)];
    let outlived = judged(&[(1, 9, 1500), (2, 1100, 1600)], &outlived, &[]).counts;
    assert_eq!((outlived.fenced_out, outlived.fenced_alone), (1, 0), "its lease had ended");
    let late = [access(1, Some(4), [10, 0], Some([30, 1]), Accessed::RefusedWrite)];
    assert_eq!(judged(&[(1, 9, 30)], &late, &[]).counts.updates, 0, "what was refused went not through");
}

#[test]
fn a_counter_that_goes_back_or_repeats_itself_is_told_with_both_holders() {
    let tokens = |tokens: [u64; 3]| {
        let each = tokens.into_iter().zip(1..).map(|(token, id)| access(id, Some(token), [id * 10, 0], None, Accessed::Stopped));
        judged(&[], &each.collect::<Vec<_>>(), &[])
    };
    assert_eq!(tokens([5, 6, 8]).counts.token_regressions, 0);
    let back = tokens([5, 6, 4]);
    assert_eq!(back.counts.token_regressions, 1);
    assert!(back.anomalies[0].text.contains("given the fencing token 4"), "{}", back.anomalies[0].text);
    assert!(back.anomalies[0].text.contains("had been given 6"), "{}", back.anomalies[0].text);
    assert!(tokens([5, 6, 6]).anomalies[0].text.ends_with("the same token twice"));
    assert_eq!(tokens([5, 5, 5]).counts.token_regressions, 2);
}

#[test]
fn regressions_are_those_of_every_pair_looked_at() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut some, mut none) = (0, 0);
    for number in 0..100_000 {
        let grant = |id| {
            let asked = rng.random_range(0..20_u64);
            Grant {
                key: rng.random_range(0..2),
                id,
                at: [asked, asked + rng.random_range(0..4)],
                token: asked / 2 + rng.random_range(0..3),
            }
        };
        let grants: Vec<Grant> = (0..6).map(grant).collect();
        let wrong = |one: &&Grant| {
            grants.iter().filter(|other| other.key == one.key && other.id != one.id).any(|other| {
                let before = other.at[1] <= one.at[0] && one.token <= other.token;
                before || (other.token == one.token && (other.at[1], other.id) < (one.at[1], one.id))
            })
        };
        let mut wanted: Vec<u64> = grants.iter().filter(wrong).map(|grant| grant.id).collect();
        let mut found: Vec<u64> = regressions(&grants).iter().map(|one| one.later.id).collect();
        wanted.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, wanted, "history {number}: {grants:#?}");
        if wanted.is_empty() { none += 1 } else { some += 1 }
    }
    println!("{some} histories with regressions, {none} without, no disagreement");
    assert!(some > 10_000 && none > 1_000, "the histories are too easy: {some} with, {none} without");
}

#[test]
fn of_two_holders_those_who_granted_both_are_named() {
    let vote = |id: u64, node| Vote { w: 0, c: 0, id, key: 3, op: OpKind::Acquire, node, at: [10, 11], out: Outcome::Ok, why: None };
    let votes: Vec<Vote> = [0, 1, 2].map(|node| vote(1, node)).into_iter().chain([2, 3, 4].map(|node| vote(2, node))).collect();
    let found = judged(&[(1, 9, 50), (2, 20, 60)], &[], &votes);
    assert_eq!(found.counts.double_acquired, 1);
    let text = &found.anomalies[0].text;
    assert!(text.contains("the first was granted by independent-1, independent-2, independent-3"), "{text}");
    assert!(text.ends_with("independent-3 granted both"), "{text}");
}

#[test]
fn what_a_failed_attempt_left_on_one_primary_may_keep_others_out_for_a_lifetime() {
    let held =
        |at| Op { w: 0, c: 9, op: OpKind::Acquire, id: 9, key: 3, at: [at; 3], out: Outcome::Fail, why: Some(Why::Held), node: None };
    let stuck = |votes: &[Vote]| {
        let mut locks = Locks::new(RULES);
        votes.iter().for_each(|vote| locks.vote(vote));
        locks.op(&held(1_000_002_500));
        locks.finish(Some(1_000), &Names { workload: "locks", nodes: &[], zero: 0 }).counts.stuck
    };
    assert_eq!(stuck(&[]), 1);
    let left =
        Vote { w: 0, c: 0, id: 1, key: 3, op: OpKind::Acquire, node: 0, at: [1_900, 2_000], out: Outcome::Info, why: Some(Why::Timeout) };
    assert_eq!(stuck(&[left]), 0, "it may have been there until then");
}
