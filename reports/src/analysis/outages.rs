//! The outages of a trial, each with its gaps and parts.

use redquake_experiments::spec::Role;

use super::cause::{Cause, Origin};
use super::coverage::Refusal;
use super::failover::{
    Anatomy, Contest, Known, Loss, Message, Obstacle, Promotion, Vacancy, anatomy, cluster_anatomy, isolated, obstacle, vacancy,
};
use super::gap::{Class, Interval, OUTAGE, Outage, Series};
use super::replicas::Replicas;
use super::settings::Settings;
use super::shards::Shard;
use super::silence::Silences;
use super::timeline::Roles;
use super::words::{instant, sample_text};
use crate::history::ClusterEvent;
use crate::result::{CoverageRefusal, Failover, FailoverPart, FaultOutcome, Gap, MetricUnit, NodeInfo, Sample};

/// What outages are told from.
#[derive(Debug)]
pub struct Scene<'a> {
    pub nodes: &'a [NodeInfo],
    pub names: &'a [String],
    pub shard: &'a Shard,
    pub faults: &'a [FaultOutcome],
    pub causes: &'a [Cause],
    pub messages: &'a [Message],
    /// What the nodes of a Cluster saw and decided, in order of time.
    pub news: &'a [ClusterEvent],
    /// What each node said it was, by index.
    pub roles: &'a [Roles],
    pub replicas: &'a Replicas,
    pub silences: &'a Silences,
    pub settings: &'a Settings,
    pub promotions: &'a [Promotion],
    pub reads: &'a Series,
    /// Answers to the clients of each workload and zone that got any, with their name.
    pub clients: &'a [(String, Series)],
    /// The outages of the trial, first and last instant.
    pub outages: &'a [(u64, u64)],
    /// The measured time begins here.
    pub zero: u64,
    /// The clients are told to stop.
    pub stop: u64,
    pub end: u64,
}

/// An outage with what its parts are worth as samples.
#[derive(Debug)]
pub struct ExplainedOutage {
    pub failover: Failover,
    pub anatomy: Anatomy,
    /// What it is put down to; `None` for what is no outage.
    pub origin: Option<Origin>,
    /// Whether it is an outage, or what a fault caused instead of one.
    pub outage: bool,
    /// Whether a fault of the trial took hold of a node of the shard: what the others felt is the blast radius.
    pub hit: bool,
    /// Why no replica was elected, where none was.
    pub obstacle: Option<Obstacle>,
    /// For how long the primary that a fault took had gone on acknowledging writes.
    pub went_on: Option<u64>,
}

impl ExplainedOutage {
    /// Whether it is a result: what the machine did is none.
    pub fn counts(&self) -> bool {
        self.origin != Some(Origin::Machine)
    }

    /// What a reader should know of it, in words.
    pub fn remarks(&self, zero: u64) -> Vec<String> {
        let obstacle = self.obstacle.as_ref().map(|found| {
            let said = found.said.as_ref().map_or(String::new(), |said| format!(" ({said})"));
            let old = self.failover.old_primary.as_deref().unwrap_or("the primary");
            let what = match (self.failover.shard, &self.failover.new_primary) {
                (Some(_), _) => format!("no replica was elected in the place of {old}"),
                (None, None) => format!("no replica was promoted in the place of {old}"),
                (None, Some(new)) => format!("{new} was promoted in the place of {old} only later"),
            };
            format!("{what}: {}{said}", found.why)
        });
        let refusal = self.failover.refused_for_coverage.as_ref().zip(self.failover.write_gap.as_ref()).map(|(refusal, gap)| {
            let long = sample_text(MetricUnit::Ns, refusal.lasted);
            format!("{} for {long} from {}, though its primary was there", refusal.why, instant(gap.from, zero))
        });
        obstacle.into_iter().chain(refusal).collect()
    }
}

impl Scene<'_> {
    /// Tells one outage.
    pub fn tell(&self, outage: &Outage, refusal: Option<Refusal>) -> ExplainedOutage {
        let (origin, long) = (outage.origin(), outage.origin().is_some());
        let fault = match outage.class {
            Class::Outage(origin) => origin.cause().map(|cause| (self.causes[cause].name.clone(), Some(self.causes[cause].at))),
            Class::Ordinary(window) => window.fault.map(|fault| (self.faults[fault].name.clone(), self.faults[fault].injected_at)),
        };
        let caused = fault.is_some();
        let (fault, fault_at) = fault.unzip();
        let mut failover = Failover {
            shard: self.shard.number,
            fault,
            fault_at: fault_at.flatten(),
            aftershock: matches!(origin, Some(Origin::Aftershock(_))),
            write_gap: None,
            read_gap: None,
            client_gap: None,
            client_gap_of: None,
            library_cost: None,
            old_primary: None,
            new_primary: None,
            parts: Vec::new(),
            obstacle: None,
            refused_for_coverage: None,
        };
        let (mut parts, mut obstacle, mut went_on) = (Anatomy::default(), None, None);
        if let Some(interval) = outage.interval {
            let write = self.gap(&interval, self.end);
            failover.read_gap = self.matching(self.reads, outage, &interval).map(|read| self.gap(&read, self.end));
            (failover.client_gap_of, failover.client_gap) = self.client_gap(outage, &interval).unzip();
            // Clients that were cut off while servers took writes waited for a failover that the servers' gap knows nothing of.
            let apart = |client: &Gap| !long && client.length.value() >= OUTAGE as f64;
            let client = failover.client_gap.as_ref().filter(|client| !apart(client));
            failover.library_cost = client.and_then(|client| cost(client.length, write.length));
            failover.old_primary = self.name(interval.from.1);
            failover.write_gap = Some(write);
            if let Some(refusal) = refusal {
                failover.refused_for_coverage = Some(self.refusal(&refusal, &interval));
                parts.parts = vec![self.uncovered(&refusal, &interval)];
            } else {
                failover.new_primary = self.new_primary(outage, &interval, failover.fault_at);
                if long && (failover.new_primary.is_some() || interval.to.is_none()) {
                    parts = self.anatomy(&failover, &interval);
                }
                obstacle = long.then(|| self.obstacle(&interval)).flatten();
            }
            failover.parts.clone_from(&parts.parts);
            failover.obstacle = obstacle.as_ref().map(|obstacle| obstacle.why.clone());
            went_on = origin.and_then(|origin| self.went_on(origin, &interval)).filter(|_| {
                // Only of a primary that was replaced or missed: others that a partition names as a side of it may refuse as well.
                failover.new_primary.is_some() || obstacle.is_some()
            });
        }
        let hit = self.shard.number.is_none() || self.faults.iter().any(|fault| self.shard.hit(&fault.targets, self.nodes));
        ExplainedOutage { failover, anatomy: parts, origin, outage: long || caused, hit, obstacle, went_on }
    }

    /// How long the node that a fault took acknowledged writes after it: up to the outage that began while the fault was there.
    fn went_on(&self, origin: Origin, interval: &Interval) -> Option<u64> {
        let Origin::Direct(cause) = origin else { return None };
        let cause = &self.causes[cause];
        let (from, node) = interval.from;
        (cause.takes(node) && from <= cause.lasts()).then(|| from.saturating_sub(cause.at))
    }

    fn refusal(&self, refusal: &Refusal, interval: &Interval) -> CoverageRefusal {
        let lasted = match interval.to {
            Some(to) => Sample::Exact(to.0.saturating_sub(refusal.since) as f64),
            None => Sample::AtLeast(self.end.saturating_sub(refusal.since) as f64),
        };
        let number = self.shard.number.unwrap_or_default();
        let shards: Vec<String> = refusal.shards.iter().map(u32::to_string).collect();
        let not_served = match shards.split_last() {
            None => "too few primaries could be reached".to_owned(),
            Some((last, [])) => format!("shard {last} was not served"),
            Some((last, others)) => format!("shards {} and {last} were not served", others.join(", ")),
        };
        let rule = if !shards.is_empty() && self.settings.full_coverage { " (cluster-require-full-coverage)" } else { "" };
        let why = format!("shard {number} lost nothing and refused writes because {not_served}{rule}");
        CoverageRefusal { shards: refusal.shards.clone(), lasted, why }
    }

    /// A refusal has one part: nobody had to be found or elected.
    fn uncovered(&self, refusal: &Refusal, interval: &Interval) -> FailoverPart {
        let node = self.name(interval.from.1).unwrap_or_default();
        let ended_by = match interval.to {
            Some(_) => format!("{node} took writes again"),
            None => format!("nothing: {node} still answered CLUSTERDOWN when the trial ended"),
        };
        let name = if refusal.shards.is_empty() { "majority" } else { "coverage" }.to_owned();
        FailoverPart { name, from: interval.from.0, to: interval.to.map_or(self.end, |to| to.0), ended_by }
    }

    fn name(&self, node: u16) -> Option<String> {
        self.names.get(usize::from(node)).cloned()
    }

    fn address(&self, node: u16) -> Option<&str> {
        self.nodes.get(usize::from(node)).map(|node| node.address.as_str())
    }

    fn gap(&self, interval: &Interval, end: u64) -> Gap {
        let (from, to) = (interval.from, interval.to);
        let length = match to {
            Some(to) => Sample::Exact(to.0.saturating_sub(from.0) as f64),
            None => Sample::AtLeast(end.saturating_sub(from.0) as f64),
        };
        Gap { from: from.0, from_node: self.name(from.1), to: to.map(|to| to.0), to_node: to.and_then(|to| self.name(to.1)), length }
    }

    /// The interval of another series that belongs to an outage: across it, or the longest in the same window that is
    /// not an outage's, for which another fault may answer.
    fn matching(&self, series: &Series, outage: &Outage, interval: &Interval) -> Option<Interval> {
        match outage.class {
            Class::Ordinary(window) => {
                let begun = series.containing(window.at);
                let candidates = begun.into_iter().chain(series.beginning_in(window.at.saturating_add(1), window.until));
                let index = series.longest(candidates.filter(|index| {
                    let interval = series.interval(*index);
                    let until = interval.from.0.saturating_add(series.length(&interval));
                    !self.outages.iter().any(|(from, to)| interval.from.0 < *to && *from < until)
                }));
                index.map(|index| series.interval(index))
            }
            Class::Outage(_) => series.longest_across(interval.from.0, interval.to.map_or(self.end, |to| to.0)),
        }
    }

    /// The gap of the workload whose clients waited longest. An outage of the servers begins for the clients when it
    /// begins for the servers, so that the two lengths can be subtracted and their parts added up.
    fn client_gap(&self, outage: &Outage, write: &Interval) -> Option<(String, Gap)> {
        let gaps = self.clients.iter().filter_map(|(name, series)| {
            // Clients that were never answered before it have waited since it began.
            let first = series.first().filter(|first| outage.origin().is_some() && first.0 > write.from.0);
            let unanswered = first.map(|first| Interval { from: write.from, to: Some(first) });
            let waits = unanswered.into_iter().chain(self.matching(series, outage, write));
            let own = waits.reduce(|longest, other| if series.length(&other) > series.length(&longest) { other } else { longest })?;
            let from = if outage.origin().is_some() { write.from } else { own.from };
            // Clients that were told to stop wait for nothing any more.
            Some((name.clone(), self.gap(&Interval { from, to: own.to }, self.stop)))
        });
        // Of equals the first workload's.
        gaps.reduce(|longest, other| if waited(&other.1) > waited(&longest.1) { other } else { longest })
    }

    fn new_primary(&self, outage: &Outage, interval: &Interval, fault_at: Option<u64>) -> Option<String> {
        if let Some(to) = interval.to.filter(|to| to.1 != interval.from.1) {
            return self.name(to.1);
        }
        // Promoted without a gap, or promoted and not yet writable.
        let old = self.address(interval.from.1);
        let promotion = match outage.class {
            Class::Ordinary(window) => self.promotions.iter().find(|promotion| (window.at..window.until).contains(&promotion.at)),
            Class::Outage(origin) if interval.to.is_none() => {
                let from = fault_at.filter(|_| matches!(origin, Origin::Direct(_))).map_or(interval.from.0, |at| at.min(interval.from.0));
                self.promotions.iter().rfind(|promotion| promotion.at >= from && Some(promotion.new.as_str()) != old)
            }
            Class::Outage(_) => None,
        }?;
        self.nodes.iter().find(|node| node.address == promotion.new).map(|node| node.name.clone())
    }

    /// Why no replica took over while the primary was gone, or only later.
    fn obstacle(&self, interval: &Interval) -> Option<Obstacle> {
        if self.shard.number.is_none() {
            return self.vacancy(interval);
        }
        let primaries: Vec<u16> =
            (0_u16..).zip(self.nodes).filter(|(_, node)| node.role == Role::Primary).map(|(index, _)| index).collect();
        let loss = Loss {
            shard: self.shard.number?,
            old: interval.from.1,
            nodes: &self.shard.nodes,
            primaries: &primaries,
            names: self.names,
            from: interval.from.0,
            to: interval.to.map(|to| to.0),
            end: self.end,
            struck: self.faults.iter().filter_map(|fault| fault.injected_at).any(|at| {
                // What was acknowledged last was on its way when the fault struck.
                (interval.from.0.saturating_sub(OUTAGE)..=interval.to.map_or(self.end, |to| to.0)).contains(&at)
            }),
            successor: interval.to.map(|to| to.1),
            silent: &|node, span| self.roles.get(usize::from(node)).is_some_and(|roles| roles.silent(span)),
        };
        obstacle(&loss, self.news)
    }

    fn vacancy(&self, interval: &Interval) -> Option<Obstacle> {
        let old = interval.from.1;
        let replicas: Vec<u16> = self.shard.nodes.iter().copied().filter(|node| *node != old && !self.watches(*node)).collect();
        let sentinels: Vec<u16> = (0_u16..).zip(self.nodes).map(|(index, _)| index).filter(|index| self.watches(*index)).collect();
        let scene = Vacancy {
            old: (old, self.address(old)?),
            replicas: &replicas,
            sentinels: &sentinels,
            names: self.names,
            from: interval.from.0,
            to: interval.to,
            zero: self.zero,
            end: self.end,
            settings: self.settings,
            replica_facts: self.replicas,
            silences: self.silences,
            gone: &|node, at| {
                let gone = self.causes.iter().filter_map(|cause| cause.gone_until(node, at)).max();
                let others = || sentinels.iter().copied().filter(|other| *other != node).collect::<Vec<u16>>();
                gone.or_else(|| isolated(self.address(node)?, &others(), at, self.messages))
            },
        };
        vacancy(&scene, self.messages)
    }

    fn watches(&self, node: u16) -> bool {
        self.nodes.get(usize::from(node)).is_some_and(|node| node.role == Role::Sentinel)
    }

    fn anatomy(&self, failover: &Failover, interval: &Interval) -> Anatomy {
        let new = failover.new_primary.as_deref();
        // What was said of the primary before it was one belongs to an earlier outage.
        let (from, old) = (interval.from.0, self.address(interval.from.1));
        let own = self.promotions.iter().filter(|promotion| promotion.at <= from && Some(promotion.new.as_str()) == old);
        let since = own.map(|promotion| promotion.at).chain(failover.fault_at).max();
        let known = Known {
            from,
            fault: since.or(Some(self.zero)),
            writable: interval.to.map(|to| to.0),
            rediscovered: failover.client_gap.as_ref().and_then(|gap| gap.to),
            end: self.end,
            clients: failover.client_gap.is_some(),
            old,
            new: new.and_then(|new| self.nodes.iter().find(|node| node.name == new)).map(|node| node.address.as_str()),
            new_name: new.unwrap_or("a new primary"),
            nodes: self.names,
        };
        if self.shard.number.is_some() {
            let new = failover.new_primary.as_ref().and_then(|new| self.names.iter().position(|name| name == new));
            let contest = Contest { old: interval.from.1, new: new.and_then(|new| u16::try_from(new).ok()), shard: &self.shard.nodes };
            return cluster_anatomy(&known, contest, self.news);
        }
        anatomy(&known, self.messages)
    }
}

fn waited(gap: &Gap) -> (f64, bool) {
    (gap.length.value(), gap.to.is_none())
}

/// Client gap minus server gap. A client may be answered a moment before the next probe write: that costs nothing.
/// What both are still waiting for has no difference that could be told.
fn cost(client: Sample, server: Sample) -> Option<Sample> {
    match (client, server) {
        (Sample::Exact(client), Sample::Exact(server)) => Some(Sample::Exact((client - server).max(0.0))),
        (Sample::AtLeast(client), Sample::Exact(server)) => Some(Sample::AtLeast((client - server).max(0.0))),
        (_, Sample::AtLeast(_)) => None,
    }
}
