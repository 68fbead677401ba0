//! The outages and promotions of a trial, with what each is put down to.

use redquake_experiments::spec::Role;

use super::cause::{Cause, CauseKind, Origin, Rule, causes};
use super::collect::Collected;
use super::coverage::{Beside, Refusal, refused, uncovered};
use super::evidence::{Explained, Stage, remarks};
use super::failover::{Message, Promotion, Sources, promotions};
use super::gap::{Class, Interval, OUTAGE, Outage, Series, Window, ordinary, outages};
use super::outages::{ExplainedOutage, Scene};
use super::settings::Settings;
use super::shards::{Shard, shards};
use super::silence::Standstill;
use super::validity::{Findings, STALLED};
use super::words::{instant, span};
use crate::history::{ClusterNews, NodeRole};
use crate::result::{self, FaultOutcome, NodeInfo};

/// How far inside a gap an answer to a client must be to contradict the probes; nearer ones were under way at its edges.
/// Clients that try less often than this see a gap coarsely.
pub const CONTRADICTS: u64 = 100_000_000;

/// What one shard went through.
struct Course<'a> {
    shard: Shard,
    writes: Series,
    reads: Series,
    clients: Vec<(String, Series)>,
    promotions: Vec<(Promotion, Origin)>,
    /// Its outages, those it refused in with the instant from which it did.
    outages: Vec<(Interval, Option<u64>)>,
    /// What those it did not refuse in are put down to.
    origins: Vec<Origin>,
    first: &'a str,
}

/// Explains everything; what the machine or the tool did makes the trial inconclusive.
pub fn explain(all: &Collected, stage: &Stage<'_>, findings: &mut Findings) -> Explained {
    let messages: Vec<Message> = all.sentinel.iter().map(Message::read).collect();
    let settings = Settings::of(&all.header.plan.experiment);
    let causes = causes(stage.faults, &all.header.plan.faults, stage.crashes, &all.nodes);
    let data: Vec<u16> = all.nodes.iter().zip(0_u16..).filter(|(node, _)| node.role != Role::Sentinel).map(|(_, index)| index).collect();
    let taken = |node: u16, at: u64| causes.iter().any(|cause| cause.silences(node, at));
    let standstills = all.silences.standstills(&data, &taken, [stage.zero, stage.end]);
    let last = stage.end.max(all.writes.last());

    let shards = shards(&all.header, &all.nodes);
    let mut courses: Vec<Course<'_>> = Vec::new();
    for shard in shards {
        let rule = Rule { causes: &causes, shard: &shard, nodes: &all.nodes, settings: &settings };
        courses.push(course(all, stage, &rule, &messages, &standstills, last, findings));
    }
    let losses: Vec<Beside> = courses
        .iter()
        .filter_map(|course| Some((course.shard.number?, course)))
        .flat_map(|(shard, course)| {
            let own = course.outages.iter().filter(|(_, refused)| refused.is_none());
            own.map(move |(interval, _)| Beside { shard, span: [interval.from.0, interval.to.map_or(last, |to| to.0)] })
        })
        .collect();

    let mut explained = Explained::default();
    for (place, course) in courses.iter().enumerate() {
        let told = tell(
            all,
            stage,
            &Setting { messages: &messages, settings: &settings, causes: &causes, last },
            &courses,
            place,
            &losses,
            findings,
        );
        explained.aftershocks += aftershocks(course, &told);
        explained.told.extend(told);
        explained
            .promotions
            .extend(course.promotions.iter().map(|(promotion, origin)| promoted(course, promotion, *origin, &causes, &all.nodes)));
    }
    explained.told.sort_by_key(|one| (one.failover.write_gap.as_ref().map(|gap| gap.from), one.failover.shard));
    explained.promotions.sort_by_key(|one| (one.at, one.shard));
    stood_still(&standstills, &explained, &settings, stage, findings);
    remarks(all, &explained, &causes, stage, findings);
    explained
}

/// What the shards of a trial are told from.
struct Setting<'a> {
    messages: &'a [Message],
    settings: &'a Settings,
    causes: &'a [Cause],
    last: u64,
}

fn course<'a>(
    all: &'a Collected,
    stage: &Stage<'_>,
    rule: &Rule<'_>,
    messages: &[Message],
    standstills: &[Standstill],
    last: u64,
    findings: &mut Findings,
) -> Course<'a> {
    let (shard, whose) = (rule.shard, whose(rule.shard));
    let writes = all.writes.only(|(_, node)| shard.has(node));
    let reads = all.reads.only(|(at, node)| shard.has(node) && all.reigns.primary(node, at));
    let place = shard.number.map_or(0, |number| number as usize - 1);
    let answers = all.workloads.iter().flat_map(|load| load.answers.get(place).into_iter().flatten().zip(load.names()));
    let clients: Vec<(String, Series)> =
        answers.map(|(answers, name)| (name, answers.series(stage.end))).filter(|(_, series)| !series.all().is_empty()).collect();
    if writes.first().is_none_or(|first| first.0 > stage.end) && stage.zero < stage.end {
        findings.reason(format!("no probe write{whose} was acknowledged before the end"));
    }
    let first = shard.first(&all.nodes);
    let promotions = shard_promotions(all, stage, shard, messages, first, findings);
    let origins = rule.promotions(&promotions, first);
    let promotions: Vec<(Promotion, Origin)> = promotions.into_iter().zip(origins).collect();
    let instants: Vec<(u64, Origin)> = promotions.iter().map(|(promotion, origin)| (promotion.at, *origin)).collect();

    let found = outages(&writes, [stage.zero, stage.end]);
    let origin = |interval: &Interval| {
        let span = [interval.from.0, interval.to.map_or(last, |to| to.0)];
        let origin = rule.outage(interval, &instants);
        // What a fault began is its own, whatever the machine did then.
        let began = origin.cause().is_some_and(|cause| (span[0]..span[1]).contains(&rule.causes[cause].at));
        let still: u64 = standstills.iter().map(|one| one.within(span)).sum();
        if !began && still.saturating_mul(2) >= span[1].saturating_sub(span[0]) { Origin::Machine } else { origin }
    };
    let origins = found.iter().map(origin).collect();
    let outages = found.iter().map(|interval| (*interval, refused(shard, interval, last, &all.refusals, &all.cluster))).collect();
    Course { shard: shard.clone(), writes, reads, clients, promotions, outages, origins, first }
}

/// The promotions of a shard in the measured time. What only looked like one is told and not counted.
fn shard_promotions(
    all: &Collected,
    stage: &Stage<'_>,
    shard: &Shard,
    messages: &[Message],
    first: &str,
    findings: &mut Findings,
) -> Vec<Promotion> {
    let index = |address: &str| all.nodes.iter().zip(0_u16..).find(|(node, _)| node.address == address).map(|(_, index)| index);
    let wrote = |address: &str, [from, to]: [u64; 2]| {
        index(address).is_some_and(|node| all.writes.of(node).iter().any(|at| (from..=to).contains(at)))
    };
    let elected = |address: &str, [from, to]: [u64; 2]| {
        let Some(node) = index(address) else { return false };
        all.cluster.iter().filter(|event| (from..=to).contains(&event.at)).any(|event| match event.news {
            ClusterNews::Won | ClusterNews::TookOver => event.node == node,
            ClusterNews::Owner => event.about == Some(node) && event.node != node,
            _ => false,
        })
    };
    let told = role_changes(all, shard);
    let sources = Sources { messages, told: &told, first, wrote: &wrote, elected: &elected };
    let promotions = promotions(&sources);
    let name = |address: &String| index(address).and_then(|node| stage.names.get(usize::from(node))).unwrap_or(address).clone();
    for (at, address) in promotions.unproved.iter().filter(|(at, _)| *at >= stage.zero) {
        findings.remark(format!(
            "{} was called a primary at {}, and nothing else shows that it was one: it is not counted as promoted",
            name(address),
            instant(*at, stage.zero)
        ));
    }
    let (counted, outside): (Vec<Promotion>, Vec<Promotion>) =
        promotions.found.into_iter().partition(|one| (stage.zero..stage.end).contains(&one.at));
    for one in outside {
        findings.remark(format!(
            "{} became primary at {}, {} the measured time: it is not counted",
            name(&one.new),
            instant(one.at, stage.zero),
            if one.at < stage.zero { "before" } else { "after" }
        ));
    }
    counted
}

fn role_changes(all: &Collected, shard: &Shard) -> Vec<(u64, String, NodeRole)> {
    let mut told = Vec::new();
    for ((node, roles), _) in all.nodes.iter().zip(&all.roles).zip(0_u16..).filter(|(_, index)| shard.has(*index)) {
        told.extend(roles.changes().map(|(at, role)| (at, node.address.clone(), role)));
    }
    told.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    told
}

fn tell(
    all: &Collected,
    stage: &Stage<'_>,
    setting: &Setting<'_>,
    courses: &[Course<'_>],
    place: usize,
    losses: &[Beside],
    findings: &mut Findings,
) -> Vec<ExplainedOutage> {
    let course = &courses[place];
    let (shard, whose) = (&course.shard, whose(&course.shard));
    let Setting { messages, settings, causes, last } = *setting;
    let end_of = |interval: &Interval| interval.to.map_or(last, |to| to.0);
    let mut found: Vec<(Outage, Option<Refusal>)> = Vec::new();
    for ((interval, since), own) in course.outages.iter().zip(&course.origins) {
        let refusal = since.zip(shard.number).map(|(since, number)| {
            let shards = uncovered(number, [since, end_of(interval)], losses);
            Refusal { since, shards }
        });
        let origin = match &refusal {
            Some(refusal) if *own != Origin::Machine => beside(courses, refusal, [interval.from.0, end_of(interval)], causes),
            _ => *own,
        };
        found.push((Outage { class: Class::Outage(origin), interval: Some(*interval) }, refusal));
    }
    let told = stage.faults.iter().enumerate().filter(|(_, fault)| !beside_the_set(fault, &all.nodes));
    let injected: Vec<(usize, u64, Option<u64>)> =
        told.filter_map(|(index, fault)| Some((index, fault.injected_at?, fault.reverted_at))).collect();
    let windows = Window::all(&injected, stage.zero, stage.end);
    let own = |fault: usize| {
        found.iter().any(|(outage, _)| match outage.origin() {
            Some(Origin::Direct(cause)) => causes[cause].kind == CauseKind::Fault(fault),
            _ => false,
        })
    };
    let calm = ordinary(&course.writes, &windows, own, !found.is_empty());
    // What a fault in another shard did not stop here is nothing to tell.
    let hit = |outage: &Outage| match outage.class {
        Class::Ordinary(Window { fault: Some(fault), .. }) if shard.number.is_some() => shard.hit(&stage.faults[fault].targets, &all.nodes),
        _ => true,
    };
    found.extend(calm.into_iter().filter(hit).map(|outage| (outage, None)));

    let long: Vec<(u64, u64)> = course.outages.iter().map(|(interval, _)| (interval.from.0, end_of(interval))).collect();
    let promotions: Vec<Promotion> = course.promotions.iter().map(|(promotion, _)| promotion.clone()).collect();
    let scene = Scene {
        nodes: &all.nodes,
        names: stage.names,
        shard,
        faults: stage.faults,
        causes,
        messages,
        news: &all.cluster,
        roles: &all.roles,
        replicas: &all.replicas,
        silences: &all.silences,
        settings,
        promotions: &promotions,
        reads: &course.reads,
        clients: &course.clients,
        outages: &long,
        zero: stage.zero,
        stop: stage.end,
        end: last,
    };
    let mut told = Vec::new();
    for (outage, refusal) in found {
        if let Some(interval) = outage.interval.filter(|_| outage.origin().is_some()) {
            let (from, to) = (interval.from.0, end_of(&interval));
            // A server that takes no writes for a while may go on answering what is read.
            let wrote = all.taken.by_shard(shard, [from + CONTRADICTS, to.saturating_sub(CONTRADICTS)]);
            if wrote > 0 {
                findings.reason(format!(
                    "{} acknowledged to clients in the gap{whose} that the probes saw from {}: the probes were cut off, not the servers",
                    if wrote == 1 { "1 write was".to_owned() } else { format!("{wrote} writes were") },
                    instant(from, stage.zero)
                ));
            }
        }
        if outage.interval.is_none() {
            findings.remark("a fault was injected while an earlier outage was still open; the outage is told once");
        }
        let one = scene.tell(&outage, refusal);
        one.remarks(stage.zero).into_iter().for_each(|remark| findings.remark(remark));
        told.push(one);
    }
    told
}

fn whose(shard: &Shard) -> String {
    shard.number.map_or(String::new(), |number| format!(" on shard {number}"))
}

/// What a refusal is put down to: to what the outage of the other shards is, else to the last cause before it.
fn beside(courses: &[Course<'_>], refusal: &Refusal, [from, to]: [u64; 2], causes: &[Cause]) -> Origin {
    let of_others = courses.iter().filter(|course| course.shard.number.is_some_and(|number| refusal.shards.contains(&number)));
    let meets = |interval: &Interval| interval.from.0 < to && interval.to.is_none_or(|end| end.0 > from);
    let origins = of_others.flat_map(|course| course.outages.iter().zip(&course.origins));
    let found = origins.filter(|((interval, refused), _)| refused.is_none() && meets(interval)).map(|(_, origin)| *origin).min();
    let before = || causes.iter().rposition(|cause| cause.at < from.saturating_add(OUTAGE)).map_or(Origin::Spontaneous, Origin::Direct);
    found.unwrap_or_else(before)
}

/// Whether a fault took hold of independent primaries alone, which no outage of the set can come from.
fn beside_the_set(fault: &FaultOutcome, nodes: &[NodeInfo]) -> bool {
    let mut hit = nodes.iter().filter(|node| fault.targets.contains(&node.name)).peekable();
    hit.peek().is_some() && hit.all(|node| node.role == Role::Independent)
}

/// Promotions that servers decided on by themselves after a cause, and outages without one.
fn aftershocks(course: &Course<'_>, told: &[ExplainedOutage]) -> u64 {
    let later: Vec<u64> =
        course.promotions.iter().filter(|(_, origin)| matches!(origin, Origin::Aftershock(_))).map(|(one, _)| one.at).collect();
    let outages =
        told.iter().filter(|one| matches!(one.origin, Some(Origin::Aftershock(_))) && one.failover.refused_for_coverage.is_none());
    let alone = outages.filter_map(|one| one.failover.write_gap.as_ref());
    let alone = alone.filter(|gap| !later.iter().any(|at| *at >= gap.from && gap.to.is_none_or(|to| *at <= to)));
    (later.len() + alone.count()) as u64
}

fn promoted(course: &Course<'_>, promotion: &Promotion, origin: Origin, causes: &[Cause], nodes: &[NodeInfo]) -> result::Promotion {
    let name = |address: &String| nodes.iter().find(|node| node.address == *address).map_or(address, |node| &node.name).clone();
    let earlier = course.promotions.iter().map(|(other, _)| other).filter(|other| other.at < promotion.at);
    let before = earlier.max_by_key(|other| other.at).map_or_else(|| course.first.to_owned(), |other| other.new.clone());
    result::Promotion {
        shard: course.shard.number,
        at: promotion.at,
        old_primary: name(promotion.old.as_ref().unwrap_or(&before)),
        new_primary: name(&promotion.new),
        fault: origin.cause().map(|cause| causes[cause].name.clone()),
        aftershock: matches!(origin, Origin::Aftershock(_)),
    }
}

/// What the machine of the servers did: long standstills anywhere, and shorter ones before the servers did something by themselves, or in
/// an outage that is put down to them.
fn stood_still(standstills: &[Standstill], explained: &Explained, settings: &Settings, stage: &Stage<'_>, findings: &mut Findings) {
    // What sets off a failover lies as long before it as servers take to notice and to act.
    let notice = settings.down_after.saturating_add(STALLED.saturating_mul(4));
    let own = explained.promotions.iter().filter(|one| one.aftershock || one.fault.is_none()).map(|one| one.at);
    let stopped = explained.told.iter().filter(|one| !matches!(one.origin, None | Some(Origin::Direct(_))));
    let own: Vec<u64> = own.chain(stopped.filter_map(|one| one.failover.write_gap.as_ref()).map(|gap| gap.from)).collect();
    for one in standstills {
        let before = own.iter().any(|at| one.within([at.saturating_sub(notice), at.saturating_add(STALLED)]) > 0);
        if one.length() >= STALLED || before {
            findings.disturbed = true;
            findings.reason(format!(
                "all {} nodes that no fault had taken were silent at once for {} at {}: the machine of the servers stood still",
                one.nodes,
                span(one.length()),
                instant(one.span[0], stage.zero)
            ));
        }
    }
}
