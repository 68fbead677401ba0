//! Limiter analyses against exhaustive searches, and against limiters that are broken on purpose.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::limiters::{
    By, Decision, Executed, LimiterCounts, Request, crowd, fixed_window, least_removal, sliding_window,
};

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

/// The definitions of a fixed window's counts, request by request. `requests` are of one subject and window.
fn fixed_by_hand(requests: &[Request], limit: u64) -> LimiterCounts {
    let admitted = |by: &dyn Fn(By) -> bool| requests.iter().filter(|one| one.decision == Decision::Admitted && by(one.by)).count() as u64;
    let answers: Vec<(&Request, u64)> = requests.iter().filter_map(|one| Some((one, one.value?))).collect();
    let highest = answers.iter().map(|(_, value)| *value).max().unwrap_or_default();
    // Not above one that was answered before it began.
    let below = |one: &Request, value: u64| answers.iter().any(|(other, known)| other.completed < one.invoked && value <= *known);
    let mut rolled_back = 0;
    for value in 1..=highest {
        let same = || answers.iter().filter(|(_, other)| *other == value);
        // Of those that may be right, one is; the others were seen before.
        let doubtful = same().filter(|(one, _)| !below(one, value)).count();
        rolled_back += (same().count() - doubtful + doubtful.saturating_sub(1)) as u64;
    }
    let unknown = requests.iter().filter(|one| one.executed == Executed::Maybe).count() as u64;
    // Everything that can have been counted by then, itself included, fits.
    let room = |denied: &&Request| {
        let may = requests.iter().filter(|one| one.executed != Executed::No && one.invoked <= denied.completed).count() as u64;
        denied.decision == Decision::Denied && denied.by == By::Redis && may <= limit
    };
    LimiterCounts {
        over_admitted: admitted(&|_| true).saturating_sub(limit),
        over_admitted_redis: admitted(&|by| by == By::Redis).saturating_sub(limit),
        rolled_back,
        lost_counts: (answers.len() as u64).saturating_sub(highest),
        wrongly_denied: requests.iter().filter(room).count() as u64,
        ghosts: if rolled_back > 0 { 0 } else { highest.saturating_sub(answers.len() as u64).min(unknown) },
        ..LimiterCounts::default()
    }
}

/// Requests that answer anything at all.
fn any_requests(rng: &mut ChaCha8Rng, longest: u64) -> Vec<Request> {
    let many = rng.random_range(0..10);
    let any = |_| {
        let invoked = rng.random_range(0..60);
        let decision = if rng.random_bool(0.6) { Decision::Admitted } else { Decision::Denied };
        let mut one = request(invoked, invoked + rng.random_range(0..longest), decision, Some(rng.random_range(1..7)));
        match rng.random_range(0..6) {
            0 => (one.value, one.executed, one.by) = (None, Executed::Maybe, By::Policy),
            1 => (one.value, one.executed, one.by) = (None, Executed::No, By::Local),
            _ => {}
        }
        Request { subject: rng.random_range(0..2), window: rng.random_range(0..2), ..one }
    };
    (0..many).map(any).collect()
}

#[test]
fn what_a_fixed_window_forgot_and_denied_is_what_a_look_at_every_two_answers_says() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut seen = [0; 6];
    for number in 0..10_000 {
        let requests = any_requests(&mut rng, 20);
        let limit = rng.random_range(1..4);
        let mut wanted = [0; 6];
        for place in 0..4 {
            let own: Vec<Request> =
                requests.iter().filter(|one| (one.subject, one.window) == (place / 2, u64::from(place) % 2)).copied().collect();
            wanted.iter_mut().zip(counted(&fixed_by_hand(&own, limit))).for_each(|(sum, now)| *sum += now);
        }
        assert_eq!(counted(&fixed_window(&mut requests.clone(), limit, 1_000).counts), wanted, "{number}: {requests:?}, at most {limit}");
        seen.iter_mut().zip(wanted).for_each(|(sum, now)| *sum += u64::from(now > 0));
    }
    assert!(seen.iter().all(|often| *often > 100), "{seen:?}");
}

fn counted(counts: &LimiterCounts) -> [u64; 6] {
    [counts.over_admitted, counts.over_admitted_redis, counts.rolled_back, counts.lost_counts, counts.wrongly_denied, counts.ghosts]
}

#[test]
fn what_a_sliding_window_forgot_and_denied_is_what_a_look_at_every_two_requests_says() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut seen = [0; 4];
    for number in 0..20_000 {
        // Answers take less than half a window, as they do where a window means anything.
        let (requests, limit, window, drift) =
            (any_requests(&mut rng, 8), rng.random_range(1..4), rng.random_range(20..50), rng.random_range(0..4));
        let denied_count = rng.random_bool(0.5);
        let (mut back, mut denied) = (0, 0);
        let mut lost = [0; 2];
        for one in requests.iter().filter(|one| one.by == By::Redis) {
            let others = || requests.iter().filter(|other| other.subject == one.subject);
            let member = |other: &&Request| other.decision == Decision::Admitted && other.value.is_some();
            // Certainly added before it was asked, and certainly not too old by its answer.
            let certain = |other: &&Request| other.completed < one.invoked && other.invoked + window - drift > one.completed;
            let least = others().filter(member).filter(certain).count() as u64 + u64::from(one.decision == Decision::Admitted);
            let lacks = least.saturating_sub(one.value.unwrap());
            back += u64::from(lacks > 0);
            lost[one.subject as usize] = lacks.max(lost[one.subject as usize]);
            if one.decision == Decision::Denied {
                let may = |other: &&Request| match (other.executed, other.decision) {
                    (Executed::No, _) => false,
                    (Executed::Yes, Decision::Denied) => denied_count,
                    _ => true,
                };
                // One that is turned away may be in the set for a moment, and is no reason to turn itself away.
                let itself = |other: &Request| std::ptr::eq(other, one);
                let old = |other: &Request| other.executed == Executed::Yes && other.completed + window + drift < one.invoked;
                let room =
                    others().filter(may).filter(|other| !itself(other) && !old(other) && other.invoked <= one.completed).count() as u64;
                denied += u64::from(room < limit);
            }
        }
        let counts = sliding_window(&mut requests.clone(), limit, window, drift, denied_count).counts;
        let found = (counts.rolled_back, counts.lost_counts, counts.wrongly_denied);
        assert_eq!(found, (back, lost.iter().sum(), denied), "{number}: {requests:?}, {limit} in {window} less {drift}, {denied_count}");
        seen.iter_mut()
            .zip([back, denied, u64::from(lost[0] > 1), u64::from(back + denied == 0)])
            .for_each(|(sum, now)| *sum += u64::from(now > 0));
    }
    assert!(seen.iter().all(|often| *often > 100), "{seen:?}");
}
