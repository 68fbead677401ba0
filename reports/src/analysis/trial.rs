//! From a history to one analysed trial.

use std::collections::BTreeMap;
use std::io::Read;

use redquake_experiments::spec::Role;

use super::collect::{Collected, Lane, Load};
use super::deeds::Deeds;
use super::evidence::Stage;
use super::explain::{CONTRADICTS, explain};
use super::fallback::Period;
use super::found::{Found, Kept, MOST_TOLD};
use super::gap::OUTAGE;
use super::locks::Names;
use super::machine;
use super::moves::{moves, of_moves, told as moved};
use super::objects;
use super::outages::ExplainedOutage;
use super::resets::Reset;
use super::samples::{Samples, of_failovers, of_shards, of_workload};
use super::servers::Heir;
use super::shards::shards;
use super::split::{Split, split};
use super::timeline::{down, marks, writable};
use super::validity::Findings;
use super::words::{instant, number_text, span};
use crate::history::{Ending, Event, FaultState, Header, HistoryError, PhaseName, Reader, Stall};
use crate::result::{
    Anomaly, AnomalyKind, Crash, NodeLane, Promotion, Sample, SentinelMark, SplitBrain, SplitNode, TimelineData, Trial, WorkloadResult,
    WorkloadSeries,
};

/// Analyses a history in one pass. `Trial::history` is left empty: only the caller knows where the file is.
///
/// # Errors
/// When the file cannot be read, or holds what this version does not know. A history that is damaged or ends early gives an
/// inconclusive trial of what there was before.
pub fn analyze<R: Read>(reader: Reader<R>) -> Result<Trial, HistoryError> {
    analyze_telling(reader, &mut |_| ())
}

/// The same, and hands every anomaly to `each`, also those that the trial does not list. They come by workload and kind.
///
/// # Errors
/// As [`analyze`].
pub fn analyze_telling<R: Read>(mut reader: Reader<R>, each: &mut dyn FnMut(&Anomaly)) -> Result<Trial, HistoryError> {
    let mut collected = Collected::new(reader.header());
    for event in reader.by_ref() {
        match event {
            Ok(event) => collected.take(&event),
            Err(damaged @ HistoryError::Damaged { .. }) => return Ok(finish(collected, Err(damaged), each)),
            Err(other) => return Err(other),
        }
    }
    Ok(finish(collected, Ok(reader.ending()), each))
}

/// The same from events in memory, without the header; for what was never stored.
pub fn analyze_events<'a>(header: &Header, events: impl IntoIterator<Item = &'a Event>) -> Trial {
    let mut collected = Collected::new(header);
    let mut ending = Ending::Missing;
    for event in events {
        collected.take(event);
        if matches!(event, Event::End(_)) {
            ending = Ending::Complete;
        }
    }
    finish(collected, Ok(Some(ending)), &mut |_| ())
}

fn finish(mut all: Collected, ending: Result<Option<Ending>, HistoryError>, tell: &mut dyn FnMut(&Anomaly)) -> Trial {
    all.reigns.sort();
    all.sentinel.sort_by_key(|message| (message.at, message.node));
    all.cluster.sort_by_key(|event| (event.at, event.node, event.news));
    let names: Vec<String> = all.nodes.iter().map(|node| node.name.clone()).collect();
    let baseline = all.phase(PhaseName::Baseline);
    let end = all.phase(PhaseName::Stop).unwrap_or(all.last);
    // A trial without a baseline has no schedule; its end is as good a zero as any.
    let zero = baseline.unwrap_or(end).min(end);
    let measured = baseline.map_or(0, |zero| end.saturating_sub(zero));

    let mut findings = Findings::default();
    findings.ending(&ending);
    let seen = objects::judge(&all.objects, &Deeds::new(&all.faults, &all.header.plan.faults), zero, end);
    // It explains whatever else is found.
    seen.outside.iter().for_each(|what| findings.reason(what.clone()));
    crashes_told(&seen.crashes, zero, &mut findings);
    findings.notes(&all.notes);
    if baseline.is_none() && findings.reasons.is_empty() {
        findings.reason("the trial ended before its baseline window");
    }
    if all.strange > 0 {
        findings.reason(format!("{} operations belong to workloads that the plan does not have", all.strange));
    }

    let planned = &all.header.plan.faults;
    let faults = all.faults.outcomes(planned, zero);
    if baseline.is_some() {
        let reversible: Vec<bool> = planned.iter().map(|fault| fault.lasts.is_some()).collect();
        findings.faults(&faults, &reversible, &seen.crashes);
    }

    let explained = explain(&all, &Stage { names: &names, faults: &faults, crashes: &seen.crashes, zero, end }, &mut findings);
    let told = explained.told;
    if told.iter().any(|one| one.failover.parts.iter().any(|part| part.name == "retry")) {
        findings.remark(match all.header.plan.experiment.topology.cluster() {
            None => "a failover succeeded only after a failed attempt; Sentinel waits twice its failover-timeout between attempts",
            Some(_) => "a failover succeeded only after a failed attempt; a replica stands again after four node timeouts, 4 s at least",
        });
    }
    let aftershocks: Vec<SentinelMark> = explained.promotions.iter().filter(|one| one.aftershock).map(mark).collect();
    let edges: Vec<u64> = told.iter().flat_map(edges).collect();
    findings.stalls(&all.stalls, zero, end, &edges, all.header.probe_every);
    machine::judge(
        &all.server_stalls,
        &machine::Measured { zero, end, edges: machine::edges(&told) },
        all.header.probe_every,
        &mut findings,
    );
    let late_in_pause = late_in_pause(&told, &all.stalls);

    let mut metrics = Samples::new();
    if seen.watched {
        metrics.insert("failover.crashes".to_owned(), Sample::Exact(seen.crashes.len() as f64));
    }
    if baseline.is_some() && !faults.is_empty() {
        let missed = faults.iter().filter(|fault| fault.state == FaultState::Missed).count();
        metrics.insert("failover.missed_faults".to_owned(), Sample::Exact(missed as f64));
    }
    of_failovers(&told, [explained.promotions.len() as u64, explained.aftershocks], &mut metrics);
    of_shards(&told, &mut metrics);
    resets_told(&all, zero, &names, &mut metrics, &mut findings);

    let healed = all.phase(PhaseName::Recovery);
    let bucket = all.workloads.iter().flat_map(|load| &load.lanes).map(|lane| lane.buckets.width()).max().unwrap_or_default();
    let mut timeline =
        TimelineData { bucket, workloads: Vec::new(), nodes: Vec::new(), sentinel: marks(&all.sentinel, &all.cluster, &names) };
    timeline.sentinel.extend(aftershocks);
    timeline.sentinel.sort_by_key(|mark| mark.at);
    let heirs: Vec<Option<Heir>> = shards(&all.header, &all.nodes).iter().map(|shard| all.heir(&shard.nodes, end)).collect();
    let mut roles = std::mem::take(&mut all.roles).into_iter();
    for (node, index) in all.nodes.iter().zip(0_u16..) {
        let roles = roles.next().unwrap_or_default();
        if node.role != Role::Sentinel {
            let writable = writable(&all.writes, index, all.header.probe_every);
            let down = down(&all.cluster, index, end);
            timeline.nodes.push(NodeLane { name: node.name.clone(), roles: roles.spans(), writable, down });
        }
    }
    // Only data nodes have a lane.
    let data = all.nodes.iter().zip(0_u16..).filter(|(node, _)| node.role != Role::Sentinel).map(|(_, index)| index);
    let lanes: Vec<(u16, &[[u64; 2]])> = data.zip(&timeline.nodes).map(|(index, lane)| (index, lane.writable.as_slice())).collect();
    let each = shards(&all.header, &all.nodes);
    let each = each.iter().map(|shard| split(lanes.iter().copied().filter(|(index, _)| shard.has(*index)), zero, end));
    // Shards are told together: what lasted longest, of all of them.
    let split = each.reduce(|worst, other| if other.total > worst.total { other } else { worst }).unwrap_or_default();
    let split = split_told(&all, &split, &heirs, zero, &mut metrics, &mut findings);
    let broken = faults.iter().filter_map(|fault| fault.injected_at).min().map_or(end, |at| at.clamp(zero, end));
    let period = Period { from: zero, broken, to: end };
    let mut servers = std::mem::take(&mut all.servers);
    servers.settle(heirs);
    let (mut workloads, mut found) = (Vec::new(), Found::new(tell));
    for load in std::mem::take(&mut all.workloads) {
        let Load { spec, check, tally, lanes, .. } = load;
        if healed.and_then(|healed| check.judgeable_from(healed)).is_some_and(|from| from > end) {
            findings.remark(format!(
                "the recovery window is shorter than a lock of `{}` lives; a stuck one would show only by a missing expiry",
                spec.name
            ));
        }
        let apart = 1e9 / spec.rate.as_per_second();
        if apart >= CONTRADICTS as f64 {
            findings.remark(format!(
                "attempts of `{}` are {} apart on average: so much of a client gap may be the wait for the next one",
                spec.name,
                span(apart as u64)
            ));
        }
        let own = Names { workload: &spec.name, nodes: &names, zero };
        let checked = check.finish(healed, period, &own, &servers, &mut metrics, &mut found);
        of_workload(&spec.name, &tally, &checked.metrics, measured, &mut metrics);
        metrics.extend(checked.bounds.iter().map(|(metric, bound)| (format!("{}.{metric}", spec.name), Sample::AtLeast(*bound))));
        timeline.workloads.extend(lanes.into_iter().map(|Lane { zone, buckets, classes }| WorkloadSeries {
            name: spec.name.clone(),
            zone,
            buckets: buckets.finish(bucket),
            classes: classes.finish(bucket),
        }));
        workloads.push(WorkloadResult {
            name: spec.name.clone(),
            kind: spec.kind.word().to_owned(),
            ok: tally.ok,
            fail: tally.fail,
            info: tally.info,
            reasons: tally.reasons(),
            latency: tally.latency(),
            locks: checked.locks,
            set: checked.set,
            counter: checked.counter,
            register: checked.register,
            limiter: checked.limiter,
            cache: checked.cache,
            payments: checked.payments,
        });
    }
    let named: Vec<String> = faults.iter().map(|fault| fault.name.clone()).collect();
    let moves = moves(&all.slots, &named, &names);
    of_moves(&moves, &workloads, &mut metrics);
    moves.iter().for_each(|one| findings.remark(moved(one, &workloads, &names)));
    let Kept { counts: anomaly_counts, listed, untold } = found.finish();
    if untold > 0 {
        findings.remark(format!(
            "{} were found beyond the {} that are told one by one",
            crate::number::plural(untold, "anomaly", "anomalies"),
            number_text(MOST_TOLD as u64)
        ));
    }
    let (possible, anomalies): (Vec<Anomaly>, Vec<Anomaly>) = listed.into_iter().partition(|one| one.kind == AnomalyKind::PossibleDouble);
    let (possible_total, anomalies_total) = anomaly_counts.iter().fold((0, 0), |(possible, certain), one| match one.kind {
        AnomalyKind::PossibleDouble => (possible + one.total, certain),
        _ => (possible, certain + one.total),
    });

    let ready = all.phase(PhaseName::Settle).zip(all.phase(PhaseName::Provision));
    let since_ready = baseline.zip(all.phase(PhaseName::Settle)).map(|(zero, ready)| zero.saturating_sub(ready));
    Trial {
        index: all.header.trial,
        seed: all.header.seed,
        status: findings.status(),
        disturbed: findings.disturbed,
        damage: findings.damage,
        repeats: all.header.plan.trials.iter().find(|plan| plan.index == all.header.trial).and_then(|plan| plan.repeats),
        reasons: findings.reasons,
        zero,
        phase: since_ready.and_then(|since| since.checked_rem(all.header.plan.window())),
        end,
        ready_after: ready.map(|(ready, began)| ready.saturating_sub(began)),
        nodes: all.nodes,
        faults,
        // A trial in which nothing was broken has a longest interval, but no outage to tell.
        crashes: seen.crashes,
        failovers: told.into_iter().filter(|told| told.outage).map(|told| told.failover).collect(),
        promotions: explained.promotions,
        workloads,
        metrics,
        anomalies,
        anomalies_total,
        anomaly_counts,
        anomalies_file: String::new(),
        possible,
        possible_total,
        split,
        late_in_pause,
        moves,
        remarks: findings.remarks,
        timeline,
        history: String::new(),
    }
}

/// How long the tool's own loops were late within the longest time without a write, where that is no outage.
fn late_in_pause(told: &[ExplainedOutage], stalls: &[Stall]) -> Option<u64> {
    let gaps = told.iter().filter_map(|one| one.failover.write_gap.as_ref());
    let longest = gaps.max_by(|one, other| one.length.value().total_cmp(&other.length.value()))?;
    let to = longest.to.filter(|_| longest.length.value() < OUTAGE as f64)?;
    let within = |stall: &Stall| stall.at.min(to).saturating_sub(stall.at.saturating_sub(stall.late).max(longest.from));
    stalls.iter().map(within).max().filter(|late| *late > 0)
}

/// How long several nodes acknowledged writes and how many each took.
fn split_told(
    all: &Collected,
    split: &Split,
    heirs: &[Option<Heir>],
    zero: u64,
    metrics: &mut Samples,
    findings: &mut Findings,
) -> Option<SplitBrain> {
    metrics.insert("failover.split_brain".to_owned(), split.sample());
    let told = split.nodes.iter().map(|index| SplitNode {
        name: all.nodes.get(usize::from(*index)).map(|node| node.name.clone()).unwrap_or_default(),
        kept: heirs.iter().flatten().any(|heir| heir.node == *index),
        probe_writes: all.writes.of(*index).iter().filter(|at| split.spans.iter().any(|[from, to]| (from..=to).contains(at))).count()
            as u64,
        client_writes: all.taken.within(*index, &split.spans),
    });
    let nodes: Vec<SplitNode> = told.collect();
    let lost: u64 = nodes.iter().filter(|node| !node.kept).map(|node| node.client_writes).sum();
    metrics.insert("failover.split_brain_writes".to_owned(), Sample::Exact(lost as f64));
    let from = split.from?;
    let each: Vec<String> = nodes
        .iter()
        .map(|node| format!("{} took {} of clients and {} of probes", node.name, node.client_writes, node.probe_writes))
        .collect();
    findings.remark(format!(
        "{} acknowledged writes at the same time for {} from {}{}: {}. What was written to one that then follows another is gone",
        nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(" and "),
        span(split.total),
        instant(from, zero),
        if split.open { ", and still did when the trial ended" } else { "" },
        each.join(", "),
    ));
    Some(SplitBrain { spans: split.spans.clone(), nodes })
}

/// Primaries that came back with less. One that comes back while another node is the primary takes nothing from anybody: it will follow.
fn resets_told(all: &Collected, zero: u64, names: &[String], metrics: &mut Samples, findings: &mut Findings) {
    let each = shards(&all.header, &all.nodes);
    let followed = |reset: &&Reset| {
        let shard = each.iter().find(|shard| shard.has(reset.node));
        let leads = |node: u16| {
            let silent = all.roles.get(usize::from(node)).is_some_and(|roles| roles.silent([reset.at; 2]));
            node != reset.node && !silent && all.reigns.primary(node, reset.at)
        };
        let other = shard.is_some_and(|shard| shard.nodes.iter().any(|node| leads(*node)));
        reset.at >= zero && !other
    };
    let resets: Vec<&Reset> = all.resets.found().filter(followed).collect();
    metrics.insert("failover.data_resets".to_owned(), Sample::Exact(resets.len() as f64));
    let shard_of = |reset: &Reset| each.iter().find(|shard| shard.has(reset.node)).and_then(|shard| shard.number);
    let mut counts: BTreeMap<u32, f64> = each.iter().filter_map(|shard| Some((shard.number?, 0.0))).collect();
    for reset in resets {
        if let Some(count) = shard_of(reset).and_then(|number| counts.get_mut(&number)) {
            *count += 1.0;
        }
        findings.remark(format!(
            "{} was a primary, and at {} it was one with less: its replication offset fell from {} to {}; what it had beyond is gone, and its replicas take its data without a failover",
            names.get(usize::from(reset.node)).map_or("a node", String::as_str),
            instant(reset.at, zero),
            reset.offsets[0],
            reset.offsets[1]
        ));
    }
    metrics.extend(counts.into_iter().map(|(shard, count)| (format!("shard-{shard}.data_resets"), Sample::Exact(count))));
}

/// A promotion that the servers came to by themselves, on the axis.
fn mark(promotion: &Promotion) -> SentinelMark {
    let after = promotion.fault.as_deref().unwrap_or_default();
    SentinelMark {
        at: promotion.at,
        node: promotion.new_primary.clone(),
        event: "aftershock".to_owned(),
        payload: format!("became primary by itself after {after}"),
    }
}

fn crashes_told(crashes: &[Crash], zero: u64, findings: &mut Findings) {
    for crash in crashes {
        let why = crash.why().map_or_else(String::new, |why| format!(": {why}"));
        findings.remark(format!("{} crashed by itself ({}) at {}{why}", crash.node, crash.by(), instant(crash.at, zero)));
        if crash.out_of_memory {
            // A server of production may have more, or less.
            findings.remark(format!(
                "{} needed more memory than this machine or the tool's limit gave it (three quarters of the machine, divided by the servers)",
                crash.node
            ));
        }
    }
}

/// Moments on which the told gaps depend.
fn edges(told: &ExplainedOutage) -> Vec<u64> {
    let gaps = [&told.failover.write_gap, &told.failover.client_gap];
    let long = gaps.into_iter().flatten().filter(|gap| gap.length.value() >= OUTAGE as f64);
    long.flat_map(|gap| [Some(gap.from), gap.to]).flatten().collect()
}
