//! Lock analysis in memory, in operations a second on one core.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use redquake_reports::analysis::locks::{LockRules, Locks, Names};
use redquake_reports::history::Op;
use redquake_reports::testing::lock_history;
use std::hint::black_box;

const RULES: LockRules = LockRules { ttl: 3_000_000_000, drift: 32_000_000, renewed: false };

fn analyse(ops: &[Op]) -> u64 {
    let mut locks = Locks::new(RULES);
    ops.iter().for_each(|op| locks.op(op));
    locks.finish(Some(0), &Names { workload: "locks", nodes: &[], zero: 0 }).counts.acquired
}

fn lock_analysis(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lock analysis");
    group.sample_size(10);
    for (ops, keys) in [(1_000_000_u64, 1_u32), (1_000_000, 1_000), (10_000_000, 1_000)] {
        let history: Vec<Op> = lock_history(ops, keys, RULES.ttl).collect();
        group.throughput(Throughput::Elements(ops));
        group.bench_function(format!("{ops} ops, {keys} keys"), |bencher| {
            bencher.iter_batched(|| (), |()| black_box(analyse(black_box(&history))), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, lock_analysis);
criterion_main!(benches);
