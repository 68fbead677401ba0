//! One pass over the events of a trial, into accumulators whose size does not grow with the load, but for the holds of
//! locks (32 bytes each).

use redquake_experiments::spec::{Action, Role, Workload, shard_of};

use super::checks::Checks;
use super::classes::Classes;
use super::coverage::Refusals;
use super::faults::Faults;
use super::gap::{Acks, Answers, Reigns};
use super::hash::Map;
use super::replicas::Replicas;
use super::resets::Resets;
use super::servers::{Heir, Servers};
use super::silence::Silences;
use super::taken::Taken;
use super::tally::Tally;
use super::timeline::{Buckets, Roles};
use crate::history::{
    ClusterEvent, Event, Header, NodeRole, Note, NoteKind, ObjectEvent, Op, Outcome, Phase, PhaseName, Probe, ProbeKind, SentinelEvent,
    ServerStall, SlotsLeft, Stall, Why,
};
use crate::result::NodeInfo;

/// Messages, stalls and notes that are kept; a healthy trial has hundreds.
const KEPT: usize = 100_000;

/// Everything a trial's analysis needs to remember.
#[derive(Debug)]
pub struct Collected {
    pub header: Header,
    pub nodes: Vec<NodeInfo>,
    pub phases: Map<u32, u64>,
    pub faults: Faults,
    pub writes: Acks,
    pub reads: Acks,
    pub reigns: Reigns,
    pub silences: Silences,
    pub refusals: Refusals,
    pub roles: Vec<Roles>,
    pub replicas: Replicas,
    pub resets: Resets,
    pub servers: Servers,
    pub taken: Taken,
    pub workloads: Vec<Load>,
    pub sentinel: Vec<SentinelEvent>,
    pub cluster: Vec<ClusterEvent>,
    pub slots: Vec<SlotsLeft>,
    pub stalls: Vec<Stall>,
    pub objects: Vec<ObjectEvent>,
    pub server_stalls: Vec<ServerStall>,
    pub notes: Vec<Note>,
    /// Latest time of any event.
    pub last: u64,
    /// Operations of workloads that the plan does not have.
    pub strange: u64,
    /// Whether slots are to move.
    reshards: bool,
}

/// One workload.
#[derive(Debug)]
pub struct Load {
    pub spec: Workload,
    pub check: Checks,
    pub tally: Tally,
    /// Answers by shard, and in each by zone: what the clients of one zone got tells nothing of those of another.
    pub answers: Vec<Vec<Answers>>,
    /// What a chart shows of the clients, by zone.
    pub lanes: Vec<Lane>,
}

/// The clients of a workload that live together.
#[derive(Debug, Default)]
pub struct Lane {
    /// Where; `None` where no fault reaches.
    pub zone: Option<String>,
    pub buckets: Buckets,
    pub classes: Classes,
}

impl Load {
    fn new(spec: &Workload, shards: u32) -> Self {
        let names: Vec<Option<String>> = spec.zone.iter().flat_map(|zones| zones.names()).cloned().map(Some).collect();
        let names = if names.is_empty() { vec![None] } else { names };
        Self {
            spec: spec.clone(),
            check: Checks::new(spec, shards),
            tally: Tally::default(),
            answers: (0..shards).map(|_| names.iter().map(|_| Answers::default()).collect()).collect(),
            lanes: names.into_iter().map(|zone| Lane { zone, ..Lane::default() }).collect(),
        }
    }
}

impl Load {
    /// What the clients of each zone are called.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.lanes.iter().map(|lane| match &lane.zone {
            Some(zone) => format!("{} in zone {zone}", self.spec.name),
            None => self.spec.name.clone(),
        })
    }
}

impl Collected {
    pub fn new(header: &Header) -> Self {
        Self {
            header: header.clone(),
            nodes: Vec::new(),
            phases: Map::default(),
            faults: Faults::new(header.plan.faults.len()),
            writes: Acks::default(),
            reads: Acks::default(),
            reigns: Reigns::default(),
            silences: Silences::default(),
            refusals: Refusals::default(),
            roles: Vec::new(),
            replicas: Replicas::default(),
            resets: Resets::default(),
            servers: Servers::default(),
            taken: Taken::default(),
            workloads: header
                .plan
                .experiment
                .workloads
                .iter()
                .map(|spec| Load::new(spec, header.plan.experiment.topology.shards()))
                .collect(),
            sentinel: Vec::new(),
            cluster: Vec::new(),
            slots: Vec::new(),
            stalls: Vec::new(),
            objects: Vec::new(),
            server_stalls: Vec::new(),
            notes: Vec::new(),
            last: 0,
            strange: 0,
            reshards: header.plan.faults.iter().any(|planned| matches!(planned.fault.action, Action::Reshard(_))),
        }
    }

    /// The primary of the end among some nodes: of several that say they are one, the one promoted last. A node that gives no answer any more
    /// leads nobody, whatever it said before.
    pub(super) fn heir(&self, nodes: &[u16], end: u64) -> Option<Heir> {
        let gone = |node: u16| self.roles.get(usize::from(node)).is_some_and(Roles::gone);
        let since = nodes.iter().filter(|node| !gone(**node)).filter_map(|node| Some((self.reigns.since(*node, end)?, *node)));
        since.max().map(|(since, node)| Heir { node, since })
    }

    /// Takes in one event.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Header(_) => {}
            Event::Op(op) => self.op(op),
            Event::Probe(probe) => self.probe(probe),
            Event::Node(node) => {
                self.seen(node.at);
                let index = self.nodes.len() as u16;
                if node.role == Role::Primary {
                    self.reigns.evidence(index, node.at, true);
                }
                let (name, address, version) = (node.name.clone(), node.address.clone(), node.version.clone());
                let shard = self.header.plan.nodes.iter().find(|planned| planned.name == name).and_then(|planned| planned.shard);
                self.nodes.push(NodeInfo { name, role: node.role, address, version, shard });
            }
            Event::Started(started) => {
                self.seen(started.at[1]);
                self.resets.started(started);
            }
            Event::Phase(Phase { at, name }) => {
                self.seen(*at);
                self.phases.entry(*name as u32).or_insert(*at);
            }
            Event::Fault(step) => {
                self.seen(step.at);
                self.faults.step(step);
            }
            Event::Sentinel(message) => {
                self.seen(message.at);
                keep(&mut self.sentinel, message);
            }
            Event::Cluster(news) => {
                self.seen(news.at);
                keep(&mut self.cluster, news);
            }
            Event::Role(sample) => {
                self.seen(sample.at[1]);
                if sample.role != NodeRole::Unreachable {
                    self.silences.answer(sample.node, sample.at[1]);
                    self.reigns.evidence(sample.node, sample.at[1], sample.role == NodeRole::Primary);
                }
                self.replicas.sample(sample);
                self.resets.sample(sample);
                self.servers.sample(sample);
                let node = usize::from(sample.node);
                if self.roles.len() <= node {
                    self.roles.resize_with(node + 1, Roles::default);
                }
                self.roles[node].sample(sample);
            }
            Event::Slots(left) => {
                self.seen(left.at);
                keep(&mut self.slots, left);
            }
            Event::Stall(stall) => keep(&mut self.stalls, stall),
            Event::Object(object) => keep(&mut self.objects, object),
            Event::ServerStall(stall) => keep(&mut self.server_stalls, stall),
            Event::Final(last) => {
                self.seen(last.at);
                if let Some(load) = self.workloads.get_mut(usize::from(last.w)) {
                    load.check.last(last);
                }
            }
            Event::Members(members) => {
                self.seen(members.at);
                if let Some(load) = self.workloads.get_mut(usize::from(members.w)) {
                    load.check.members(members);
                }
            }
            Event::Decision(decision) => {
                self.seen(decision.at[1]);
                if let Some(load) = self.workloads.get_mut(usize::from(decision.w)) {
                    load.check.decision(decision);
                }
            }
            Event::Keys(keys) => {
                self.seen(keys.at);
                if let Some(load) = self.workloads.get_mut(usize::from(keys.w)) {
                    load.check.keys(keys);
                }
            }
            Event::Query(query) => {
                self.seen(query.at[1]);
                if let Some(load) = self.workloads.get_mut(usize::from(query.w)) {
                    load.check.query(query);
                }
            }
            Event::Read(read) => {
                self.seen(read.at[1]);
                if let Some(load) = self.workloads.get_mut(usize::from(read.w)) {
                    load.check.read(read);
                }
            }
            Event::Vote(vote) => {
                self.seen(vote.at[1]);
                if let Some(load) = self.workloads.get_mut(usize::from(vote.w)) {
                    load.check.vote(vote);
                }
            }
            Event::Access(access) => {
                self.seen(access.wrote.map_or(access.read[0], |wrote| wrote[0]));
                if let Some(load) = self.workloads.get_mut(usize::from(access.w)) {
                    load.check.access(access);
                }
            }
            Event::Payment(payment) => {
                self.seen(payment.looked[1]);
                if let Some(load) = self.workloads.get_mut(usize::from(payment.w)) {
                    load.check.payment(payment);
                }
            }
            Event::Paid(paid) => {
                self.seen(paid.at);
                if let Some(load) = self.workloads.get_mut(usize::from(paid.w)) {
                    load.check.paid(paid);
                }
            }
            Event::Exchange(exchange) => {
                self.seen(exchange.at[1]);
                if let Some(load) = self.workloads.get_mut(usize::from(exchange.w)) {
                    load.check.exchange(exchange);
                }
            }
            Event::Value(value) => {
                self.seen(value.at[1]);
                if let Some(load) = self.workloads.get_mut(usize::from(value.w)) {
                    load.check.value(value);
                }
            }
            Event::Note(note) => {
                // A trial that was interrupted says so once for each place that noticed.
                if note.kind == NoteKind::Remark || !self.notes.contains(note) {
                    keep(&mut self.notes, note);
                }
            }
            Event::End(end) => self.seen(end.at),
        }
    }

    /// When a phase began.
    pub fn phase(&self, name: PhaseName) -> Option<u64> {
        self.phases.get(&(name as u32)).copied()
    }

    fn seen(&mut self, at: u64) {
        self.last = self.last.max(at);
    }

    fn op(&mut self, op: &Op) {
        self.seen(op.at[2]);
        self.silences.op(op);
        // Before the baseline window clients warm up; after its end they only give back what they hold.
        let measured = self.phase(PhaseName::Baseline).is_some_and(|zero| op.at[0] >= zero)
            && self.phase(PhaseName::Stop).is_none_or(|stop| op.at[0] <= stop);
        let Some(load) = self.workloads.get_mut(usize::from(op.w)) else {
            self.strange += 1;
            return;
        };
        load.check.op(op);
        // Clients are dealt out to the zones in turn.
        let zone = usize::from(op.c) % load.lanes.len();
        load.lanes[zone].buckets.op(op);
        if !load.spec.kind.asks_independent() {
            self.taken.op(op);
        }
        if measured {
            load.tally.op(op);
            load.check.tally(op);
            load.lanes[zone].classes.op(op);
        }
        // Where operations come in bursts, a time without answers says nothing.
        // A primary that says that a lock is held is at work: only for the lock is it a refusal. Independent primaries tell nothing of the set.
        if load.spec.kind.is_steady() && !load.spec.kind.asks_independent() && (op.out == Outcome::Ok || op.why == Some(Why::Held)) {
            // The shard that answered: slots may have moved since keys were dealt out.
            let answered = op.node.and_then(|node| self.nodes.get(usize::from(node))?.shard);
            let shard = match answered {
                Some(shard) => shard,
                // Whom the library asked is not known.
                None if self.reshards => return,
                None => shard_of(op.key, u32::try_from(load.answers.len()).unwrap_or(1)),
            };
            if let Some(answers) = load.answers.get_mut(shard.saturating_sub(1) as usize) {
                answers[zone].answer(op.at[2], op.node);
            }
        }
    }

    fn probe(&mut self, probe: &Probe) {
        let completed = probe.at[2];
        self.seen(completed);
        let acknowledged = probe.out == Outcome::Ok;
        self.silences.probe(probe);
        self.refusals.probe(probe);
        match probe.op {
            ProbeKind::Write => {
                self.writes.probe(probe.node, completed, acknowledged);
                if acknowledged || matches!(probe.why, Some(Why::Readonly | Why::Moved)) {
                    self.reigns.evidence(probe.node, completed, acknowledged);
                }
            }
            ProbeKind::Read => self.reads.probe(probe.node, completed, acknowledged),
        }
    }
}

fn keep<T: Clone>(kept: &mut Vec<T>, one: &T) {
    if kept.len() < KEPT {
        kept.push(one.clone());
    }
}
