//! Documents that look like those of real runs, made from a few numbers and a fixed pseudo-random sequence.

use std::collections::BTreeMap;

use redquake_experiments::spec::{Role, Severity};
use redquake_reports::history::{FaultState, NodeRole, OpKind, Why};
use redquake_reports::result::*;

pub const MS: u64 = 1_000_000;
pub const S: u64 = 1_000_000_000;
const ZERO: u64 = 1_850 * MS;
const DURATION: u64 = 20 * S;
const KILL_AT: u64 = 6 * S;
const BUCKET: u64 = 50 * MS;

/// A small linear congruential generator: the same documents on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What makes one trial differ from another.
pub struct Shape {
    pub index: u32,
    pub double_locks: u32,
    pub recovers: bool,
}

/// Five good trials of a primary kill.
pub fn passing() -> Document {
    document((1..=5).map(|index| trial(&Shape { index, double_locks: 0, recovers: true })).collect())
}

/// Five trials, two of which had locks with two holders, one of which overran the write gap's limit.
pub fn failing() -> Document {
    let trials = (1..=5).map(|index| trial(&Shape { index, double_locks: [0, 3, 0, 5, 0][index as usize - 1], recovers: true })).collect();
    let mut document = document(trials);
    document.assertions[0].expect = "max < 1380ms".to_owned();
    let max = document.metrics["failover.write_gap"].max.value();
    judge(&mut document.assertions[0], max, 1.38e9);
    let double = document.metrics["locks.double_acquired"].total;
    judge(&mut document.assertions[1], double, 0.0);
    document.assertions[1].actual_text = format!("{double} in 5 trials");
    document.verdict = Verdict::Fail;
    document.exit_code = 1;
    document.reasons = vec![
        "failover.write_gap max < 1380ms does not hold".to_owned(),
        format!("locks.double_acquired count == 0 does not hold: {double} pairs of holders"),
    ];
    document
}

/// Two of three trials prove nothing, the third ended before writes came back.
pub fn inconclusive() -> Document {
    let mut trials: Vec<_> = (1..=3).map(|index| trial(&Shape { index, double_locks: 0, recovers: index != 3 })).collect();
    trials[0].status = TrialStatus::Inconclusive;
    trials[0].reasons = vec!["fault `crash` could not be proved: redis-1 still answered PING 500 ms after the signal".to_owned()];
    trials[0].faults[0].state = FaultState::Unproved;
    trials[0].faults[0].proof = "redis-1 still answered PING 500 ms after the signal".to_owned();
    trials[1].status = TrialStatus::Inconclusive;
    trials[1].reasons = vec!["the tool's own event loop stalled for 412 ms at T+3.200 s".to_owned()];
    trials[1].remarks = vec!["clients: a timer fired 412 ms late".to_owned()];
    trials[1].failovers.clear();
    let mut document = document(trials);
    document.verdict = Verdict::Inconclusive;
    document.exit_code = 3;
    document.reasons = vec!["1 of 3 trials is conclusive, 3 are needed".to_owned()];
    for assertion in &mut document.assertions {
        assertion.verdict = Verdict::Inconclusive;
        assertion.reason = "1 of 3 trials is conclusive, 3 are needed".to_owned();
        assertion.margin = None;
    }
    document
}

/// Interrupted before any trial was complete, and something could not be removed.
pub fn interrupted() -> Document {
    let mut document = document(Vec::new());
    document.verdict = Verdict::Error;
    document.exit_code = 130;
    document.reasons = vec!["interrupted by SIGINT during trial 1".to_owned()];
    document.residue = vec!["container redquake-7f3a-redis-2".to_owned()];
    for assertion in &mut document.assertions {
        assertion.verdict = Verdict::Error;
        assertion.actual = None;
        assertion.actual_text = String::new();
        assertion.margin = None;
        assertion.reason = "no trial was completed".to_owned();
    }
    document
}

/// Every string of a document that comes from outside is an attack.
pub fn hostile() -> Document {
    let evil = "<script>alert('x')</script> | `a` \"q\" & \u{1b}[31m\u{0}]]> -->";
    let mut document = failing();
    document.name = evil.to_owned();
    document.description = evil.to_owned();
    document.repro = evil.to_owned();
    document.reasons = vec![evil.to_owned()];
    document.environment.server = evil.to_owned();
    document.environment.runtime = evil.to_owned();
    document.environment.server_source = evil.to_owned();
    document.environment.kernel = evil.to_owned();
    document.source.path = evil.to_owned();
    document.experiment = serde_json::json!({ evil: evil });
    document.residue = vec![evil.to_owned()];
    let metric = document.metrics.remove("locks.lost").expect("the metric");
    document.metrics.insert(evil.to_owned(), MetricSummary { meaning: evil.to_owned(), ..metric });
    document.predictions.get_mut("failover.write_gap").expect("the prediction").formula = evil.to_owned();
    for assertion in &mut document.assertions {
        assertion.actual_text = evil.to_owned();
        assertion.reason = evil.to_owned();
        assertion.location.as_mut().expect("a place").file = evil.to_owned();
    }
    document.assertions[2].metric = evil.to_owned();
    document.assertions[2].expect = evil.to_owned();
    for trial in &mut document.trials {
        trial.history = evil.to_owned();
        trial.remarks = vec![evil.to_owned()];
        trial.reasons = vec![evil.to_owned()];
        for node in &mut trial.nodes {
            node.name = evil.to_owned();
            node.address = evil.to_owned();
            node.version = evil.to_owned();
        }
        for fault in &mut trial.faults {
            fault.name = evil.to_owned();
            fault.action = evil.to_owned();
            fault.targets = vec![evil.to_owned()];
            fault.proof = evil.to_owned();
        }
        for failover in &mut trial.failovers {
            failover.fault = Some(evil.to_owned());
            failover.old_primary = Some(evil.to_owned());
            for part in &mut failover.parts {
                part.ended_by = evil.to_owned();
            }
        }
        for workload in &mut trial.workloads {
            workload.name = evil.to_owned();
            workload.kind = evil.to_owned();
        }
        for series in &mut trial.timeline.workloads {
            series.name = evil.to_owned();
        }
        for lane in &mut trial.timeline.nodes {
            lane.name = evil.to_owned();
        }
        for mark in &mut trial.timeline.sentinel {
            mark.payload = evil.to_owned();
            mark.event = evil.to_owned();
            mark.node = evil.to_owned();
        }
        for anomaly in &mut trial.anomalies {
            anomaly.text = evil.to_owned();
            anomaly.workload = evil.to_owned();
        }
    }
    document
}

/// Twenty trials: the size that is promised.
pub fn twenty() -> Document {
    document((1..=20).map(|index| trial(&Shape { index, double_locks: index % 3, recovers: true })).collect())
}

/// Twenty trials with three workloads each and as many anomalies and messages as a document may hold.
pub fn crowded() -> Document {
    let mut document = twenty();
    for trial in &mut document.trials {
        let begin = trial.zero;
        for name in ["jobs", "sessions"] {
            let mut series = trial.timeline.workloads[0].clone();
            series.name = name.to_owned();
            trial.timeline.workloads.push(series);
            let mut result = trial.workloads[0].clone();
            result.name = name.to_owned();
            trial.workloads.push(result);
        }
        let one = anomalies(&Shape { index: 1, double_locks: 1, recovers: true }, begin + 7 * S).remove(0);
        trial.anomalies = (0..200u32).map(|n| Anomaly { key: n, from: one.from + u64::from(n) * 3 * MS, ..one.clone() }).collect();
        trial.anomalies_total = 1_234;
        let mark = trial.timeline.sentinel[0].clone();
        trial.timeline.sentinel = (0..400).map(|n| SentinelMark { at: mark.at + n * 20 * MS, ..mark.clone() }).collect();
    }
    document
}

/// No workload, no fault, no failover: only a baseline.
pub fn quiet() -> Document {
    let mut one = trial(&Shape { index: 1, double_locks: 0, recovers: true });
    one.faults.clear();
    one.failovers.clear();
    one.workloads.clear();
    one.metrics.clear();
    one.timeline.workloads.clear();
    one.timeline.sentinel.clear();
    let mut document = document(vec![one]);
    document.assertions.clear();
    document.predictions.clear();
    document
}

fn judge(assertion: &mut AssertionResult, actual: f64, limit: f64) {
    assertion.actual = Some(Sample::Exact(actual));
    assertion.margin = Some(limit - actual);
    assertion.verdict = Verdict::Fail;
    assertion.reason = format!("the limit is {limit}, the value {actual}");
}

pub fn document(trials: Vec<Trial>) -> Document {
    let metrics = summarise(&trials);
    let assertion = |line: u32, metric: &str, expect: &str, severity, margin: f64| AssertionResult {
        metric: metric.to_owned(),
        expect: expect.to_owned(),
        severity,
        verdict: Verdict::Pass,
        actual: metrics.get(metric).map(|summary| summary.max),
        actual_text: String::new(),
        margin: Some(margin),
        location: Some(Location { file: "experiments/sentinel/primary-kill.yaml".to_owned(), line, column: 5 }),
        reason: String::new(),
    };
    let margin = metrics.get("failover.write_gap").map_or(0.0, |summary| 5e9 - summary.max.value());
    let mut assertions = vec![
        assertion(24, "failover.write_gap", "max < 5s", Severity::Error, margin),
        assertion(25, "locks.double_acquired", "count == 0", Severity::Error, 0.0),
        assertion(26, "failover.library_cost", "median < 250ms", Severity::Warn, 0.12e9),
    ];
    if let Some(cost) = metrics.get("failover.library_cost") {
        let median = cost.median.value();
        assertions[2].actual = Some(cost.median);
        assertions[2].margin = Some(0.25e9 - median);
        if median > 0.25e9 {
            assertions[2].verdict = Verdict::Fail;
            assertions[2].reason = "the median is over the limit".to_owned();
        }
    }
    Document {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "redquake".to_owned(), version: "0.1.0".to_owned() },
        verdict: Verdict::Pass,
        exit_code: 0,
        reasons: Vec::new(),
        started_at: "2026-03-02T09:15:00Z".to_owned(),
        ended_at: "2026-03-02T09:17:08Z".to_owned(),
        environment: Environment {
            runtime: "docker 20.10.24 (API 1.41)".to_owned(),
            server: "redis 7.0.15".to_owned(),
            server_source: "built from Debian bookworm packages, sha256:41c2a0".to_owned(),
            kernel: "6.1.0-21-amd64".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 4,
            memory: 16_777_216_000,
        },
        name: "sentinel-primary-kill".to_owned(),
        description: "Writers recover within 5 s of losing the primary, and no lock has two holders.".to_owned(),
        source: Source { path: "experiments/sentinel/primary-kill.yaml".to_owned(), sha256: "9f2c".repeat(16) },
        experiment: serde_json::json!({
            "version": 1,
            "name": "sentinel-primary-kill",
            "topology": { "kind": "sentinel", "server": "redis:7.0", "replicas": 2, "sentinels": 3, "quorum": 2,
                "config": { "sentinel": { "down-after-milliseconds": "1000", "failover-timeout": "10000" } } },
            "duration": "20s",
            "trials": trials.len(),
            "workloads": [{ "kind": "lock", "name": "locks", "clients": 8, "rate": "200/s", "keys": 16, "ttl": "3s", "hold": "50ms" }],
            "faults": [{ "action": "kill", "name": "crash", "at": "6s", "target": { "role": "primary" } }],
            "assert": [{ "metric": "failover.write_gap", "expect": "max < 5s" }],
        }),
        seed: 42,
        repro: "redquake run experiments/sentinel/primary-kill.yaml --seed 42 --trials 5".to_owned(),
        assertions,
        predictions: BTreeMap::from([
            (
                "failover.write_gap".to_owned(),
                Prediction {
                    low: 1_212 * MS,
                    high: 1_600 * MS,
                    formula: "down-after 1s + detection, agreement, election and promotion: 4 to 6 Sentinel ticks of 53 to 100 ms"
                        .to_owned(),
                },
            ),
            (
                "failover.client_gap".to_owned(),
                Prediction {
                    low: 2_012 * MS,
                    high: 3_200 * MS,
                    formula: "write gap + announcement of 0.8 to 1.1 s + up to 500ms of a client's own timeouts".to_owned(),
                },
            ),
        ]),
        metrics,
        trials,
        residue: Vec::new(),
    }
}

pub fn trial(shape: &Shape) -> Trial {
    let mut dice = Dice::new(u64::from(shape.index) + 7);
    let kill = ZERO + KILL_AT + dice.below(900) * 1_000;
    let last_ok = kill - 1_200_000 - dice.below(2_000_000);
    let mut at = kill;
    let mut step = |base: u64, spread: u64, dice: &mut Dice| {
        at += base * MS + dice.below(spread * 1_000) * 1_000;
        at
    };
    let sdown = step(1_040, 60, &mut dice);
    let odown = step(40, 30, &mut dice);
    let elected = step(50, 40, &mut dice);
    let promoted = step(150, 60, &mut dice);
    let end = ZERO + DURATION;
    let announced = promoted + 820 * MS + dice.below(90) * MS;
    let client_back = announced + 40 * MS + dice.below(160) * MS;
    let (writable, client_back) = if shape.recovers { (promoted + 2 * MS, client_back) } else { (end, end) };
    let lengths = |to: u64| if shape.recovers { Sample::Exact((to - last_ok) as f64) } else { Sample::AtLeast((end - last_ok) as f64) };
    let back = |to: u64| shape.recovers.then_some(to);

    let part = |name: &str, from: u64, to: u64, by: &str| FailoverPart { name: name.to_owned(), from, to, ended_by: by.to_owned() };
    let mut parts = vec![
        part("detection", last_ok, sdown, "+sdown, first told by sentinel-2"),
        part("agreement", sdown, odown, "+odown #quorum 2/2, told by sentinel-2"),
        part("election", odown, elected, "+elected-leader, sentinel-2 in epoch 1"),
        part("promotion", elected, writable, "redis-3 acknowledged a probe write"),
        part("announcement", writable, announced, "+switch-master, first told by sentinel-1"),
        part("rediscovery", announced, client_back, "client 3 of locks had an acquire acknowledged by redis-3"),
    ];
    if !shape.recovers {
        parts.truncate(3);
    }
    let gap = |to: u64, by: &str| Gap {
        from: last_ok,
        from_node: Some("redis-1".to_owned()),
        to: back(to),
        to_node: shape.recovers.then(|| by.to_owned()),
        length: lengths(to),
    };
    let failover = Failover {
        fault: Some("crash".to_owned()),
        fault_at: Some(kill),
        write_gap: Some(gap(writable, "redis-3")),
        read_gap: Some(gap(writable, "redis-3")),
        client_gap: Some(gap(client_back, "redis-3")),
        library_cost: shape.recovers.then(|| Sample::Exact((client_back - writable) as f64)),
        old_primary: Some("redis-1".to_owned()),
        new_primary: shape.recovers.then(|| "redis-3".to_owned()),
        parts,
    };

    let series = buckets(&mut dice, end, last_ok, client_back);
    let ok: u64 = series.buckets.iter().map(|bucket| u64::from(bucket.ok)).sum();
    let fail: u64 = series.buckets.iter().map(|bucket| u64::from(bucket.fail + bucket.held)).sum();
    let held: u64 = series.buckets.iter().map(|bucket| u64::from(bucket.held)).sum();
    let info: u64 = series.buckets.iter().map(|bucket| u64::from(bucket.info)).sum();
    let lost = u64::from(shape.double_locks) * 2;
    let counts = LockCounts {
        acquired: ok / 2,
        double_acquired: u64::from(shape.double_locks),
        double_held_time: u64::from(shape.double_locks) * 41 * MS,
        ttl_overrun: 0,
        possible: u64::from(shape.index % 2),
        lost,
        stuck: 0,
    };
    let anomalies = anomalies(shape, writable);
    let mut metrics = BTreeMap::from([
        ("locks.double_acquired".to_owned(), Sample::Exact(f64::from(shape.double_locks))),
        ("locks.lost".to_owned(), Sample::Exact(lost as f64)),
        ("locks.unavailable_share".to_owned(), Sample::Exact(fail.saturating_sub(held) as f64 / (ok + fail + info) as f64)),
        ("failover.write_gap".to_owned(), lengths(writable)),
        ("failover.client_gap".to_owned(), lengths(client_back)),
    ]);
    if let Some(cost) = failover.library_cost {
        metrics.insert("failover.library_cost".to_owned(), cost);
    }
    Trial {
        index: shape.index,
        seed: 4_200 + u64::from(shape.index),
        status: TrialStatus::Conclusive,
        reasons: Vec::new(),
        zero: ZERO,
        end,
        ready_after: Some(930 * MS + dice.below(80) * MS),
        nodes: nodes(),
        faults: vec![FaultOutcome {
            name: "crash".to_owned(),
            action: "kill".to_owned(),
            planned_at: ZERO + KILL_AT,
            injected_at: Some(kill),
            reverted_at: None,
            targets: vec!["redis-1".to_owned()],
            state: FaultState::Proved,
            proof: "process gone after 0.4 ms, connections refused after 1.1 ms".to_owned(),
        }],
        workloads: vec![WorkloadResult {
            name: "locks".to_owned(),
            kind: "lock".to_owned(),
            ok,
            fail,
            info,
            reasons: vec![
                WhyCount { op: OpKind::Acquire, why: Why::Held, count: held },
                WhyCount { op: OpKind::Acquire, why: Why::Connect, count: (fail - held) * 3 / 4 },
                WhyCount { op: OpKind::Acquire, why: Why::NoPrimary, count: (fail - held) / 8 },
                WhyCount { op: OpKind::Release, why: Why::Gone, count: lost },
                WhyCount { op: OpKind::Release, why: Why::Connect, count: (fail - held) / 8 },
                WhyCount { op: OpKind::Acquire, why: Why::Reset, count: info / 2 },
                WhyCount { op: OpKind::Acquire, why: Why::Timeout, count: info - info / 2 },
            ],
            latency: [310_000, 1_900_000, client_back - last_ok],
            locks: Some(counts),
        }],
        metrics,
        anomalies_total: anomalies.len() as u64,
        anomalies,
        remarks: Vec::new(),
        timeline: TimelineData {
            bucket: BUCKET,
            workloads: vec![series],
            nodes: lanes(end, kill, promoted, announced, writable, shape.recovers),
            sentinel: marks([sdown, odown, elected, promoted, announced], shape.recovers),
        },
        failovers: vec![failover],
        history: format!("trial-{:03}/history.ndjson.zst", shape.index),
    }
}

fn nodes() -> Vec<NodeInfo> {
    let data = (1..=3).map(|n| (format!("redis-{n}"), if n == 1 { Role::Primary } else { Role::Replica }, 6_379));
    let sentinels = (1..=3).map(|n| (format!("sentinel-{n}"), Role::Sentinel, 26_379));
    data.chain(sentinels)
        .enumerate()
        .map(|(index, (name, role, port))| NodeInfo {
            name,
            role,
            address: format!("10.88.4.{}:{port}", index + 11),
            version: "redis 7.0.15".to_owned(),
        })
        .collect()
}

fn buckets(dice: &mut Dice, end: u64, down: u64, back: u64) -> WorkloadSeries {
    let mut buckets = Vec::new();
    let mut at = ZERO;
    while at < end {
        let total = 14 + dice.below(9) as u32;
        let held = dice.below(4) as u32;
        let mut bucket = OpBucket { at, min: 160_000 + dice.below(80_000), max: 420_000 + dice.below(2_600_000), ..OpBucket::default() };
        if at + BUCKET < down || at >= back {
            bucket.ok = total - held;
            bucket.held = held;
            if at >= back && at < back + 3 * BUCKET {
                bucket.max += 60 * MS;
            }
        } else if at < down {
            bucket.ok = total / 2;
            bucket.info = 8;
            bucket.fail = total - bucket.ok;
            bucket.max = 250 * MS;
        } else {
            bucket.fail = total;
            bucket.info = u32::from(dice.below(7) == 0);
            bucket.min = 90_000;
            bucket.max = 4 * MS + dice.below(240) * MS;
        }
        buckets.push(bucket);
        at += BUCKET;
    }
    WorkloadSeries { name: "locks".to_owned(), buckets }
}

fn lanes(end: u64, kill: u64, promoted: u64, announced: u64, writable: u64, recovers: bool) -> Vec<NodeLane> {
    let span = |from: u64, to: u64, role: NodeRole| RoleSpan { from, to, role };
    let promoted = if recovers { promoted } else { end };
    vec![
        NodeLane {
            name: "redis-1".to_owned(),
            roles: vec![span(900 * MS, kill, NodeRole::Primary), span(kill, end, NodeRole::Unreachable)],
            writable: vec![[910 * MS, kill]],
        },
        NodeLane { name: "redis-2".to_owned(), roles: vec![span(900 * MS, end, NodeRole::Replica)], writable: vec![] },
        NodeLane {
            name: "redis-3".to_owned(),
            roles: vec![span(900 * MS, promoted, NodeRole::Replica), span(promoted, end.max(announced), NodeRole::Primary)],
            writable: if recovers { vec![[writable, end]] } else { vec![] },
        },
    ]
}

fn marks([sdown, odown, elected, promoted, announced]: [u64; 5], recovers: bool) -> Vec<SentinelMark> {
    let master = "master m 10.88.4.11 6379";
    let mut marks = Vec::new();
    let mut mark = |at: u64, node: u32, event: &str, payload: &str| {
        marks.push(SentinelMark { at, node: format!("sentinel-{node}"), event: event.to_owned(), payload: payload.to_owned() });
    };
    mark(sdown, 2, "+sdown", master);
    mark(sdown + 21 * MS, 1, "+sdown", master);
    mark(sdown + 38 * MS, 3, "+sdown", master);
    mark(odown, 2, "+odown", "master m 10.88.4.11 6379 #quorum 2/2");
    mark(odown + MS / 2, 2, "+new-epoch", "1");
    mark(odown + MS, 2, "+try-failover", master);
    mark(odown + MS, 2, "+vote-for-leader", "2f1c40ab 1");
    mark(odown + 3 * MS, 1, "+vote-for-leader", "2f1c40ab 1");
    mark(odown + 4 * MS, 3, "+vote-for-leader", "2f1c40ab 1");
    mark(elected, 2, "+elected-leader", master);
    if recovers {
        mark(elected + 90 * MS, 2, "+selected-slave", "slave 10.88.4.13:6379 10.88.4.13 6379 @ m 10.88.4.11 6379");
        mark(elected + 90 * MS, 2, "+failover-state-send-slaveof-noone", "slave 10.88.4.13:6379 @ m");
        mark(promoted, 2, "+failover-state-wait-promotion", "slave 10.88.4.13:6379 @ m");
        mark(announced - 100 * MS, 2, "+promoted-slave", "slave 10.88.4.13:6379 10.88.4.13 6379 @ m 10.88.4.11 6379");
        mark(announced, 1, "+switch-master", "m 10.88.4.11 6379 10.88.4.13 6379");
        mark(announced + MS, 3, "+switch-master", "m 10.88.4.11 6379 10.88.4.13 6379");
        mark(announced + 1_020 * MS, 2, "+failover-end", master);
        mark(announced + 1_020 * MS, 2, "+switch-master", "m 10.88.4.11 6379 10.88.4.13 6379");
    } else {
        mark(elected + 95 * MS, 2, "-failover-abort-no-good-slave", master);
    }
    marks
}

fn anomalies(shape: &Shape, writable: u64) -> Vec<Anomaly> {
    let mut list = Vec::new();
    for n in 0..shape.double_locks {
        let from = writable + u64::from(n) * 31 * MS;
        list.push(Anomaly {
            kind: AnomalyKind::DoubleAcquired,
            workload: "locks".to_owned(),
            key: 3 + n,
            from,
            to: Some(from + 41 * MS),
            text: format!(
                "client 2 held key {0} (acquired T+5.961 s on redis-1, released never) when client 5 acquired it at {1:.3} s on redis-3; both held it for 41 ms",
                3 + n,
                from as f64 / 1e9
            ),
        });
    }
    for n in 0..shape.double_locks * 2 {
        list.push(Anomaly {
            kind: AnomalyKind::LostLock,
            workload: "locks".to_owned(),
            key: 3 + n,
            from: writable + u64::from(n) * 12 * MS,
            to: None,
            text: format!("client {} found key {} gone 44 ms after it acquired it on redis-1, 2.95 s before its lease ends", n % 8, 3 + n),
        });
    }
    if shape.index % 2 == 1 {
        list.push(Anomaly {
            kind: AnomalyKind::PossibleDouble,
            workload: "locks".to_owned(),
            key: 9,
            from: writable + 4 * MS,
            to: Some(writable + 11 * MS),
            text: "client 1's acquire of key 9 had no reply (timeout at T+6.250 s); if it succeeded, it overlapped client 7's hold"
                .to_owned(),
        });
    }
    list
}

fn summarise(trials: &[Trial]) -> BTreeMap<String, MetricSummary> {
    const METRICS: [(&str, MetricUnit, &str); 6] = [
        (
            "failover.client_gap",
            MetricUnit::Ns,
            "Longest time without an acknowledged write of a workload's client around a fault, by the clients' own clocks.",
        ),
        ("failover.library_cost", MetricUnit::Ns, "Client gap minus server gap: the price of finding the new primary."),
        (
            "failover.write_gap",
            MetricUnit::Ns,
            "From the last write a data node acknowledged before the outage to the first after it, seen by probe writers on every data node.",
        ),
        ("locks.double_acquired", MetricUnit::Count, "Pairs of holds of one key whose cores overlap."),
        ("locks.lost", MetricUnit::Count, "Holds whose key was gone before the lease ended, told by compare-and-delete."),
        ("locks.unavailable_share", MetricUnit::Share, "Share of attempts that failed for another reason than that the lock was held."),
    ];
    let mut summaries = BTreeMap::new();
    for (name, unit, meaning) in METRICS {
        let samples: Vec<(u32, Sample)> = trials
            .iter()
            .filter(|trial| trial.status == TrialStatus::Conclusive)
            .filter_map(|trial| trial.metrics.get(name).map(|sample| (trial.index, *sample)))
            .collect();
        let mut sorted: Vec<Sample> = samples.iter().map(|(_, sample)| *sample).collect();
        sorted.sort_by(|a, b| a.value().total_cmp(&b.value()));
        let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else { continue };
        let summary = MetricSummary {
            unit,
            meaning: meaning.to_owned(),
            min: *min,
            median: sorted[sorted.len() / 2],
            max: *max,
            total: sorted.iter().map(|sample| sample.value()).sum(),
            samples,
        };
        summaries.insert(name.to_owned(), summary);
    }
    summaries
}
