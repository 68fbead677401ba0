//! What falls through a cache: forged loads of known shape, and counts against the plainest way to count.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::{Rate, Scale};
use redquake_reports::analysis::fallback::{Back, Period, Query, Read, Served, Shares, measure, project, shares};

const SECOND: u64 = 1_000_000_000;

fn query(key: u32, asked: u64, waits: u64, took: u64) -> Query {
    Query { key, asked, began: Some(asked + waits), ended: asked + waits + took, served: Served::Answered }
}

/// `rate` reads a second, evenly, of which `miss` of a thousand go to the database; between `down` all do.
fn load(rate: u64, miss: u64, seconds: u64, down: std::ops::Range<u64>) -> (Vec<Query>, Vec<Read>) {
    let (mut queries, mut reads) = (Vec::new(), Vec::new());
    for number in 0..rate * seconds {
        let at = number * SECOND / rate;
        let hit = !down.contains(&at) && (number * miss) % 1000 >= miss;
        reads.push(Read { at, hit });
        if !hit {
            queries.push(query(number as u32, at, 0, 1_000_000));
        }
    }
    (queries, reads)
}

#[test]
fn a_cache_that_answers_nothing_for_two_seconds_multiplies_the_load_by_the_inverse_of_its_misses() {
    let period = Period { from: 0, broken: 10 * SECOND, to: 20 * SECOND };
    let (queries, reads) = load(1000, 50, 20, 10 * SECOND..12 * SECOND);
    let found = measure(queries, reads, period, 2.0);
    assert_eq!(found.load.baseline, Some(50.0));
    assert_eq!(found.load.peak, 1000.0);
    assert_eq!(found.load.multiplier, Some(20.0));
    assert!((found.load.extra - 1900.0).abs() < 1.0, "{}", found.load.extra);
    assert_eq!(found.hit_ratio, Some(0.95));
    assert_eq!(found.lowest_hit_ratio, Some(0.0));
    // A window that begins within two seconds before the end of the gap still holds misses.
    let Some(Back::After(back)) = found.back else { panic!("{:?}", found.back) };
    assert!((2 * SECOND..=3 * SECOND).contains(&back), "{back}");
    assert!(found.load.overloaded >= 2 * SECOND && found.load.overloaded <= 4 * SECOND, "{}", found.load.overloaded);
}

#[test]
fn without_a_fault_nothing_is_extra_and_a_cache_that_stays_cold_is_never_back() {
    let (queries, reads) = load(1000, 50, 20, 0..0);
    let calm = measure(queries.clone(), reads.clone(), Period { from: 0, broken: 20 * SECOND, to: 20 * SECOND }, 2.0);
    assert_eq!((calm.load.multiplier, calm.load.extra, calm.load.overloaded, calm.back), (Some(1.0), 0.0, 0, None));
    let (queries, reads) = load(1000, 50, 20, 10 * SECOND..20 * SECOND);
    let cold = measure(queries, reads, Period { from: 0, broken: 10 * SECOND, to: 20 * SECOND }, 2.0);
    assert_eq!(cold.back, Some(Back::Never(10 * SECOND)));
}

#[test]
fn the_queue_the_duplicates_and_the_refusals_are_those_of_a_plain_count() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..500 {
        let queries: Vec<Query> = (0..rng.random_range(1..40))
            .map(|_| {
                let asked = rng.random_range(0..2 * SECOND);
                let mut query = query(rng.random_range(0..4), asked, rng.random_range(0..SECOND), rng.random_range(1..SECOND));
                query.served = [Served::Answered, Served::Refused, Served::TimedOut][rng.random_range(0..3)];
                if query.served == Served::Refused {
                    (query.began, query.ended) = (None, query.asked);
                }
                query
            })
            .collect();
        let found = measure(queries.clone(), Vec::new(), Period { from: 0, broken: 2 * SECOND, to: 2 * SECOND }, 2.0);
        let waits = |query: &&Query, at: u64| query.served != Served::Refused && query.asked <= at && at < query.began.unwrap();
        let deepest = queries.iter().map(|one| queries.iter().filter(|query| waits(query, one.asked)).count()).max().unwrap();
        assert_eq!(found.load.deepest_queue, deepest as u64);
        let refused = queries.iter().filter(|query| query.served == Served::Refused).count();
        assert_eq!(found.load.refused, refused as u64);
        let busy = |one: &Query| {
            queries.iter().any(|other| {
                let before = (other.asked, other.key) < (one.asked, one.key);
                before && other.key == one.key && other.ended > one.asked
            })
        };
        assert_eq!(found.duplicate_loads, queries.iter().filter(|one| busy(one)).count() as u64);
    }
}

const SCALE: fn(f64, f64) -> Scale = |offered, hit_ratio| Scale { offered: Rate::per_second(offered), hit_ratio };

#[test]
fn projected_to_its_own_load_a_run_gives_what_was_measured_in_it() {
    let period = Period { from: 0, broken: 10 * SECOND, to: 20 * SECOND };
    let (queries, reads) = load(1000, 50, 20, 10 * SECOND..12 * SECOND);
    let measured = measure(queries.clone(), reads.clone(), period, 2.0).load;
    let projected = project(SCALE(1000.0, 0.95), &shares(&queries, &reads, period).unwrap());
    assert!((projected.baseline - measured.baseline.unwrap()).abs() < 1e-6, "{projected:?}");
    assert!((projected.peak - measured.peak).abs() < 1e-6, "{projected:?}");
    assert!((projected.multiplier.unwrap() - measured.multiplier.unwrap()).abs() < 1e-6, "{projected:?}");
    assert!((projected.extra - measured.extra).abs() < 1e-6, "{projected:?}, {}", measured.extra);
}

#[test]
fn at_another_rate_and_hit_ratio_all_of_what_the_cache_answers_falls_through() {
    let period = Period { from: 0, broken: 10 * SECOND, to: 20 * SECOND };
    let (queries, reads) = load(1000, 50, 20, 10 * SECOND..12 * SECOND);
    let projected = project(SCALE(50_000.0, 0.97), &shares(&queries, &reads, period).unwrap());
    assert!((projected.baseline - 1_500.0).abs() < 1e-6 && (projected.peak - 50_000.0).abs() < 1e-6, "{projected:?}");
    // Two seconds of all reads but those that would have been queries anyway.
    assert!((projected.extra - 97_000.0).abs() < 1e-6, "{projected:?}");
}

#[test]
fn what_does_not_fall_through_here_is_not_projected_either() {
    let calm = Period { from: 0, broken: 20 * SECOND, to: 20 * SECOND };
    let (queries, reads) = load(1000, 50, 20, 0..0);
    let projected = project(SCALE(50_000.0, 0.97), &shares(&queries, &reads, calm).unwrap());
    assert_eq!((projected.peak, projected.fell_through, projected.extra), (projected.baseline, 0.0, 0.0), "nothing was broken");
    // Clients that share queries: half of what the cache answered became queries.
    let half = project(SCALE(1_000.0, 0.9), &Shares { calm: 0.05, after: vec![0.05, 0.525, 0.05] });
    assert!((half.peak - 550.0).abs() < 1e-6 && (half.extra - 450.0).abs() < 1e-6, "{half:?}");
    // More queries than reads, because clients ask again, are no larger share than all.
    assert!((project(SCALE(1_000.0, 0.9), &Shares { calm: 0.05, after: vec![3.0] }).peak - 1_000.0).abs() < 1e-6);
    assert_eq!(
        project(SCALE(1_000.0, 1.0), &Shares { calm: 0.05, after: vec![1.0] }).multiplier,
        None,
        "by nothing nothing can be divided"
    );
}

#[test]
fn without_a_second_of_calm_or_without_reads_there_is_nothing_to_project() {
    let (queries, reads) = load(1000, 50, 20, 0..0);
    assert_eq!(shares(&queries, &reads, Period { from: 0, broken: SECOND - 1, to: 20 * SECOND }), None);
    assert_eq!(shares(&queries, &[], Period { from: 0, broken: 10 * SECOND, to: 20 * SECOND }), None);
}
