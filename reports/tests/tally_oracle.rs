//! Outcomes, reasons, latencies and the chart of the clients, against plain counts of every attempt, on random trials.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::history::{Event, Op, OpKind, Outcome, Why};
use redquake_reports::result::WhyCount;
use redquake_reports::testing::{Story, header};

const MS: u64 = 1_000_000;
const BUCKET: u64 = 100 * MS;
const ZERO: u64 = 500 * MS;
const END: u64 = 4_500 * MS;

const EXPERIMENT: &str = "
topology: { kind: sentinel }
duration: 5s
workloads:
  - { name: w, kind: lock, zone: [near, far], clients: 4, rate: 100/s, keys: 9, ttl: 3s, hold: 100ms }
";

fn any(rng: &mut ChaCha8Rng) -> Op {
    let (out, why) = match rng.random_range(0..9) {
        0..3 => (Outcome::Ok, None),
        3 => (Outcome::Ok, Some(Why::Gone)),
        4..6 => (Outcome::Fail, Some(Why::Held)),
        6 => (Outcome::Fail, Some([Why::Connect, Why::Readonly][rng.random_range(0..2)])),
        7 => (Outcome::Fail, Some(Why::Moved)),
        _ => (Outcome::Info, Some([Why::Timeout, Why::Reset][rng.random_range(0..2)])),
    };
    let op = [OpKind::Acquire, OpKind::Release][rng.random_range(0..2)];
    // On a grid, so that first and last instants of the measured time and of buckets are hit.
    let intended = rng.random_range(0..100) * 50 * MS;
    let (late, took) = (rng.random_range(0..3) * MS, rng.random_range(1..4_000) * MS / 10);
    Op {
        w: 0,
        c: rng.random_range(0..4),
        op,
        id: rng.random(),
        key: 0,
        at: [intended, intended + late, intended + late + took],
        out,
        why,
        node: Some(0),
    }
}

#[test]
fn every_count_is_that_of_a_look_at_each_attempt() {
    let mut rng = ChaCha8Rng::seed_from_u64(81);
    let empty = Story::new(header(EXPERIMENT), [ZERO, END]);
    let [mut without, mut edges] = [0; 2];
    for number in 0..400 {
        let mut story = empty.clone();
        let ops: Vec<Op> = (0..rng.random_range(0..60)).map(|_| any(&mut rng)).collect();
        ops.iter().for_each(|op| story.tell(op.at[2], Event::Op(*op)));
        let trial = story.analysed();
        let told = &trial.workloads[0];

        let measured: Vec<&Op> = ops.iter().filter(|op| (ZERO..=END).contains(&op.at[0])).collect();
        let count = |wanted: &dyn Fn(&Op) -> bool| measured.iter().filter(|op| wanted(op)).count() as u64;
        let [ok, fail, info] = [Outcome::Ok, Outcome::Fail, Outcome::Info].map(|out| count(&|op| op.out == out));
        assert_eq!((told.ok, told.fail, told.info), (ok, fail, info), "{number}: {ops:?}");
        let mut reasons: BTreeMap<(usize, Why), WhyCount> = BTreeMap::new();
        for op in &measured {
            let Some(why) = op.why else { continue };
            let at = op.at[0];
            let one = reasons.entry((op.op.place(), why)).or_insert(WhyCount { op: op.op, why, count: 0, first: at, last: at });
            (one.count, one.first, one.last) = (one.count + 1, one.first.min(at), one.last.max(at));
        }
        let found: BTreeMap<(usize, Why), WhyCount> = told.reasons.iter().map(|one| ((one.op.place(), one.why), one.clone())).collect();
        assert_eq!(found, reasons, "{number}: {ops:?}");
        let ordered = told.reasons.windows(2).all(|pair| pair[0].op != pair[1].op || pair[0].count >= pair[1].count);
        assert!(ordered && told.reasons.len() == reasons.len(), "the commonest first: {:?}", told.reasons);

        let metric = |name: &str| trial.metrics.get(&format!("w.{name}")).map(|sample| sample.value());
        let held = count(&|op| op.why == Some(Why::Held));
        let share = (!measured.is_empty()).then(|| (fail - held) as f64 / measured.len() as f64);
        assert_eq!((metric("error_rate"), metric("unknown")), (share, Some(info as f64)), "{number}: {ops:?}");
        assert_eq!(metric("ok_rate"), Some(ok as f64 / 4.0));
        let mut latencies: Vec<u64> = measured.iter().filter(|op| op.out == Outcome::Ok).map(|op| op.at[2] - op.at[0]).collect();
        latencies.sort_unstable();
        // The nearest rank, to three digits.
        let at = |share: usize| latencies.get((latencies.len() * share).div_ceil(100).max(1) - 1).copied().unwrap_or_default();
        for (told, wanted) in told.latency.into_iter().zip([at(50), at(99), at(100)]) {
            assert!(told.abs_diff(wanted) * 500 <= wanted, "{number}: {told} for {wanted}: {latencies:?}");
        }

        for (zone, series) in (0..).zip(&trial.timeline.workloads) {
            // Clients are dealt out to the zones in turn. The chart shows those before and after the measured time as well.
            let own: Vec<&Op> = ops.iter().filter(|op| op.c % 2 == zone).collect();
            let mut buckets: BTreeMap<u64, ([u32; 4], u64, u64)> = BTreeMap::new();
            for op in &own {
                let held = op.out == Outcome::Fail && op.why == Some(Why::Held);
                let column = if held {
                    2
                } else {
                    [Outcome::Ok, Outcome::Fail, Outcome::Fail, Outcome::Info].iter().position(|out| *out == op.out).unwrap()
                };
                let took = op.at[2] - op.at[0];
                let one = buckets.entry(op.at[0] / BUCKET * BUCKET).or_insert(([0; 4], took, took));
                one.0[column] += 1;
                (one.1, one.2) = (one.1.min(took), one.2.max(took));
            }
            let found: BTreeMap<u64, ([u32; 4], u64, u64)> =
                series.buckets.iter().map(|one| (one.at, ([one.ok, one.fail, one.held, one.info], one.min, one.max))).collect();
            assert_eq!(found, buckets, "{number}: {own:?}");
            let mut classes: BTreeMap<(Why, u64), u64> = BTreeMap::new();
            for op in own.iter().filter(|op| (ZERO..=END).contains(&op.at[0])) {
                if let Some(why) = op.why {
                    *classes.entry((why, op.at[0] / BUCKET * BUCKET)).or_default() += 1;
                }
            }
            let found: BTreeMap<(Why, u64), u64> =
                series.classes.iter().flat_map(|one| one.buckets.iter().map(|[at, count]| ((one.why, *at), *count))).collect();
            assert_eq!(found, classes, "{number}: {own:?}");
        }
        without += u32::from(ok == 0);
        edges += u32::from(ops.iter().any(|op| op.at[0] == ZERO) && ops.iter().any(|op| op.at[0] == END));
    }
    assert!(without > 3 && edges > 20, "{without} {edges}");
}
