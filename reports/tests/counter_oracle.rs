//! What a final value says of a counter's increments: against every way to keep some of them, and against counters that fork and forget.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::counters::kept;

/// Fewest and most acknowledged increments that can have been lost, by trying every choice of those that were kept: no two at one place, none beyond
/// the final value, and no more places left over than there are increments of unknown outcome. `None` where no choice explains the value.
fn by_trial(answers: &[u64], unknown: u64, last: u64) -> Option<(u64, u64)> {
    let fits = |choice: u32| {
        let mut places: Vec<u64> = (0..answers.len()).filter(|index| choice & 1 << index != 0).map(|index| answers[index]).collect();
        places.sort_unstable();
        let distinct = places.windows(2).all(|pair| pair[0] < pair[1]);
        distinct && places.iter().all(|place| (1..=last).contains(place)) && last - places.len() as u64 <= unknown
    };
    let kept: Vec<u64> = (0..1_u32 << answers.len()).filter(|choice| fits(*choice)).map(|choice| u64::from(choice.count_ones())).collect();
    let all = answers.len() as u64;
    Some((all - kept.iter().max()?, all - kept.iter().min()?))
}

#[test]
fn the_bounds_of_what_was_lost_are_those_of_every_way_to_keep_some() {
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let (mut explained, mut not) = (0, 0);
    for number in 0..20_000 {
        let answers: Vec<u64> = (0..rng.random_range(0..8)).map(|_| rng.random_range(1..9)).collect();
        let (unknown, last) = (rng.random_range(0..4), rng.random_range(0..10));
        let found = kept(&answers, unknown, last);
        match by_trial(&answers, unknown, last) {
            Some((fewest, most)) => {
                explained += 1;
                assert_eq!(
                    (found.lost, found.lost_at_most, found.unexpected),
                    (fewest, most, 0),
                    "{number}: {answers:?}, {unknown}, {last}"
                );
            }
            None => {
                not += 1;
                assert!(found.unexpected > 0, "{number}: {answers:?}, {unknown}, {last}");
                assert!(by_trial(&answers, unknown + found.unexpected, last).is_some(), "and no more than that is unexpected");
                assert!(by_trial(&answers, unknown + found.unexpected - 1, last).is_none());
            }
        }
    }
    assert!(explained > 4_000 && not > 4_000, "{explained} explained, {not} not");
}

/// What was done to a counter, and what is true of it.
#[derive(Default)]
struct Course {
    answers: Vec<u64>,
    unknown: u64,
    last: u64,
    lost: u64,
    ghosts: u64,
}

/// A counter of which a copy that lags behind takes over, while the old one is counted on for a while.
fn forked(rng: &mut ChaCha8Rng, lag: u64, doubt: f64) -> Course {
    let mut course = Course::default();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let count = |line: &mut Vec<bool>, rng: &mut ChaCha8Rng, course: &mut Course| {
        let known = !rng.random_bool(doubt);
        // Of those without an answer half were executed.
        let executed = known || rng.random_bool(0.5);
        if executed {
            line.push(known);
        }
        if known { course.answers.push(line.len() as u64) } else { course.unknown += 1 }
    };
    for _ in 0..rng.random_range(0..60) {
        count(&mut old, rng, &mut course);
    }
    new.extend_from_slice(&old[..old.len().saturating_sub(lag as usize)]);
    for _ in 0..rng.random_range(0..60) {
        if rng.random_bool(0.5) { count(&mut old, rng, &mut course) } else { count(&mut new, rng, &mut course) }
    }
    course.last = new.len() as u64;
    course.lost = course.answers.len() as u64 - new.iter().filter(|known| **known).count() as u64;
    course.ghosts = new.iter().filter(|known| !**known).count() as u64;
    course
}

#[test]
fn a_counter_that_forks_is_found_out_and_no_more_is_claimed_than_is_true() {
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let mut found_out = 0;
    for _ in 0..3_000 {
        let lag = rng.random_range(0..10);
        let course = forked(&mut rng, lag, 0.1);
        let found = kept(&course.answers, course.unknown, course.last);
        assert!(found.lost <= course.lost && course.lost <= found.lost_at_most, "{found:?}, {} lost", course.lost);
        assert!(found.ghosts <= course.ghosts, "{found:?}, {} ghosts", course.ghosts);
        assert_eq!(found.unexpected, 0);
        found_out += u64::from(found.lost > 0);
        let sure = forked(&mut rng, lag, 0.0);
        let found = kept(&sure.answers, sure.unknown, sure.last);
        assert_eq!((found.lost, found.lost_at_most, found.ghosts), (sure.lost, sure.lost, 0), "nothing is in doubt");
    }
    assert!(found_out > 2_000, "{found_out}");
}

#[test]
fn a_counter_that_keeps_everything_is_never_accused() {
    let answers: Vec<u64> = (1..=500).collect();
    assert_eq!(kept(&answers, 0, 500), kept(&[], 0, 0));
    // Two had no answer, and one of them was executed.
    let found = kept(&answers, 2, 501);
    assert_eq!((found.lost, found.ghosts, found.unexpected), (0, 1, 0));
}
