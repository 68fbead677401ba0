//! What the reports have in common: look-ups in a document and the few sums that are made of it.

use std::collections::BTreeSet;

use redquake_experiments::spec::{Comparison, Expectation, Limit, Severity};

use super::number;
use crate::analysis::OUTAGE;
use crate::history::FaultState;
use crate::result::{
    AnomalyKind, AssertionResult, Document, Failover, Interval, LockCounts, MetricSummary, MetricUnit, RareEvent, Sample, SetCounts,
    SplitBrain, SplitNode, Trial, TrialStatus, Verdict,
};
use crate::result::{EndedBy, FaultOutcome, Precision};

/// The server gap: no data node acknowledged a write.
pub const WRITE_GAP: &str = "failover.write_gap";
/// The client gap: no client of a workload had a write acknowledged.
pub const CLIENT_GAP: &str = "failover.client_gap";
/// The difference between the two.
pub const LIBRARY_COST: &str = "failover.library_cost";
/// The server gap for reads.
pub const READ_GAP: &str = "failover.read_gap";
/// Times a primary came back with less than it had.
pub const DATA_RESETS: &str = "failover.data_resets";
/// How long a primary went on acknowledging writes after the fault that took it.
pub const STILL_ACKNOWLEDGED: &str = "failover.still_acknowledged";
/// Writes of clients taken by the wrong one of several primaries.
pub const SPLIT_BRAIN_WRITES: &str = "failover.split_brain_writes";
/// What shards felt that no fault took hold of.
pub const BLAST_RADIUS: &str = "failover.blast_radius";
/// Time in which two nodes acknowledged writes.
pub const SPLIT_BRAIN: &str = "failover.split_brain";

/// The parts of a gap, in the order in which they happen.
pub const PARTS: [&str; 9] = ["detection", "agreement", "delay", "order", "retry", "election", "promotion", "announcement", "rediscovery"];

/// How many of `PARTS` make up the server gap; the others are what the clients need on top.
const SERVER_PARTS: usize = 7;

/// Whether a part belongs to the server gap rather than to the library cost.
pub fn is_server_part(name: &str) -> bool {
    PARTS.iter().position(|part| *part == name).is_none_or(|at| at < SERVER_PARTS)
}

/// Name of the experiment, and of the cell where it is one of a matrix.
pub fn title(document: &Document) -> String {
    match &document.cell {
        Some(cell) => format!("{} [{cell}]", document.name),
        None => document.name.clone(),
    }
}

/// How sure the run was to become, and how sure it became; `None` where that was not asked for.
pub fn precision_text(precision: &Precision) -> String {
    let share = |value: f64| number::share((value * 1e5).round() / 1e5);
    let got = precision.got.map_or_else(|| "not known".to_owned(), |got| format!("±{}", share(got)));
    let ended = match precision.ended_by {
        EndedBy::Precision => "reached",
        EndedBy::Time => "not reached when the time that was allowed was spent",
        EndedBy::Trials => "not reached with the trials that were allowed",
        EndedBy::Other => "not reached when the run ended",
    };
    let of = number::plural(u64::from(precision.n), "trial", "trials");
    format!("median {} ±{} wanted, {got} after {of}: {ended}", precision.metric, share(precision.wanted))
}

/// Trials that count.
pub fn conclusive(document: &Document) -> impl Iterator<Item = &Trial> {
    document.trials.iter().filter(|trial| trial.status == TrialStatus::Conclusive)
}

/// Lock counts summed over the conclusive trials; `None` without a lock workload.
pub fn locks(document: &Document) -> Option<LockCounts> {
    conclusive(document).flat_map(|trial| &trial.workloads).filter_map(|workload| workload.locks.as_ref()).fold(None, |sum, one| {
        let sum = sum.unwrap_or_default();
        Some(LockCounts {
            acquired: sum.acquired.saturating_add(one.acquired),
            double_acquired: sum.double_acquired.saturating_add(one.double_acquired),
            double_held_time: sum.double_held_time.saturating_add(one.double_held_time),
            ttl_overrun: sum.ttl_overrun.saturating_add(one.ttl_overrun),
            possible: sum.possible.saturating_add(one.possible),
            lost: sum.lost.saturating_add(one.lost),
            stuck: sum.stuck.saturating_add(one.stuck),
            updates: sum.updates.saturating_add(one.updates),
            lost_updates: sum.lost_updates.saturating_add(one.lost_updates),
            fenced_out: sum.fenced_out.saturating_add(one.fenced_out),
            fenced_alone: sum.fenced_alone.saturating_add(one.fenced_alone),
            token_regressions: sum.token_regressions.saturating_add(one.token_regressions),
        })
    })
}

/// Counts of set workloads summed over the conclusive trials; `None` without one.
pub fn sets(document: &Document) -> Option<SetCounts> {
    conclusive(document).flat_map(|trial| &trial.workloads).filter_map(|workload| workload.set.as_ref()).fold(None, |sum, one| {
        let sum = sum.unwrap_or_default();
        Some(SetCounts {
            acknowledged: sum.acknowledged.saturating_add(one.acknowledged),
            lost: sum.lost.saturating_add(one.lost),
            recovered: sum.recovered.saturating_add(one.recovered),
            unexpected: sum.unexpected.saturating_add(one.unexpected),
            never_read: sum.never_read.saturating_add(one.never_read),
            by_node: Vec::new(),
        })
    })
}

/// Acknowledged increments, and those of them that were lost, over the conclusive trials; `None` without a counter workload.
pub fn counters(document: &Document) -> Option<[u64; 2]> {
    let counts = conclusive(document).flat_map(|trial| &trial.workloads).filter_map(|workload| workload.counter.as_ref());
    counts.map(|one| [one.acknowledged, one.lost]).reduce(|sum, one| [sum[0] + one[0], sum[1] + one[1]])
}

/// Registers that were used, those that no single one would have answered like, and those nobody could judge; `None` without a register workload.
pub fn registers(document: &Document) -> Option<[u64; 3]> {
    let counts = conclusive(document).flat_map(|trial| &trial.workloads).filter_map(|workload| workload.register.as_ref());
    let counts = counts.map(|one| [one.registers, one.violations, one.inconclusive]);
    counts.reduce(|sum, one| [sum[0] + one[0], sum[1] + one[1], sum[2] + one[2]])
}

/// `redis-1 took 1,204 writes of clients and 16,021 of probes, all gone once it follows another`.
pub fn taken_by(node: &SplitNode) -> String {
    let gone = if node.kept { "" } else { ", gone once it follows another" };
    format!(
        "{} took {} writes of clients and {} of probes{gone}",
        node.name,
        number::count(node.client_writes as f64),
        number::count(node.probe_writes as f64)
    )
}

/// What each node of a split brain took.
pub fn taken_words(split: &SplitBrain) -> String {
    split.nodes.iter().map(taken_by).collect::<Vec<_>>().join("; ")
}

/// One part of the gap over all conclusive trials, in nanoseconds.
pub struct PartSummary {
    /// Its name.
    pub name: String,
    /// Length in each outage that has it.
    pub lengths: Vec<f64>,
    /// Those of the lengths that the end of the trial cut short: the true ones are longer.
    pub open: Vec<f64>,
}

impl PartSummary {
    /// Smallest, middle, largest.
    pub fn spread(&self) -> (f64, f64, f64) {
        spread(&self.lengths)
    }

    /// The middle in words; with a `≥` where it would be longer had the trials not ended.
    pub fn median(&self) -> String {
        let (_, median, _) = self.spread();
        let mut sorted = self.lengths.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        let cut = self.open.iter().any(|open| *open <= middle);
        number::sample(MetricUnit::Ns, if cut { Sample::AtLeast(median) } else { Sample::Exact(median) })
    }

    /// `43.2 ms to 66.4 ms`; nothing where all are the same.
    pub fn range(&self) -> String {
        let (min, _, max) = self.spread();
        let bound = |value| if self.open.contains(&value) { Sample::AtLeast(value) } else { Sample::Exact(value) };
        let (min, max) = (number::sample(MetricUnit::Ns, bound(min)), number::sample(MetricUnit::Ns, bound(max)));
        if min == max { String::new() } else { format!("{min} to {max}") }
    }
}

/// Smallest, middle and largest of some numbers; the middle is the mean of the two middle ones for an even number.
pub fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = match sorted.len() {
        0 => return (0.0, 0.0, 0.0),
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    };
    (sorted[0], middle, sorted[sorted.len() - 1])
}

/// The parts of every outage of the conclusive trials, in order of time. A shard that was only refused had no failover to tell in parts.
pub fn parts(document: &Document) -> Vec<PartSummary> {
    let mut summaries: Vec<PartSummary> = Vec::new();
    let failovers = conclusive(document).flat_map(|trial| &trial.failovers);
    for failover in failovers.filter(|failover| failover.refused_for_coverage.is_none()) {
        for (index, part) in failover.parts.iter().enumerate() {
            let length = part.to.saturating_sub(part.from) as f64;
            let place = summaries.iter().position(|summary| summary.name == part.name).unwrap_or_else(|| {
                summaries.push(PartSummary { name: part.name.clone(), lengths: Vec::new(), open: Vec::new() });
                summaries.len() - 1
            });
            summaries[place].lengths.push(length);
            if index + 1 == failover.parts.len() && unended(failover) {
                summaries[place].open.push(length);
            }
        }
    }
    summaries.sort_by_key(|summary| PARTS.iter().position(|name| *name == summary.name).unwrap_or(PARTS.len()));
    summaries
}

/// Whether somebody was kept from writing. A fault that stops nothing has gaps as well: the spacing of the probes.
pub fn is_outage(failover: &Failover) -> bool {
    let gaps = [&failover.write_gap, &failover.client_gap];
    !failover.parts.is_empty() || gaps.into_iter().flatten().any(|gap| gap.length.value() >= OUTAGE as f64)
}

/// `, shard 2` for an outage of a Cluster.
pub fn shard_tail(failover: &Failover) -> String {
    failover.shard.map(|shard| format!(", shard {shard}")).unwrap_or_default()
}

/// What marks an outage that the servers came to by themselves after a fault.
pub fn again(failover: &Failover) -> &'static str {
    if failover.aftershock { ", again" } else { "" }
}

/// Whether the trial ended before an outage did, so that its last part is cut short.
pub fn unended(failover: &Failover) -> bool {
    [&failover.write_gap, &failover.client_gap].into_iter().flatten().any(|gap| gap.to.is_none())
}

/// How many trials there are: `6 trials, 1 inconclusive, 2 not begun, 1 repeated`.
pub fn trials(document: &Document) -> String {
    let count = |status| document.trials.iter().filter(|trial| trial.status == status).count() as u64;
    let further = [
        (count(TrialStatus::Inconclusive), "inconclusive"),
        (count(TrialStatus::Error), "failed by the environment"),
        (document.not_begun.len() as u64, "not begun"),
        (repeated(document), "repeated"),
    ];
    let further = further.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!(", {number} {word}"));
    number::plural(document.trials.len() as u64, "trial", "trials") + &further.collect::<String>()
}

/// How many trials proved nothing and were repeated.
pub fn repeated(document: &Document) -> u64 {
    document.trials.iter().filter_map(|trial| trial.repeats).collect::<BTreeSet<u32>>().len() as u64
}

/// What a kind of anomaly is called.
pub fn anomaly_name(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::DoubleAcquired => "double-acquired",
        AnomalyKind::LostWrite => "lost write",
        AnomalyKind::ChargedTwice => "charged twice",
        AnomalyKind::LostUpdate => "lost update",
        AnomalyKind::NotLinearizable => "not linearizable",
        AnomalyKind::UnexpectedWrite => "unexpected write",
        AnomalyKind::OverAdmitted => "over-admitted",
        AnomalyKind::ImmortalKey => "immortal keys",
        AnomalyKind::StuckLock => "stuck lock",
        AnomalyKind::LostLock => "lost lock",
        AnomalyKind::TokenRegression => "token gone back",
        AnomalyKind::StaleRead => "stale read",
        AnomalyKind::TtlOverrun => "TTL overrun",
        AnomalyKind::PossibleDouble => "possible double",
    }
}

/// `median 2.21 s of 5 trials, 2.18 s to 2.29 s`, or the plain value of one trial.
pub fn spread_text(metric: &MetricSummary) -> String {
    let show = |sample| number::sample(metric.unit, sample);
    match metric.samples.len() {
        0 | 1 => "one trial".to_owned(),
        n if show(metric.min) == show(metric.max) => format!("the same in all {n} trials"),
        n => {
            let sure = interval_text(metric).filter(|_| narrows(metric)).map_or_else(String::new, |text| format!(" ({text} at 95 %)"));
            let p95 = metric.p95.map_or_else(String::new, |p95| format!(", p95 {}", show(p95)));
            format!("median of {n} trials{sure}, {} to {}{p95}", show(metric.min), show(metric.max))
        }
    }
}

/// The 95 % interval of the median: `1.34 s to 1.36 s`.
pub fn interval_text(metric: &MetricSummary) -> Option<String> {
    let Interval { low, high } = metric.median_interval?;
    let (low, high) = (number::value(metric.unit, low), number::value(metric.unit, high));
    Some(if low == high { low } else { format!("{low} to {high}") })
}

/// Whether the interval tells more than the range of the values.
fn narrows(metric: &MetricSummary) -> bool {
    metric.median_interval.is_some_and(|sure| sure.low > metric.min.value() || sure.high < metric.max.value())
}

/// How sure the share of trials with a rare event is: `below 1.5 % of trials at 95 %`. Ends are rounded outwards.
pub fn bound_text(metric: &MetricSummary, rare: &RareEvent) -> String {
    let low = || number::share((rare.share.low * 1e3).floor() / 1e3);
    let high = || number::share((rare.share.high * 1e3).ceil() / 1e3);
    match rare.trials {
        0 => format!("below {} of trials at 95 %", high()),
        all if all as usize >= metric.samples.len() => format!("above {} of trials at 95 %", low()),
        _ => format!("{} to {} of trials at 95 %", low(), high()),
    }
}

/// `in 0 of 200 trials: below 1.5 % of trials at 95 %`.
pub fn rare_text(metric: &MetricSummary, rare: &RareEvent) -> String {
    format!("in {} of {}: {}", rare.trials, number::plural(metric.samples.len() as u64, "trial", "trials"), bound_text(metric, rare))
}

/// Events that should never happen and can be told for sure, with how often they did.
pub fn rare(document: &Document) -> impl Iterator<Item = (&str, &MetricSummary, &RareEvent)> {
    let told = document.metrics.iter().filter_map(|(name, metric)| Some((name.as_str(), metric, metric.rare.as_ref()?)));
    told.filter(|(name, ..)| !name.ends_with(".possible"))
}

/// `2.18 s to 2.29 s`, or the one value where all are the same.
pub fn range_text(metric: &MetricSummary) -> String {
    let (min, max) = (number::sample(metric.unit, metric.min), number::sample(metric.unit, metric.max));
    if min == max { min } else { format!("{min} to {max}") }
}

/// Unit of an assertion's metric: what the metric says, else what its limit is written in.
pub fn unit_of(document: &Document, assertion: &AssertionResult) -> MetricUnit {
    if let Some(metric) = document.metrics.get(&assertion.metric) {
        return metric.unit;
    }
    match assertion.expect.parse::<Expectation>().map(|expectation| expectation.limit) {
        Ok(Limit::Time(_)) => MetricUnit::Ns,
        Ok(Limit::Share(_)) => MetricUnit::Share,
        Ok(Limit::Rate(_)) => MetricUnit::Rate,
        _ => MetricUnit::Count,
    }
}

/// The limit of an assertion in its metric's unit, where it can be read.
pub fn limit_of(assertion: &AssertionResult) -> Option<f64> {
    match assertion.expect.parse::<Expectation>().ok()?.limit {
        Limit::Time(nanos) => Some(nanos as f64),
        Limit::Number(number) | Limit::Share(number) => Some(number),
        Limit::Rate(rate) => Some(rate.as_per_second()),
    }
}

/// The measured value in words.
pub fn actual(document: &Document, assertion: &AssertionResult) -> String {
    match (assertion.actual_text.is_empty(), assertion.actual) {
        (false, _) => assertion.actual_text.clone(),
        (true, Some(sample)) => number::sample(unit_of(document, assertion), sample),
        (true, None) => "not measured".to_owned(),
    }
}

/// The distance to the limit in words: `2.71 s to spare`, `290 ms over`, `8 off`.
pub fn margin(document: &Document, assertion: &AssertionResult) -> String {
    let Some(margin) = assertion.margin else { return "–".to_owned() };
    // What had not ended is nowhere near a limit yet.
    if assertion.verdict == Verdict::Inconclusive && assertion.actual.is_some_and(is_open) {
        return "not decided".to_owned();
    }
    let distance = number::value(unit_of(document, assertion), margin.abs());
    let comparison = assertion.expect.parse::<Expectation>().map(|expectation| expectation.comparison);
    let (inside, outside) = match comparison {
        Ok(Comparison::Less | Comparison::AtMost) => ("to spare", "over"),
        Ok(Comparison::Greater | Comparison::AtLeast) => ("to spare", "short"),
        Ok(Comparison::Equal) if assertion.verdict == Verdict::Pass => return "exact".to_owned(),
        _ => ("to spare", "off"),
    };
    let missed = margin < 0.0 || assertion.verdict == Verdict::Fail;
    format!("{distance} {}", if missed { outside } else { inside })
}

/// The verdict of an assertion as it counts: a missed `warn` is a warning.
pub fn verdict_word(assertion: &AssertionResult) -> &'static str {
    match (assertion.verdict, assertion.severity) {
        (Verdict::Fail, Severity::Warn) => "warn",
        (verdict, _) => verdict.as_str(),
    }
}

/// Whether a gap was still open when its trial ended.
pub fn is_open(sample: Sample) -> bool {
    matches!(sample, Sample::AtLeast(_))
}

/// Length of the longest write gap of a failover, server first, else client; ns.
pub fn gap_length(failover: &Failover) -> Option<Sample> {
    failover.write_gap.as_ref().or(failover.client_gap.as_ref()).map(|gap| gap.length)
}

/// How far a fault came, in words.
pub fn fault_state(fault: &FaultOutcome) -> &'static str {
    match fault.state {
        FaultState::Injected => "injected, not verified",
        FaultState::Proved => "verified",
        FaultState::Unproved => "not verified",
        FaultState::Reverted => "reverted, not verified",
        FaultState::RevertProved if fault.action == "reshard" => "verified, and its end verified",
        FaultState::RevertProved => "verified, and its reversal verified",
        FaultState::RevertUnproved => "reversal not verified",
        FaultState::Skipped => "skipped",
        FaultState::Missed => "did not happen",
    }
}
