//! The stored history of a million lock operations: written, read, analysed. Plain `serde_json` lines for comparison.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on measures nothing")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use redquake_reports::analysis::analyze;
use redquake_reports::history::{Event, Reader, Writer};
use redquake_reports::testing::{FailoverParams, failover_history, lock_history};
use std::hint::black_box;

const OPS: u64 = 1_000_000;

/// A header and the operations of a lock workload without a fault.
fn events() -> Vec<Event> {
    let header = failover_history(&FailoverParams::default()).swap_remove(0);
    std::iter::once(header).chain(lock_history(OPS, 1_000, 3_000_000_000).map(Event::Op)).collect()
}

fn written(events: &[Event]) -> Vec<u8> {
    let mut writer = Writer::create(Vec::new()).unwrap();
    events.iter().for_each(|event| writer.write(event).unwrap());
    writer.finish(0).unwrap()
}

fn plain(events: &[Event]) -> Vec<u8> {
    let mut text = Vec::new();
    for event in events {
        serde_json::to_writer(&mut text, event).unwrap();
        text.push(b'\n');
    }
    text
}

fn history(criterion: &mut Criterion) {
    let events = events();
    let (stored, text) = (written(&events), plain(&events));
    println!(
        "{OPS} operations: {:.1} MB of lines, {:.1} MB stored ({:.1} bytes an event, ratio {:.1})",
        text.len() as f64 / 1e6,
        stored.len() as f64 / 1e6,
        stored.len() as f64 / OPS as f64,
        text.len() as f64 / stored.len() as f64
    );
    for (unit, throughput) in [("events", Throughput::Elements(OPS)), ("bytes of lines", Throughput::Bytes(text.len() as u64))] {
        let mut group = criterion.benchmark_group(format!("history, {unit}"));
        group.sample_size(10).throughput(throughput);
        group.bench_function("write", |bencher| bencher.iter(|| written(black_box(&events)).len()));
        group.bench_function("write plain serde_json", |bencher| bencher.iter(|| plain(black_box(&events)).len()));
        group.bench_function("read", |bencher| {
            bencher.iter(|| Reader::open(black_box(stored.as_slice())).unwrap().map(Result::unwrap).count());
        });
        group.bench_function("read plain serde_json", |bencher| {
            bencher.iter(|| {
                let lines = black_box(text.as_slice()).split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                lines.map(|line| serde_json::from_slice::<Event>(line).unwrap()).map(black_box).count()
            });
        });
        group.bench_function("read and analyse", |bencher| {
            bencher.iter(|| analyze(Reader::open(black_box(stored.as_slice())).unwrap()).unwrap().workloads.len());
        });
        group.finish();
    }
}

criterion_group!(benches, history);
criterion_main!(benches);
