//! One experiment in which every kind of thing exists that a run makes: zones, disks, rules, queues, full disks, sleeping processes.

use std::path::Path;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::{Bench, Reaped};

/// From the moment there is a run to its first fault, on an idle machine.
const BEFORE: Duration = Duration::from_millis(2500);
/// From the first fault to the end of the last one, a little more: recovery and analysis follow.
const DURING: Duration = Duration::from_millis(4000);
/// Longest wait for a run or its first fault.
const LIMIT: Duration = Duration::from_secs(90);

/// The faults overlap; the ones that begin first end first, so that only an interruption takes them back in the other order.
pub const EXPERIMENT: &str = "version: 1
name: everything
topology:
  kind: sentinel
  config:
    redis: { appendonly: \"yes\" }
    sentinel: { down-after-milliseconds: 1000 }
duration: 4s
workloads:
  - { name: near, kind: lock, zone: a, clients: 2, rate: 50/s, keys: 8, ttl: 1s, hold: 20ms }
  - { name: far, kind: lock, zone: b, clients: 2, rate: 50/s, keys: 8, ttl: 1s, hold: 20ms }
faults:
  - { name: late, at: 200ms, for: 2500ms, action: delay, from: { zone: a }, to: { node: redis-1 }, delay: 5ms, jitter: 1ms }
  - { name: lossy, at: 250ms, for: 2500ms, action: loss, from: { zone: b }, to: { node: redis-1 }, percent: 5% }
  - { name: narrow, at: 300ms, for: 2500ms, action: bandwidth, target: { node: redis-3 }, rate: 50mbit }
  - { name: full, at: 350ms, for: 2500ms, action: disk-full, target: { node: redis-3 } }
  - { name: asleep, at: 400ms, for: 2500ms, action: pause, target: { node: sentinel-3 } }
  - { name: cut, at: 450ms, for: 2500ms, action: partition, from: { zone: b }, to: { node: redis-2 } }
assert:
  - { metric: failover.count, expect: \"count < 9\" }
";

/// Names of its faults in the order of their injection.
pub const FAULTS: [&str; 6] = ["late", "lossy", "narrow", "full", "asleep", "cut"];

/// The ledger of the first trial, as far as the disk has it: each step with the fault's name. Empty where there is none yet.
pub fn ledger(results: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(results.join("trial-001/ledger.ndjson")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines
        .map(|line| (line["step"].as_str().unwrap_or_default().to_owned(), line["fault"].as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// A moment in the life of a run.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Counted from the first fault, not from the beginning, so that faults are met however slow the machine is.
    from_faults: bool,
    after: Duration,
}

/// So many moments all over the life of a run: one of three before the faults, about.
pub fn instants(count: u32, seed: u64) -> Vec<Moment> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let moment = |number| {
        let from_faults = number % 3 != 0;
        let longest = if from_faults { DURING } else { BEFORE };
        Moment { from_faults, after: longest.mul_f64(random.random_range(0.0..1.0)) }
    };
    (0..count).map(moment).collect()
}

impl Moment {
    /// When there is a run, and nothing of it yet.
    pub const BEGUN: Self = Self { from_faults: false, after: Duration::ZERO };

    /// Waits for it. There is a run then: what ends before has begun nothing.
    pub fn wait(&self, bench: &Bench, tool: &mut Reaped) {
        let (latest, began) = (bench.out.path().join("latest"), Instant::now());
        while !latest.join("run.json").exists() || (self.from_faults && ledger(&latest).is_empty()) {
            assert!(began.elapsed() < LIMIT && tool.0.try_wait().expect("redquake").is_none(), "{self:?}: it never came");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(self.after);
    }
}
