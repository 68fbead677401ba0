//! One pass over the events of a trial, into accumulators whose size does not grow with the load, but for the holds of
//! locks (32 bytes each).

use redquake_experiments::spec::{Role, Workload};

use super::classes::Classes;
use super::faults::Faults;
use super::gap::{Acks, Answers, Reigns};
use super::hash::Map;
use super::locks::{LockRules, Locks};
use super::tally::Tally;
use super::timeline::{Buckets, Roles};
use crate::history::{Event, Header, NodeRole, Note, NoteKind, Op, Outcome, Phase, PhaseName, Probe, ProbeKind, SentinelEvent, Stall, Why};
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
    pub roles: Vec<Roles>,
    pub workloads: Vec<Load>,
    pub sentinel: Vec<SentinelEvent>,
    pub stalls: Vec<Stall>,
    pub notes: Vec<Note>,
    /// Latest time of any event.
    pub last: u64,
    /// Operations of workloads that the plan does not have.
    pub strange: u64,
}

/// One workload.
#[derive(Debug)]
pub struct Load {
    pub spec: Workload,
    pub locks: Locks,
    pub tally: Tally,
    pub answers: Answers,
    pub buckets: Buckets,
    pub classes: Classes,
}

impl Load {
    fn new(spec: &Workload) -> Self {
        let Workload::Lock(lock) = spec;
        let rules = LockRules { ttl: lock.ttl.as_nanos(), drift: lock.drift().as_nanos() };
        Self {
            spec: spec.clone(),
            locks: Locks::new(rules),
            tally: Tally::default(),
            answers: Answers::default(),
            buckets: Buckets::default(),
            classes: Classes::default(),
        }
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
            roles: Vec::new(),
            workloads: header.plan.experiment.workloads.iter().map(Load::new).collect(),
            sentinel: Vec::new(),
            stalls: Vec::new(),
            notes: Vec::new(),
            last: 0,
            strange: 0,
        }
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
                self.nodes.push(NodeInfo { name, role: node.role, address, version });
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
            Event::Role(sample) => {
                self.seen(sample.at[1]);
                if sample.role != NodeRole::Unreachable {
                    self.reigns.evidence(sample.node, sample.at[1], sample.role == NodeRole::Primary);
                }
                let node = usize::from(sample.node);
                if self.roles.len() <= node {
                    self.roles.resize_with(node + 1, Roles::default);
                }
                self.roles[node].sample(sample);
            }
            Event::Stall(stall) => keep(&mut self.stalls, stall),
            Event::Final(last) => {
                self.seen(last.at);
                if let Some(load) = self.workloads.get_mut(usize::from(last.w)) {
                    load.locks.last(last);
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
        // Before the baseline window clients warm up; after its end they only give back what they hold.
        let measured = self.phase(PhaseName::Baseline).is_some_and(|zero| op.at[0] >= zero)
            && self.phase(PhaseName::Stop).is_none_or(|stop| op.at[0] <= stop);
        let Some(load) = self.workloads.get_mut(usize::from(op.w)) else {
            self.strange += 1;
            return;
        };
        load.locks.op(op);
        load.buckets.op(op);
        if measured {
            load.tally.op(op);
            load.classes.op(op);
        }
        // A primary that says that a lock is held is at work: only for the lock is it a refusal.
        if op.out == Outcome::Ok || op.why == Some(Why::Held) {
            load.answers.answer(op.at[2], op.node);
        }
    }

    fn probe(&mut self, probe: &Probe) {
        let completed = probe.at[2];
        self.seen(completed);
        let acknowledged = probe.out == Outcome::Ok;
        match probe.op {
            ProbeKind::Write => {
                self.writes.probe(probe.node, completed, acknowledged);
                if acknowledged || probe.why == Some(Why::Readonly) {
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
