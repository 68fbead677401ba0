//! From a history to one analysed trial.

use std::collections::BTreeMap;
use std::io::Read;

use redquake_experiments::plan::PlannedFault;
use redquake_experiments::spec::{Action, Role};

use super::collect::{Collected, Lane, Load};
use super::failover::{Message, promotions, unexplained};
use super::fallback::Period;
use super::gap::{OUTAGE, Outage, Series, Window, outages};
use super::locks::{Names, worst_first};
use super::moves::{moves, of_moves, told as moved};
use super::outages::{Scene, Told};
use super::resets::Reset;
use super::samples::{Samples, of_failovers, of_shards, of_workload};
use super::shards::{Shard, shards};
use super::split::{Split, split};
use super::timeline::{down, marks, writable};
use super::validity::Findings;
use super::words::{instant, span};
use crate::history::{Ending, Event, Header, HistoryError, NodeRole, PhaseName, Reader};
use crate::result::{
    Anomaly, AnomalyKind, FaultOutcome, NodeInfo, NodeLane, Sample, SplitBrain, SplitNode, TimelineData, Trial, WorkloadResult,
    WorkloadSeries,
};

/// Anomalies that are kept with their evidence.
const MOST_ANOMALIES: usize = 200;

/// How far inside a gap an answer to a client must be to contradict the probes; nearer ones were under way at its edges.
/// Clients that try less often than this see a gap coarsely.
const CONTRADICTS: u64 = 100_000_000;

/// Analyses a history in one pass. `Trial::history` is left empty: only the caller knows where the file is.
///
/// # Errors
/// When the history is damaged; one that merely ends early gives an inconclusive trial.
pub fn analyze<R: Read>(mut reader: Reader<R>) -> Result<Trial, HistoryError> {
    let mut collected = Collected::new(reader.header());
    for event in reader.by_ref() {
        collected.take(&event?);
    }
    Ok(finish(collected, reader.ending()))
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
    finish(collected, Some(ending))
}

fn finish(mut all: Collected, ending: Option<Ending>) -> Trial {
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
    findings.ending(ending);
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
        findings.faults(&faults, &reversible);
    }

    let stage = Stage { names: &names, faults: &faults, zero, end };
    let (promoted, told) = outages_told(&all, &stage, &mut findings);
    let edges: Vec<u64> = told.iter().flat_map(edges).collect();
    findings.stalls(&all.stalls, zero, end, &edges, all.header.probe_every);

    let mut metrics = Samples::new();
    of_failovers(&told, promoted, &mut metrics);
    of_shards(&told, &mut metrics);
    resets_told(&all, zero, &names, &mut metrics, &mut findings);

    let healed = all.phase(PhaseName::Recovery);
    let bucket = all.workloads.iter().flat_map(|load| &load.lanes).map(|lane| lane.buckets.width()).max().unwrap_or_default();
    let mut timeline =
        TimelineData { bucket, workloads: Vec::new(), nodes: Vec::new(), sentinel: marks(&all.sentinel, &all.cluster, &names) };
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
    let split = split_told(&all, &split, zero, end, &mut metrics, &mut findings);
    let broken = faults.iter().filter_map(|fault| fault.injected_at).min().map_or(end, |at| at.clamp(zero, end));
    let period = Period { from: zero, broken, to: end };
    let mut servers = std::mem::take(&mut all.servers);
    servers.settle(&shards(&all.header, &all.nodes), &all.reigns, end);
    let (mut workloads, mut anomalies, mut anomalies_total, mut possible_total) = (Vec::new(), Vec::new(), 0, 0);
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
        let checked = check.finish(healed, period, &own, &servers, measured, &mut metrics);
        anomalies.extend(checked.anomalies);
        anomalies_total += checked.total;
        possible_total += checked.possible;
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
    worst_first(&mut anomalies);
    let (mut possible, mut anomalies): (Vec<Anomaly>, Vec<Anomaly>) =
        anomalies.into_iter().partition(|one| one.kind == AnomalyKind::PossibleDouble);
    anomalies.truncate(MOST_ANOMALIES);
    possible.truncate(MOST_ANOMALIES);

    let ready = all.phase(PhaseName::Settle).zip(all.phase(PhaseName::Provision));
    let since_ready = baseline.zip(all.phase(PhaseName::Settle)).map(|(zero, ready)| zero.saturating_sub(ready));
    Trial {
        index: all.header.trial,
        seed: all.header.seed,
        status: findings.status(),
        disturbed: findings.disturbed,
        repeats: all.header.plan.trials.iter().find(|plan| plan.index == all.header.trial).and_then(|plan| plan.repeats),
        reasons: findings.reasons,
        zero,
        phase: since_ready.and_then(|since| since.checked_rem(all.header.plan.window())),
        end,
        ready_after: ready.map(|(ready, began)| ready.saturating_sub(began)),
        nodes: all.nodes,
        faults,
        // A trial in which nothing was broken has a longest interval, but no outage to tell.
        failovers: told.into_iter().filter(|told| told.outage).map(|told| told.failover).collect(),
        workloads,
        metrics,
        anomalies,
        anomalies_total,
        possible,
        possible_total,
        split,
        moves,
        remarks: findings.remarks,
        timeline,
        history: String::new(),
    }
}

/// How long several nodes acknowledged writes and how many each took.
fn split_told(all: &Collected, split: &Split, zero: u64, end: u64, metrics: &mut Samples, findings: &mut Findings) -> Option<SplitBrain> {
    metrics.insert("failover.split_brain".to_owned(), split.sample());
    // Of several that still say they are primaries, the one promoted last stays.
    let kept = split.nodes.iter().filter_map(|node| Some((all.reigns.since(*node, end)?, *node))).max().map(|(_, node)| node);
    let told = split.nodes.iter().map(|index| SplitNode {
        name: all.nodes.get(usize::from(*index)).map(|node| node.name.clone()).unwrap_or_default(),
        kept: kept == Some(*index),
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

/// The outages of every shard and the number of promotions; what of it no fault explains makes the trial inconclusive.
fn outages_told(all: &Collected, scene: &Stage<'_>, findings: &mut Findings) -> (usize, Vec<Told>) {
    let (mut promoted, mut told) = (0, Vec::new());
    for shard in shards(&all.header, &all.nodes) {
        let (more, outages) = of_shard(all, &shard, scene, findings);
        promoted += more;
        told.extend(outages);
    }
    if told.iter().any(|one| one.failover.parts.iter().any(|part| part.name == "retry")) {
        findings.remark(match all.header.plan.experiment.topology.cluster() {
            None => "a failover succeeded only after a failed attempt; Sentinel waits twice its failover-timeout between attempts",
            Some(_) => "a failover succeeded only after a failed attempt; a replica stands again after four node timeouts, 4 s at least",
        });
    }
    told.sort_by_key(|one| (one.failover.write_gap.as_ref().map(|gap| gap.from), one.failover.shard));
    (promoted, told)
}

/// What all shards of a trial share.
struct Stage<'a> {
    names: &'a [String],
    faults: &'a [FaultOutcome],
    zero: u64,
    end: u64,
}

fn of_shard(all: &Collected, shard: &Shard, stage: &Stage<'_>, findings: &mut Findings) -> (usize, Vec<Told>) {
    let Stage { names, faults, zero, end } = *stage;
    let whose = shard.number.map_or(String::new(), |number| format!(" on shard {number}"));
    let writes = all.writes.only(|(_, node)| shard.has(node));
    let reads = all.reads.only(|(at, node)| shard.has(node) && all.reigns.primary(node, at));
    let place = shard.number.map_or(0, |number| number as usize - 1);
    let answers = all.workloads.iter().flat_map(|load| load.answers.get(place).into_iter().flatten().zip(load.names()));
    let clients: Vec<(String, Series)> =
        answers.map(|(answers, name)| (name, answers.series(end))).filter(|(_, series)| !series.all().is_empty()).collect();
    if writes.first().is_none_or(|first| first.0 > end) && zero < end {
        findings.reason(format!("no probe write{whose} was acknowledged before the end"));
    }

    let messages: Vec<Message> = all.sentinel.iter().map(Message::read).collect();
    let first = shard.first(&all.nodes);
    let promoted = promotions(&messages, &role_changes(all, shard), first);
    for promotion in unexplained(&promoted, &explaining(faults, &all.header.plan.faults, &all.nodes), first) {
        let node = all.nodes.iter().find(|node| node.address == promotion.new).map_or(promotion.new.as_str(), |node| &node.name);
        findings.reason(format!("{node} became primary at {}, which no fault explains", instant(promotion.at, zero)));
    }

    let told = faults.iter().enumerate().filter(|(_, fault)| !beside_the_set(fault, &all.nodes));
    let injected: Vec<(usize, u64, Option<u64>)> =
        told.filter_map(|(index, fault)| Some((index, fault.injected_at?, fault.reverted_at))).collect();
    let mut found = outages(&writes, &Window::all(&injected, zero, end), zero, end);
    // What a fault in another shard did not stop here is nothing to tell.
    let hit = |outage: &Outage| {
        let fault = outage.window.and_then(|window| window.fault).and_then(|fault| faults.get(fault));
        shard.number.is_none() || fault.is_none_or(|fault| shard.hit(&fault.targets, &all.nodes))
    };
    found.retain(|outage| outage.long || hit(outage));
    let last = end.max(all.writes.last());
    let long: Vec<(u64, u64)> = found
        .iter()
        .filter(|outage| outage.long)
        .filter_map(|outage| outage.interval)
        .map(|interval| (interval.from.0, interval.to.map_or(last, |to| to.0)))
        .collect();
    let scene = Scene {
        nodes: &all.nodes,
        names,
        shard,
        faults,
        messages: &messages,
        news: &all.cluster,
        roles: &all.roles,
        promotions: &promoted,
        reads: &reads,
        clients: &clients,
        outages: &long,
        end: last,
    };
    let mut told = Vec::new();
    for outage in found {
        if let Some(interval) = outage.interval.filter(|_| outage.long) {
            let (from, to) = (interval.from.0, interval.to.map_or(scene.end, |to| to.0));
            if outage.window.is_none() {
                let long = span(to.saturating_sub(from));
                findings
                    .reason(format!("no write{whose} was acknowledged for {long} from {}, which no fault explains", instant(from, zero)));
            }
            // A server that takes no writes for a while may go on answering what is read.
            let wrote = all.taken.by_shard(shard, [from + CONTRADICTS, to.saturating_sub(CONTRADICTS)]);
            if wrote > 0 {
                findings.reason(format!(
                    "{} acknowledged to clients in the gap{whose} that the probes saw from {}: the probes were cut off, not the servers",
                    if wrote == 1 { "1 write was".to_owned() } else { format!("{wrote} writes were") },
                    instant(from, zero)
                ));
            }
        }
        if outage.interval.is_none() {
            findings.remark("a fault was injected while an earlier outage was still open; the outage is told once");
        }
        let one = scene.tell(&outage);
        if let Some(found) = &one.obstacle {
            let said = found.said.as_ref().map_or(String::new(), |said| format!(" ({said})"));
            let old = one.failover.old_primary.as_deref().unwrap_or("the primary");
            findings.remark(format!("no replica was elected in the place of {old}: {}{said}", found.why));
        }
        told.push(one);
    }
    (promoted.len(), told)
}

/// Whether a fault took hold of independent primaries alone, which no outage of the set can come from.
fn beside_the_set(fault: &FaultOutcome, nodes: &[NodeInfo]) -> bool {
    let mut hit = nodes.iter().filter(|node| fault.targets.contains(&node.name)).peekable();
    hit.peek().is_some() && hit.all(|node| node.role == Role::Independent)
}

fn role_changes(all: &Collected, shard: &Shard) -> Vec<(u64, String, NodeRole)> {
    let mut told = Vec::new();
    for ((node, roles), _) in all.nodes.iter().zip(&all.roles).zip(0_u16..).filter(|(_, index)| shard.has(*index)) {
        told.extend(roles.changes().map(|(at, role)| (at, node.address.clone(), role)));
    }
    told.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    told
}

/// What faults may explain a promotion: when, and the addresses of the nodes they took; `None` for those that may set off any.
fn explaining(faults: &[FaultOutcome], planned: &[PlannedFault], nodes: &[NodeInfo]) -> Vec<(u64, Option<Vec<String>>)> {
    let explains = faults.iter().zip(planned).filter_map(|(fault, planned)| {
        let taken = match &planned.fault.action {
            // What ends, stops or blocks a process sets off a failover of that process alone.
            Action::Kill(_) | Action::Stop(_) | Action::Pause(_) | Action::Busy(_) | Action::ClientsPause(_) => {
                let hit = nodes.iter().filter(|node| fault.targets.contains(&node.name));
                Some(hit.map(|node| node.address.clone()).collect())
            }
            // These touch clients alone, or move what primaries serve and leave them what they are.
            Action::ClientCrash(_) | Action::Reshard(_) => return None,
            _ => None,
        };
        Some((fault.injected_at?, taken))
    });
    explains.collect()
}

/// Moments on which the told gaps depend.
fn edges(told: &Told) -> Vec<u64> {
    let gaps = [&told.failover.write_gap, &told.failover.client_gap];
    let long = gaps.into_iter().flatten().filter(|gap| gap.length.value() >= OUTAGE as f64);
    long.flat_map(|gap| [Some(gap.from), gap.to]).flatten().collect()
}
