//! Limiter analyses against exhaustive searches, and against limiters that are broken on purpose.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::limiters::{By, Decision, Executed, Request, crowd, fixed_window, least_removal, sliding_window};

fn request(invoked: u64, completed: u64, decision: Decision, value: Option<u64>) -> Request {
    let executed = if value.is_some() { Executed::Yes } else { Executed::Maybe };
    Request { subject: 0, window: 0, invoked, completed, decision, by: By::Redis, value, executed }
}

/// Most intervals within one window, by trying every start.
fn crowd_by_trial(intervals: &[(u64, u64)], window: u64) -> u64 {
    let inside = |start: u64| intervals.iter().filter(|(from, to)| *from >= start && *to <= start + window).count() as u64;
    (0..=40).map(inside).max().unwrap_or_default()
}

#[test]
fn the_fullest_window_and_the_fewest_removals_are_those_of_an_exhaustive_search() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for number in 0..4_000 {
        let many = rng.random_range(0..9);
        let intervals: Vec<(u64, u64)> = (0..many)
            .map(|_| {
                let from = rng.random_range(0..20);
                (from, from + rng.random_range(0..6))
            })
            .collect();
        let (window, limit) = (rng.random_range(1..10), rng.random_range(1..4));
        assert_eq!(crowd(&intervals, window).0, crowd_by_trial(&intervals, window), "{number}: {intervals:?} in {window}");
        // Every subset that may stay, the largest first.
        let stays: Option<u32> = (0..1_u32 << many)
            .filter(|kept| {
                let kept: Vec<(u64, u64)> = (0..many).filter(|index| kept & 1 << index != 0).map(|index| intervals[index]).collect();
                crowd_by_trial(&kept, window) <= limit
            })
            .map(u32::count_ones)
            .max();
        let fewest = u64::from(many as u32 - stays.unwrap_or_default());
        assert_eq!(least_removal(&intervals, window, limit), fewest, "{number}: {intervals:?} in {window}, at most {limit}");
    }
}

/// A counter that serves requests at random instants, and loses what is asked of it.
struct Counter {
    value: u64,
    lost: u64,
}

/// Requests of one window, served by a counter that is rolled back by `loss` after half of them.
fn served(rng: &mut ChaCha8Rng, many: u64, limit: u64, loss: u64) -> (Vec<Request>, Counter) {
    let mut counter = Counter { value: 0, lost: 0 };
    let mut requests = Vec::new();
    for number in 0..many {
        if number == many / 2 {
            let lost = loss.min(counter.value);
            counter.value -= lost;
            counter.lost += lost;
        }
        counter.value += 1;
        let at = number * 10;
        let (invoked, completed) = (at - rng.random_range(0..=at.min(25)), at + rng.random_range(0..25));
        let decision = if counter.value <= limit { Decision::Admitted } else { Decision::Denied };
        requests.push(request(invoked, completed, decision, Some(counter.value)));
    }
    (requests, counter)
}

#[test]
fn a_counter_that_keeps_everything_is_never_accused() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..2_000 {
        let (many, limit) = (rng.random_range(1..40), rng.random_range(1..30));
        let (mut requests, _) = served(&mut rng, many, limit, 0);
        // A client that never had its answer; it was counted.
        if many > 3 && rng.random_bool(0.3) {
            let index = rng.random_range(0..many as usize);
            let seen = requests[index].value.take();
            requests[index].executed = Executed::Maybe;
            requests[index].by = By::Policy;
            requests[index].decision = Decision::Denied;
            assert!(seen.is_some());
        }
        let counts = fixed_window(&mut requests, limit, 1_000_000).counts;
        assert_eq!((counts.over_admitted, counts.rolled_back, counts.lost_counts, counts.wrongly_denied), (0, 0, 0, 0), "{requests:?}");
    }
}

#[test]
fn a_counter_that_forgets_is_found_out_and_no_more_is_claimed_than_it_lost() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..2_000 {
        let (many, limit, loss) = (rng.random_range(4..40), rng.random_range(1..30), rng.random_range(1..10));
        let (mut requests, counter) = served(&mut rng, many, limit, loss);
        let counts = fixed_window(&mut requests, limit, 1_000_000).counts;
        assert!(counts.lost_counts <= counter.lost, "{counts:?}");
        assert!(counts.over_admitted <= counter.lost, "the bound of a rollback: {counts:?}");
        // The value after the rollback was seen before.
        assert!(counts.rolled_back >= 1, "{counts:?} {requests:?}");
        let admitted = requests.iter().filter(|request| request.decision == Decision::Admitted).count() as u64;
        assert_eq!(counts.over_admitted, admitted.saturating_sub(limit));
    }
}

#[test]
fn a_denial_with_room_left_is_wrong_unless_a_lost_answer_may_have_filled_it() {
    let denied = |value| request(100, 101, Decision::Denied, Some(value));
    let first = request(0, 1, Decision::Admitted, Some(1));
    let judged = |requests: &[Request]| fixed_window(&mut requests.to_vec(), 2, 1_000).counts;
    assert_eq!(judged(&[first, denied(3)]).wrongly_denied, 1);
    let unknown = Request { by: By::Policy, decision: Decision::Denied, ..request(50, 60, Decision::Denied, None) };
    let counts = judged(&[first, unknown, denied(3)]);
    assert_eq!((counts.wrongly_denied, counts.ghosts), (0, 1), "the lost answer was counted");
}

#[test]
fn who_admitted_is_told_apart() {
    let open = Request { by: By::Policy, executed: Executed::No, ..request(5, 6, Decision::Admitted, None) };
    let local = Request { by: By::Local, ..open };
    let counts = fixed_window(&mut [request(0, 1, Decision::Admitted, Some(1)), open, local], 1, 1_000).counts;
    assert_eq!((counts.admitted_redis, counts.admitted_open, counts.admitted_local), (1, 1, 1));
    assert_eq!((counts.over_admitted, counts.over_admitted_redis, counts.peak), (2, 0, 3));
}

/// An exact sliding window: at each instant of service what is older than the window is gone.
fn slid(rng: &mut ChaCha8Rng, many: u64, limit: u64, window: u64, forget_at: Option<u64>) -> Vec<Request> {
    let mut members: Vec<u64> = Vec::new();
    let mut requests = Vec::new();
    for number in 0..many {
        let at = number * 10;
        if forget_at == Some(number) {
            members.clear();
        }
        members.retain(|member| member + window > at);
        let admit = (members.len() as u64) < limit;
        if admit {
            members.push(at);
        }
        let (invoked, completed) = (at - rng.random_range(0..=at.min(15)), at + rng.random_range(0..15));
        let decision = if admit { Decision::Admitted } else { Decision::Denied };
        requests.push(request(invoked, completed, decision, Some(members.len() as u64)));
    }
    requests
}

#[test]
fn an_exact_sliding_window_is_never_accused_and_one_that_forgets_is() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (mut over, mut back) = (0, 0);
    for _ in 0..2_000 {
        let (many, limit, window) = (rng.random_range(5..60), rng.random_range(1..8), rng.random_range(50..300));
        let counts = sliding_window(&mut slid(&mut rng, many, limit, window, None), limit, window, 2, false).counts;
        assert_eq!((counts.over_admitted, counts.rolled_back, counts.lost_counts, counts.wrongly_denied), (0, 0, 0, 0));
        let forgets = Some(many / 2);
        let counts = sliding_window(&mut slid(&mut rng, many, limit, window, forgets), limit, window, 2, false).counts;
        assert!(counts.over_admitted <= limit, "an empty window admits at most its limit again: {counts:?}");
        over += u64::from(counts.over_admitted > 0);
        back += u64::from(counts.rolled_back > 0);
    }
    assert!(over > 500 && back > 500, "a forgotten window is found in the same histories: {over} overrun, {back} rolled back");
}

#[test]
fn a_sliding_window_that_denies_with_room_left_is_found() {
    let requests = [request(0, 1, Decision::Admitted, Some(1)), request(500, 501, Decision::Denied, Some(1))];
    assert_eq!(sliding_window(&mut requests.to_vec(), 1, 1_000, 0, false).counts.wrongly_denied, 0);
    assert_eq!(sliding_window(&mut requests.to_vec(), 1, 100, 0, false).counts.wrongly_denied, 1);
}
