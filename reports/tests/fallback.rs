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

/// Reads and queries that cluster on a grid of a twentieth of a second, some of them outside the measured time.
fn any(rng: &mut ChaCha8Rng, period: Period) -> (Vec<Query>, Vec<Read>) {
    let end = period.to + SECOND;
    let tick = |rng: &mut ChaCha8Rng| rng.random_range(0..end / (SECOND / 20)) * (SECOND / 20);
    let (misses, chills) = (rng.random_range(0.0..0.9), rng.random_bool(0.7));
    let read = |rng: &mut ChaCha8Rng| {
        let at = tick(rng);
        // Cold for a while.
        let cold = chills && at > period.broken && at < period.broken + SECOND;
        Read { at, hit: !rng.random_bool(if cold { 0.9 } else { misses / 8.0 }) }
    };
    let reads = (0..rng.random_range(0..120)).map(|_| read(rng)).collect();
    let query = |rng: &mut ChaCha8Rng| {
        // Some end at the instant at which others are asked.
        let (waits, took) =
            if rng.random_bool(0.3) { (0, SECOND / 20) } else { (rng.random_range(0..SECOND / 4), rng.random_range(1..SECOND / 4)) };
        let mut one = query(rng.random_range(0..4), tick(rng), waits, took);
        one.served = [Served::Answered, Served::Answered, Served::TimedOut, Served::Failed][rng.random_range(0..4)];
        if one.served == Served::TimedOut {
            one.began = None;
        }
        one
    };
    let queries = (0..rng.random_range(0..600)).map(|_| query(rng)).collect();
    (queries, reads)
}

#[test]
fn rates_ratios_and_waits_are_those_of_a_look_at_every_second() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let mut seen = [0; 6];
    for number in 0..1_000 {
        let from = SECOND;
        let broken = from + rng.random_range(0..80) * SECOND / 20;
        let period = Period { from, broken, to: broken + SECOND + rng.random_range(0..40) * SECOND / 20 };
        let (queries, reads) = any(&mut rng, period);
        let found = measure(queries.clone(), reads.clone(), period, 1.1);
        let measured: Vec<&Query> = queries.iter().filter(|query| (period.from..period.to).contains(&query.asked)).collect();
        let within = |start: u64| measured.iter().filter(|query| (start..start + SECOND).contains(&query.asked)).count();
        let seconds = |from: u64| (0..200).map(move |tenth| from + tenth * SECOND / 10).filter(|start| start + SECOND <= period.to);
        let calm = (period.broken - period.from) as f64 / 1e9;
        let before = measured.iter().filter(|query| query.asked < period.broken).count() as f64;
        let baseline = (calm >= 1.0).then(|| before / calm);
        let load = found.load;
        assert_eq!(load.baseline, baseline, "{number}");
        assert_eq!(load.peak, seconds(period.from).map(within).max().unwrap() as f64, "{number}");
        let rest = (period.to - period.broken) as f64 / 1e9;
        let extra = baseline.map_or(0.0, |baseline| (measured.len() as f64 - before - baseline * rest).max(0.0));
        assert_eq!(load.extra, extra, "{number}");
        let above = |start: &u64| start + SECOND > period.broken && baseline.is_some_and(|baseline| within(*start) as f64 > 1.1 * baseline);
        assert_eq!(load.overloaded, seconds(period.from).filter(above).count() as u64 * SECOND / 10, "{number}");
        let count = |served: Served| measured.iter().filter(|query| query.served == served).count() as u64;
        assert_eq!([load.timed_out, load.failed], [count(Served::TimedOut), count(Served::Failed)], "{number}");
        let longest = measured.iter().map(|query| query.began.unwrap_or(query.ended) - query.asked).max();
        assert_eq!(load.longest_wait, longest.unwrap_or_default(), "{number}");
        let mut took: Vec<u64> =
            measured.iter().filter(|query| query.served == Served::Answered).map(|query| query.ended - query.asked).collect();
        took.sort_unstable();
        // The smallest that 99 of 100 do not exceed.
        let p99 = took.iter().copied().find(|one| took.iter().filter(|other| *other <= one).count() * 100 >= took.len() * 99);
        assert_eq!(load.p99, p99.filter(|_| took.len() >= 100), "{number}");
        let at_once =
            |key: u32, at: u64| measured.iter().filter(|query| query.key == key && query.asked <= at && at < query.ended).count() as u64;
        assert_eq!(found.stampede, measured.iter().map(|query| at_once(query.key, query.asked)).max().unwrap_or_default(), "{number}");

        let ratio = |from: u64, to: u64| {
            let inside: Vec<bool> = reads.iter().filter(|read| (from..to).contains(&read.at)).map(|read| read.hit).collect();
            (!inside.is_empty()).then(|| inside.iter().filter(|hit| **hit).count() as f64 / inside.len() as f64)
        };
        let usual = ratio(period.from, period.broken);
        let ratios: Vec<(u64, f64)> = seconds(period.broken).filter_map(|start| Some((start, ratio(start, start + SECOND)?))).collect();
        let lowest = ratios.iter().map(|one| one.1).min_by(f64::total_cmp);
        assert_eq!((found.hit_ratio, found.lowest_hit_ratio), (usual, lowest), "{number}");
        let last = usual.and_then(|usual| ratios.iter().rev().find(|one| one.1 < usual * 0.95)).map(|one| one.0 + SECOND);
        let back = usual.map(|_| match last {
            None => Back::After(0),
            // No second begins after it.
            Some(end) if end + SECOND / 10 > period.to => Back::Never(period.to - period.broken),
            Some(end) => Back::After(end - period.broken),
        });
        assert_eq!(found.back, back, "{number}");
        let now = [
            load.overloaded > 0,
            extra > 0.0,
            load.p99.is_some(),
            back == Some(Back::After(0)),
            matches!(back, Some(Back::Never(_))),
            matches!(back, Some(Back::After(time)) if time > 0),
        ];
        seen.iter_mut().zip(now).for_each(|(sum, now)| *sum += u32::from(now));
    }
    assert!(seen.iter().all(|often| *often > 20), "{seen:?}");
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
