//! How long it takes to read and check a file, beside the YAML library alone on the same text.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use redquake_experiments::{catalogue, spec};
use serde_json::Value;

/// A file with that many faults.
fn long(faults: usize) -> String {
    let mut text = String::from("version: 1\nname: long\ntopology: { kind: sentinel }\nduration: 1h\nfaults:\n");
    for index in 0..faults {
        text.push_str(&format!(
            "  - {{ name: cut-{index}, at: {}s, for: 2s, action: partition, from: {{ role: primary }}, to: {{ role: replica }} }}\n",
            4 + index
        ));
    }
    text
}

fn load(text: &str) -> spec::Loaded {
    spec::load("bench.yaml", text.as_bytes(), &|_| Err("nothing is read".to_owned()))
}

fn yaml_alone(text: &str) -> Value {
    serde_yaml::from_str(text).expect("the file is YAML")
}

/// Median time of one call.
fn median(mut call: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..101)
        .map(|_| {
            let began = Instant::now();
            call();
            began.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn reading(criterion: &mut Criterion) {
    let files =
        [("primary-kill.yaml", catalogue::find("sentinel/primary-kill").expect("in the catalogue").to_owned()), ("200 faults", long(200))];
    let mut group = criterion.benchmark_group("spec");
    for (name, text) in &files {
        assert!(load(text).experiment.is_some(), "{}", load(text).render_human(false));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("parse and check", name), text, |bencher, text| bencher.iter(|| load(black_box(text))));
        group.bench_with_input(BenchmarkId::new("serde_yaml alone", name), text, |bencher, text| {
            bencher.iter(|| yaml_alone(black_box(text)))
        });
    }
    group.finish();
    for (name, text) in &files {
        let (ours, alone) = (median(|| drop(black_box(load(text)))), median(|| drop(black_box(yaml_alone(text)))));
        let ratio = ours.as_secs_f64() / alone.as_secs_f64();
        println!("{name}: {} bytes, parse and check {ours:?}, serde_yaml alone {alone:?}, ratio {ratio:.2}", text.len());
    }
}

criterion_group!(benches, reading);
criterion_main!(benches);
