//! Rows of the page's tables, formatted.

use std::collections::BTreeMap;

use super::svg::{Html, prose};
use crate::history::{OpKind, Why};
use crate::render::{by_shard, facts, number};
use crate::result::{AssertionResult, Document, LockCounts, MetricUnit, Prediction, Verdict};

/// One judged assertion.
pub struct AssertionRow {
    /// `pass`, `fail`, `warn`, `inconclusive` or `error`.
    pub verdict: &'static str,
    /// A sign that stands with the word.
    pub sign: &'static str,
    pub metric: String,
    pub limit: String,
    pub actual: String,
    pub margin: String,
    pub place: String,
    pub reason: Html,
}

/// The assertions in the file's order.
pub fn assertions(document: &Document) -> Vec<AssertionRow> {
    let row = |assertion: &AssertionResult| AssertionRow {
        verdict: facts::verdict_word(assertion),
        sign: sign(facts::verdict_word(assertion)),
        metric: assertion.metric.clone(),
        limit: assertion.expect.clone(),
        actual: facts::actual(document, assertion),
        margin: facts::margin(document, assertion),
        place: assertion.location.as_ref().map_or_else(String::new, |at| format!("{}:{}", at.file, at.line)),
        // The limit, the value and the margin say why an assertion fails; the others have more to say.
        reason: match (assertion.verdict, &assertion.vacuous) {
            (_, Some(why)) => prose(&format!("Vacuous, it could not have failed: {why}.")),
            (Verdict::Pass | Verdict::Fail, None) => Html::default(),
            (Verdict::Inconclusive | Verdict::Error, None) => prose(&assertion.reason),
        },
    };
    document.assertions.iter().map(row).collect()
}

/// A sign for a verdict, so that colour is never alone.
pub fn sign(verdict: &str) -> &'static str {
    match verdict {
        "pass" => "✓",
        "fail" => "✗",
        "warn" => "!",
        "error" => "⚡",
        _ => "?",
    }
}

/// One metric over the trials.
pub struct MetricRow {
    pub name: String,
    pub meaning: Html,
    pub min: String,
    pub median: String,
    pub interval: String,
    pub p95: String,
    pub max: String,
    pub total: String,
    pub trials: usize,
}

/// Every metric but those of workloads on single shards, by name.
pub fn metrics(document: &Document) -> Vec<MetricRow> {
    let told = document.metrics.iter().filter(|(name, _)| !by_shard::is_told_there(name));
    let rows = told.map(|(name, metric)| {
        let show = |sample| number::sample(metric.unit, sample);
        MetricRow {
            name: name.clone(),
            meaning: prose(&metric.meaning),
            min: show(metric.min),
            median: show(metric.median),
            interval: facts::interval_text(metric).unwrap_or_default(),
            p95: metric.p95.map_or_else(String::new, show),
            max: show(metric.max),
            total: if metric.unit == MetricUnit::Count { number::count(metric.total) } else { String::new() },
            trials: metric.samples.len(),
        }
    });
    rows.collect()
}

/// Something that should never happen, over the trials.
pub struct RareRow {
    pub name: String,
    pub total: String,
    pub per_trial: String,
    pub trials: String,
    pub bound: String,
}

/// What should never happen, by name.
pub fn rare(document: &Document) -> Vec<RareRow> {
    facts::rare(document)
        .map(|(name, metric, rare)| RareRow {
            name: name.to_owned(),
            total: number::count(metric.total),
            per_trial: number::count(rare.per_trial),
            trials: format!("{} of {}", rare.trials, number::count(metric.samples.len() as f64)),
            bound: facts::bound_text(metric, rare),
        })
        .collect()
}

/// How often attempts ended for one reason, over the conclusive trials.
pub struct ReasonRow {
    pub workload: String,
    pub op: &'static str,
    pub why: &'static str,
    pub outcome: &'static str,
    pub meaning: &'static str,
    pub count: String,
    pub per_trial: String,
    pub first: String,
    pub last: String,
}

/// Sums over the trials, and the earliest and latest time from the schedule's zero.
struct Sum {
    workload: String,
    count: u64,
    first: u64,
    last: u64,
}

/// Error classes, most frequent first within a workload.
pub fn reasons(document: &Document) -> Vec<ReasonRow> {
    let trials = facts::conclusive(document).count().max(1);
    let mut sums: BTreeMap<(usize, &'static str, Why), Sum> = BTreeMap::new();
    for trial in facts::conclusive(document) {
        for (index, workload) in trial.workloads.iter().enumerate() {
            for reason in workload.reasons.iter().filter(|reason| reason.count > 0) {
                let never = || Sum { workload: workload.name.clone(), count: 0, first: u64::MAX, last: 0 };
                let sum = sums.entry((index, op_word(reason.op), reason.why)).or_insert_with(never);
                sum.count += reason.count;
                sum.first = sum.first.min(reason.first.saturating_sub(trial.zero));
                sum.last = sum.last.max(reason.last.saturating_sub(trial.zero));
            }
        }
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|((index, ..), sum)| (*index, std::cmp::Reverse(sum.count)));
    let row = |((_, op, why), sum): ((usize, &'static str, Why), Sum)| {
        let (outcome, meaning) = explain(why);
        ReasonRow {
            workload: sum.workload,
            op,
            why: why.as_str(),
            outcome,
            meaning,
            count: number::count(sum.count as f64),
            per_trial: number::count((sum.count as f64 / trials as f64).round()),
            first: number::instant(sum.first, 0),
            last: number::instant(sum.last, 0),
        }
    };
    sums.into_iter().map(row).collect()
}

fn op_word(op: OpKind) -> &'static str {
    match op {
        OpKind::Acquire => "acquire",
        OpKind::Release => "release",
        OpKind::Add => "add",
        OpKind::Count => "count",
        OpKind::Expire => "expire",
        OpKind::Uncount => "uncount",
        OpKind::Get => "get",
        OpKind::Put => "put",
        OpKind::Renew => "renew",
        OpKind::Read => "read",
        OpKind::Write => "write",
        OpKind::Swap => "swap",
        OpKind::Increment => "increment",
    }
}

/// What a reason says about whether the operation was executed, and where it comes from.
pub fn explain(why: Why) -> (&'static str, &'static str) {
    match why {
        Why::Held => ("not executed", "SET NX answered nil: somebody holds the lock; normal under contention"),
        Why::Gone => ("executed", "compare-and-delete found the key gone or with another token"),
        Why::Changed => ("executed", "compare-and-set found another value and wrote nothing; normal under contention"),
        Why::Connect => ("not executed", "no connection: refused, unreachable or timed out before anything was sent"),
        Why::NoPrimary => ("not executed", "no primary was found"),
        Why::Quorum => ("not held", "too few independent primaries said that they did it, or too late"),
        Why::Overload => ("not executed", "more operations were waiting than the client may have; never sent"),
        Why::Timeout => ("unknown", "no reply in time; it may have been executed"),
        Why::Reset => ("unknown", "the connection broke after the request was sent"),
        Why::Readonly => ("not executed", "-READONLY: the node is a replica"),
        Why::Loading => ("not executed", "-LOADING: the node reads its data set"),
        Why::Masterdown => ("not executed", "-MASTERDOWN: the replica has no link to its primary"),
        Why::Noreplicas => ("not executed", "-NOREPLICAS: min-replicas-to-write is not met"),
        Why::Misconf => ("not executed", "-MISCONF: persistence fails"),
        Why::Oom => ("not executed", "-OOM: maxmemory reached"),
        Why::Busy => ("not executed", "-BUSY: a script blocks the server"),
        Why::Denied => ("not executed", "authentication or permission refused"),
        Why::Moved => ("not executed", "MOVED: another node serves the slot"),
        Why::Ask => ("not executed", "ASK: the key is on its way to another node"),
        Why::Tryagain => ("not executed", "TRYAGAIN: the keys are on their way to another node"),
        Why::Clusterdown => ("not executed", "CLUSTERDOWN: not every slot is served"),
        Why::Redirected => ("not executed", "keys of several slots in one command"),
        Why::Cancelled => ("unknown", "the client was stopped while the operation was under way"),
        Why::Other => ("unknown", "any other error reply"),
    }
}

/// What one workload's clients saw, over the conclusive trials.
pub struct WorkloadRow {
    pub name: String,
    pub kind: String,
    pub attempts: String,
    pub ok: String,
    pub fail: String,
    pub info: String,
    pub latency: [String; 3],
    /// Locks taken, or elements acknowledged and how many of them were lost.
    pub locks: String,
}

/// The workloads in the file's order; latencies are medians over the trials, the largest is the largest of all.
pub fn workloads(document: &Document) -> Vec<WorkloadRow> {
    let trials: Vec<_> = facts::conclusive(document).collect();
    let Some(most) = trials.iter().map(|trial| trial.workloads.len()).max() else { return Vec::new() };
    let row = |index: usize| {
        let results: Vec<_> = trials.iter().filter_map(|trial| trial.workloads.get(index)).collect();
        let first = results.first()?;
        let sum = |value: fn(&crate::result::WorkloadResult) -> u64| results.iter().map(|one| value(one)).sum::<u64>();
        let (ok, fail, info) = (sum(|one| one.ok), sum(|one| one.fail), sum(|one| one.info));
        let spread = |at: usize| facts::spread(&results.iter().map(|one| one.latency[at] as f64).collect::<Vec<_>>());
        let sets: Vec<_> = results.iter().filter_map(|one| one.set.as_ref()).collect();
        let (acknowledged, lost) = (sets.iter().map(|set| set.acknowledged).sum::<u64>(), sets.iter().map(|set| set.lost).sum::<u64>());
        let counters = results.iter().filter_map(|one| one.counter.as_ref()).map(|one| [one.acknowledged, one.lost]);
        let registers = results.iter().filter_map(|one| one.register.as_ref()).map(|one| [one.acknowledged, one.lost]);
        let others = counters.chain(registers).reduce(|sum, one| [sum[0] + one[0], sum[1] + one[1]]);
        Some(WorkloadRow {
            name: first.name.clone(),
            kind: first.kind.clone(),
            attempts: number::count((ok + fail + info) as f64),
            ok: number::count(ok as f64),
            fail: number::count(fail as f64),
            info: number::count(info as f64),
            latency: [number::duration(spread(0).1), number::duration(spread(1).1), number::duration(spread(2).2)],
            locks: match () {
                () if first.locks.is_some() => locks_words(&results.iter().filter_map(|one| one.locks.as_ref()).collect::<Vec<_>>()),
                () if first.set.is_some() => format!("{} added, {} lost", number::count(acknowledged as f64), number::count(lost as f64)),
                () => others.map_or_else(String::new, |[acknowledged, lost]| {
                    format!("{} acknowledged, {} lost", number::count(acknowledged as f64), number::count(lost as f64))
                }),
            },
        })
    };
    (0..most).filter_map(row).collect()
}

/// What became of the locks of one workload, over the trials: what went wrong only where something did.
fn locks_words(trials: &[&LockCounts]) -> String {
    let sum = |count: fn(&LockCounts) -> u64| trials.iter().map(|locks| count(locks)).sum::<u64>();
    let told = [
        (sum(|locks| locks.double_acquired), "held twice"),
        (sum(|locks| locks.ttl_overrun), "outlived"),
        (sum(|locks| locks.lost), "lost"),
        (sum(|locks| locks.stuck), "stuck"),
        (sum(|locks| locks.fenced_out), "fenced out"),
        (sum(|locks| locks.lost_updates), "updates lost"),
    ];
    let mut words = vec![format!("{} taken", number::count(sum(|locks| locks.acquired) as f64))];
    words.extend(told.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{} {word}", number::count(*count as f64))));
    words.join(", ")
}

/// One part of the gap over the trials.
pub struct PartRow {
    pub number: &'static str,
    pub class: &'static str,
    pub name: String,
    pub median: String,
    pub range: String,
    pub whose: &'static str,
    pub share: String,
}

/// The parts of the gap with their share of the median gap.
pub fn parts(document: &Document) -> Vec<PartRow> {
    let parts = facts::parts(document);
    let whole: f64 = parts.iter().map(|part| part.spread().1).sum();
    let row = |part: &facts::PartSummary| {
        let (_, median, _) = part.spread();
        let (class, _, number) = super::anatomy::part_style(&part.name);
        PartRow {
            number,
            class,
            name: part.name.clone(),
            median: part.median(),
            range: part.range(),
            whose: if facts::is_server_part(&part.name) { "server write gap" } else { "library cost" },
            share: number::share(if whole > 0.0 { (median / whole * 1e3).round() / 1e3 } else { 0.0 }),
        }
    };
    parts.iter().map(row).collect()
}

/// A metric with a prediction, both in words.
pub struct PredictionRow {
    pub metric: String,
    pub measured: String,
    pub predicted: String,
    pub agreement: String,
    pub formula: Html,
}

/// The predictions beside what was measured.
pub fn predictions(document: &Document) -> Vec<PredictionRow> {
    let row = |(name, prediction): (&String, &Prediction)| {
        let metric = document.metrics.get(name);
        let range = format!("{} to {}", number::duration(prediction.low as f64), number::duration(prediction.high as f64));
        let agreement = metric.map_or_else(
            || "not measured".to_owned(),
            |metric| {
                let median = metric.median.value();
                match median {
                    m if m <= prediction.high as f64 && facts::is_open(metric.median) => "not over when the trial ended".to_owned(),
                    m if m < prediction.low as f64 => format!("{} below", number::duration(prediction.low as f64 - m)),
                    m if m > prediction.high as f64 => format!("{} above", number::duration(m - prediction.high as f64)),
                    _ => "inside".to_owned(),
                }
            },
        );
        PredictionRow {
            metric: name.clone(),
            measured: metric.map_or_else(String::new, |metric| number::sample(metric.unit, metric.median)),
            predicted: range,
            agreement,
            formula: prose(&prediction.formula),
        }
    };
    document.predictions.iter().map(row).collect()
}
