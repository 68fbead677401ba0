//! From a history to one analysed trial.

use std::io::Read;

use redquake_experiments::plan::PlannedFault;
use redquake_experiments::spec::{Fault, Role, Workload};

use super::collect::{Collected, Load};
use super::failover::{Message, promotions, unexplained};
use super::gap::{OUTAGE, Series, Window, outages};
use super::locks::{LockFindings, Names, worst_first};
use super::outages::{Scene, Told};
use super::samples::{Samples, of_failovers, of_workload};
use super::split::split;
use super::timeline::{marks, writable};
use super::validity::Findings;
use super::words::{instant, span};
use crate::history::{Ending, Event, Header, HistoryError, NodeRole, PhaseName, Reader};
use crate::result::{Anomaly, AnomalyKind, FaultOutcome, NodeLane, TimelineData, Trial, WorkloadResult, WorkloadSeries};

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
        let reversible: Vec<bool> = planned.iter().map(|fault| fault.revert_at.is_some()).collect();
        findings.faults(&faults, &reversible);
    }

    let (promoted, told) = outages_told(&all, &names, &faults, zero, end, &mut findings);
    let edges: Vec<u64> = told.iter().flat_map(edges).collect();
    findings.stalls(&all.stalls, zero, end, &edges, all.header.probe_every);

    let mut metrics = Samples::new();
    of_failovers(&told, promoted, &mut metrics);

    let healed = all.phase(PhaseName::Recovery);
    let bucket = all.workloads.iter().map(|load| load.buckets.width()).max().unwrap_or_default();
    let mut timeline = TimelineData { bucket, workloads: Vec::new(), nodes: Vec::new(), sentinel: marks(&all.sentinel, &names) };
    let mut roles = std::mem::take(&mut all.roles).into_iter();
    for (node, index) in all.nodes.iter().zip(0_u16..) {
        let roles = roles.next().unwrap_or_default();
        if node.role != Role::Sentinel {
            let writable = writable(&all.writes, index, all.header.probe_every);
            timeline.nodes.push(NodeLane { name: node.name.clone(), roles: roles.spans(), writable });
        }
    }
    // Only data nodes have a lane.
    let data = all.nodes.iter().zip(0_u16..).filter(|(node, _)| node.role != Role::Sentinel).map(|(_, index)| index);
    let split = split(data.zip(&timeline.nodes).map(|(index, lane)| (index, lane.writable.as_slice())), zero, end);
    metrics.insert("failover.split_brain".to_owned(), split.sample());
    if let Some(from) = split.from {
        let both: Vec<&str> = split.nodes.iter().filter_map(|node| names.get(usize::from(*node))).map(String::as_str).collect();
        findings.remark(format!(
            "{} acknowledged writes at the same time for {} from {}{}: what was written to one that then follows another is gone",
            both.join(" and "),
            span(split.total),
            instant(from, zero),
            if split.open { ", and still did when the trial ended" } else { "" },
        ));
    }
    let (mut workloads, mut anomalies, mut anomalies_total, mut possible_total) = (Vec::new(), Vec::new(), 0, 0);
    for load in std::mem::take(&mut all.workloads) {
        let Load { spec, locks, tally, buckets, classes, .. } = load;
        if healed.is_some_and(|healed| locks.judgeable_from(healed) > end) {
            findings.remark(format!(
                "the recovery window is shorter than a lock of `{}` lives; a stuck one would show only by a missing expiry",
                spec.name()
            ));
        }
        let Workload::Lock(lock) = &spec;
        let apart = 1e9 / lock.rate.as_per_second();
        if apart >= CONTRADICTS as f64 {
            findings.remark(format!(
                "attempts of `{}` are {} apart on average: so much of a client gap may be the wait for the next one",
                spec.name(),
                span(apart as u64)
            ));
        }
        let LockFindings { counts, anomalies: found } = locks.finish(healed, &Names { workload: spec.name(), nodes: &names, zero });
        anomalies.extend(found);
        anomalies_total += counts.double_acquired + counts.stuck + counts.lost + counts.ttl_overrun;
        possible_total += counts.possible;
        of_workload(spec.name(), &tally, &counts, measured, &mut metrics);
        let (name, classes) = (spec.name().to_owned(), classes.finish(bucket));
        timeline.workloads.push(WorkloadSeries { name, buckets: buckets.finish(bucket), classes });
        workloads.push(WorkloadResult {
            name: spec.name().to_owned(),
            kind: kind(&spec).to_owned(),
            ok: tally.ok,
            fail: tally.fail,
            info: tally.info,
            reasons: tally.reasons(),
            latency: tally.latency(),
            locks: Some(counts),
        });
    }
    worst_first(&mut anomalies);
    let (mut possible, mut anomalies): (Vec<Anomaly>, Vec<Anomaly>) =
        anomalies.into_iter().partition(|one| one.kind == AnomalyKind::PossibleDouble);
    anomalies.truncate(MOST_ANOMALIES);
    possible.truncate(MOST_ANOMALIES);

    let ready = all.phase(PhaseName::Settle).zip(all.phase(PhaseName::Provision));
    Trial {
        index: all.header.trial,
        seed: all.header.seed,
        status: findings.status(),
        disturbed: findings.disturbed,
        repeats: all.header.plan.trials.iter().find(|plan| plan.index == all.header.trial).and_then(|plan| plan.repeats),
        reasons: findings.reasons,
        zero,
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
        remarks: findings.remarks,
        timeline,
        history: String::new(),
    }
}

/// The outages of a trial and the number of promotions; what of it no fault explains makes the trial inconclusive.
fn outages_told(
    all: &Collected,
    names: &[String],
    faults: &[FaultOutcome],
    zero: u64,
    end: u64,
    findings: &mut Findings,
) -> (usize, Vec<Told>) {
    let writes = all.writes.series();
    let reads = all.reads.only(|(at, node)| all.reigns.primary(node, at));
    let clients: Vec<Series> =
        all.workloads.iter().map(|load| load.answers.series(end)).filter(|series| !series.all().is_empty()).collect();
    if writes.first().is_none_or(|first| first.0 > end) && zero < end {
        findings.reason("no probe write was acknowledged before the end");
    }

    let messages: Vec<Message> = all.sentinel.iter().map(Message::read).collect();
    let first = all.nodes.iter().find(|node| node.role == Role::Primary).map_or("", |node| node.address.as_str());
    let promoted = promotions(&messages, &role_changes(all), first);
    for promotion in unexplained(&promoted, &explaining(faults, &all.header.plan.faults, &all.nodes), first) {
        let node = all.nodes.iter().find(|node| node.address == promotion.new).map_or(promotion.new.as_str(), |node| &node.name);
        findings.reason(format!("{node} became primary at {}, which no fault explains", instant(promotion.at, zero)));
    }

    let injected: Vec<(usize, u64, Option<u64>)> =
        faults.iter().enumerate().filter_map(|(index, fault)| Some((index, fault.injected_at?, fault.reverted_at))).collect();
    let found = outages(&writes, &Window::all(&injected, zero, end), zero, end);
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
        faults,
        messages: &messages,
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
                findings.reason(format!("no write was acknowledged for {long} from {}, which no fault explains", instant(from, zero)));
            }
            let answered: usize =
                clients.iter().map(|series| series.count_inside(from + CONTRADICTS, to.saturating_sub(CONTRADICTS))).sum();
            if answered > 0 {
                findings.reason(format!(
                    "clients were answered {answered} times in the gap that the probes saw from {}: the probes were cut off, not the servers",
                    instant(from, zero)
                ));
            }
        }
        if outage.interval.is_none() {
            findings.remark("a fault was injected while an earlier outage was still open; the outage is told once");
        }
        told.push(scene.tell(&outage));
    }
    if told.iter().any(|one| one.failover.parts.iter().any(|part| part.name == "retry")) {
        findings.remark("a failover succeeded only after a failed attempt; Sentinel waits twice its failover-timeout between attempts");
    }
    (promoted.len(), told)
}

/// The kind as written in the file.
fn kind(workload: &Workload) -> &'static str {
    match workload {
        Workload::Lock(_) => "lock",
    }
}

fn role_changes(all: &Collected) -> Vec<(u64, String, NodeRole)> {
    let mut told = Vec::new();
    for (node, roles) in all.nodes.iter().zip(&all.roles) {
        told.extend(roles.changes().map(|(at, role)| (at, node.address.clone(), role)));
    }
    told.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    told
}

/// What faults may explain a promotion: when, and the addresses of the nodes they took; `None` for those that only cut.
fn explaining(faults: &[FaultOutcome], planned: &[PlannedFault], nodes: &[crate::result::NodeInfo]) -> Vec<(u64, Option<Vec<String>>)> {
    let explains = faults.iter().zip(planned).filter_map(|(fault, planned)| {
        let taken = match planned.fault {
            Fault::Kill(_) => {
                let hit = nodes.iter().filter(|node| fault.targets.contains(&node.name));
                Some(hit.map(|node| node.address.clone()).collect())
            }
            Fault::Partition(_) => None,
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
