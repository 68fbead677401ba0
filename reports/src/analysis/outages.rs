//! The outages of a trial, each with its gaps and parts.

use redquake_experiments::spec::Role;

use super::failover::{Anatomy, Contest, Known, Loss, Message, Obstacle, Promotion, anatomy, cluster_anatomy, obstacle};
use super::gap::{Interval, OUTAGE, Outage, Series};
use super::shards::Shard;
use super::timeline::Roles;
use crate::history::ClusterEvent;
use crate::result::{Failover, FaultOutcome, Gap, NodeInfo, Sample};

/// What outages are told from.
#[derive(Debug)]
pub struct Scene<'a> {
    pub nodes: &'a [NodeInfo],
    pub names: &'a [String],
    pub shard: &'a Shard,
    pub faults: &'a [FaultOutcome],
    pub messages: &'a [Message],
    /// What the nodes of a Cluster saw and decided, in order of time.
    pub news: &'a [ClusterEvent],
    /// What each node said it was, by index.
    pub roles: &'a [Roles],
    pub promotions: &'a [Promotion],
    pub reads: &'a Series,
    /// Answers to the clients of each workload and zone that got any, with their name.
    pub clients: &'a [(String, Series)],
    /// The outages of the trial, first and last instant.
    pub outages: &'a [(u64, u64)],
    pub end: u64,
}

/// An outage with what its parts are worth as samples.
#[derive(Debug)]
pub struct Told {
    pub failover: Failover,
    pub anatomy: Anatomy,
    /// Whether a fault explains it, or there is nothing to explain.
    pub planned: bool,
    /// Whether it is an outage, or what a fault caused instead of one.
    pub outage: bool,
    /// Whether a fault of the trial took hold of a node of the shard: what the others felt is the blast radius.
    pub hit: bool,
    /// Why no replica was elected, where none was.
    pub obstacle: Option<Obstacle>,
}

impl Scene<'_> {
    /// Tells one outage.
    pub fn tell(&self, outage: &Outage) -> Told {
        let fault = outage.window.and_then(|window| window.fault).map(|fault| &self.faults[fault]);
        let mut failover = Failover {
            shard: self.shard.number,
            fault: fault.map(|fault| fault.name.clone()),
            fault_at: fault.and_then(|fault| fault.injected_at),
            write_gap: None,
            read_gap: None,
            client_gap: None,
            client_gap_of: None,
            library_cost: None,
            old_primary: None,
            new_primary: None,
            parts: Vec::new(),
            obstacle: None,
        };
        let (mut parts, mut obstacle) = (Anatomy::default(), None);
        if let Some(interval) = outage.interval {
            let write = self.gap(&interval, self.end);
            failover.read_gap = self.matching(self.reads, outage, &interval).map(|read| self.gap(&read, self.end));
            (failover.client_gap_of, failover.client_gap) = self.client_gap(outage, &interval).unzip();
            // Clients that were cut off while servers took writes waited for a failover that the servers' gap knows nothing of.
            let apart = |client: &Gap| !outage.long && client.length.value() >= OUTAGE as f64;
            let client = failover.client_gap.as_ref().filter(|client| !apart(client));
            failover.library_cost = client.and_then(|client| cost(client.length, write.length));
            failover.old_primary = self.name(interval.from.1);
            failover.new_primary = self.new_primary(outage, &interval);
            if outage.long && (failover.new_primary.is_some() || interval.to.is_none()) {
                parts = self.anatomy(&failover, &interval);
                failover.parts.clone_from(&parts.parts);
            }
            failover.write_gap = Some(write);
            obstacle = outage.long.then(|| self.obstacle(&interval)).flatten();
            failover.obstacle = obstacle.as_ref().map(|obstacle| obstacle.why.clone());
        }
        let hit = self.shard.number.is_none() || self.faults.iter().any(|fault| self.shard.hit(&fault.targets, self.nodes));
        Told { failover, anatomy: parts, planned: outage.window.is_some(), outage: outage.long || fault.is_some(), hit, obstacle }
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
        match outage.window {
            Some(window) if !outage.long => {
                let begun = series.containing(window.at);
                let candidates = begun.into_iter().chain(series.beginning_in(window.at.saturating_add(1), window.until));
                let index = series.longest(candidates.filter(|index| {
                    let interval = series.interval(*index);
                    let until = interval.from.0.saturating_add(series.length(&interval));
                    !self.outages.iter().any(|(from, to)| interval.from.0 < *to && *from < until)
                }));
                index.map(|index| series.interval(index))
            }
            _ => series.longest_across(interval.from.0, interval.to.map_or(self.end, |to| to.0)),
        }
    }

    /// The gap of the workload whose clients waited longest. An outage of the servers begins for the clients when it
    /// begins for the servers, so that the two lengths can be subtracted and their parts added up.
    fn client_gap(&self, outage: &Outage, write: &Interval) -> Option<(String, Gap)> {
        let gaps = self.clients.iter().filter_map(|(name, series)| {
            // Clients that were never answered before it have waited since it began.
            let first = series.first().filter(|first| outage.long && first.0 > write.from.0);
            let unanswered = first.map(|first| Interval { from: write.from, to: Some(first) });
            let waits = unanswered.into_iter().chain(self.matching(series, outage, write));
            let own = waits.reduce(|longest, other| if series.length(&other) > series.length(&longest) { other } else { longest })?;
            let from = if outage.long { write.from } else { own.from };
            Some((name.clone(), self.gap(&Interval { from, to: own.to }, self.end)))
        });
        // Of equals the first workload's.
        gaps.reduce(|longest, other| if waited(&other.1) > waited(&longest.1) { other } else { longest })
    }

    fn new_primary(&self, outage: &Outage, interval: &Interval) -> Option<String> {
        if let Some(to) = interval.to.filter(|to| to.1 != interval.from.1) {
            return self.name(to.1);
        }
        // Promoted without a gap, or promoted and not yet writable.
        let until = match (outage.window, outage.long) {
            (Some(window), false) => window.until,
            (_, true) if interval.to.is_none() => self.end.saturating_add(1),
            _ => return None,
        };
        let from = outage.window.map_or(interval.from.0, |window| window.at);
        let promotion = self.promotions.iter().find(|promotion| (from..until).contains(&promotion.at))?;
        self.nodes.iter().find(|node| node.address == promotion.new).map(|node| node.name.clone())
    }

    /// Why no replica of a Cluster's shard was elected while its primary was gone.
    fn obstacle(&self, interval: &Interval) -> Option<Obstacle> {
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

    fn anatomy(&self, failover: &Failover, interval: &Interval) -> Anatomy {
        let new = failover.new_primary.as_deref();
        let known = Known {
            from: interval.from.0,
            fault: failover.fault_at,
            writable: interval.to.map(|to| to.0),
            rediscovered: failover.client_gap.as_ref().and_then(|gap| gap.to),
            end: self.end,
            clients: failover.client_gap.is_some(),
            old: self.address(interval.from.1),
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
