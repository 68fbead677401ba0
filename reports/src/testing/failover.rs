//! One trial in which the primary is killed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::Role;

use super::{locks, plan, sentinels};
use crate::history::{
    End, Event, FORMAT_VERSION, FaultEvent, FaultState, Header, Node, NodeRole, Outcome, Phase, PhaseName, Probe, ProbeKind, RoleSample,
    Why,
};

const MS: u64 = 1_000_000;

/// What happens in a forged trial. Times are nanoseconds; those without another zero count from the start of the baseline window.
#[derive(Debug, Clone, PartialEq)]
pub struct FailoverParams {
    /// Seed of every choice.
    pub seed: u64,
    /// Trial number.
    pub trial: u32,
    /// Start of the baseline window, from the trial's beginning.
    pub zero: u64,
    /// Measured time.
    pub duration: u64,
    /// When `redis-1` is killed.
    pub kill_at: u64,
    /// `down-after-milliseconds`.
    pub down_after: u64,
    /// `failover-timeout`.
    pub failover_timeout: u64,
    /// Attempts that fail for want of votes before one succeeds.
    pub failed_attempts: u32,
    /// Writes of this long before the kill never reached the replicas.
    pub lag: u64,
    /// Whether a new primary is promoted before the end.
    pub recovers: bool,
    /// Interval between two probes of a node.
    pub probe_every: u64,
    /// Clients of the lock workload.
    pub clients: u16,
    /// Acquire attempts per second.
    pub rate: u64,
    /// Number of locks.
    pub keys: u32,
    /// Lifetime of a lock.
    pub ttl: u64,
    /// How long a lock is held.
    pub hold: u64,
}

impl Default for FailoverParams {
    fn default() -> Self {
        Self {
            seed: 7,
            trial: 1,
            zero: 2_000 * MS,
            duration: 15_000 * MS,
            kill_at: 5_000 * MS,
            down_after: 1_000 * MS,
            failover_timeout: 10_000 * MS,
            failed_attempts: 0,
            lag: 0,
            recovers: true,
            probe_every: 5 * MS,
            clients: 8,
            rate: 200,
            keys: 16,
            ttl: 3_000 * MS,
            hold: 50 * MS,
        }
    }
}

/// When the parts of the failover happen, from the trial's beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    pub killed: u64,
    pub odown: u64,
    pub elected: u64,
    pub writable: u64,
    pub announced: u64,
    pub end: u64,
}

impl FailoverParams {
    /// Times after a kill as one real run had them: +odown at `down-after` + 138 ms, elected at + 194 ms, writable at
    /// + 357 ms, observers told at + 1286 ms; each attempt without enough votes adds twice the failover timeout.
    pub(super) fn course(&self, rng: &mut ChaCha8Rng) -> Course {
        let killed = self.zero + self.kill_at;
        let odown = killed + self.down_after + 100 * MS + rng.random_range(0..60 * MS);
        let try_at = odown + u64::from(self.failed_attempts) * 2 * self.failover_timeout;
        let elected = try_at + rng.random_range(50 * MS..100 * MS);
        let writable = elected + rng.random_range(150 * MS..200 * MS);
        let announced = writable + rng.random_range(800 * MS..950 * MS);
        let end = self.zero + self.duration;
        if self.recovers {
            Course { killed, odown, elected, writable, announced, end }
        } else {
            let never = u64::MAX;
            Course { killed, odown, elected: never, writable: never, announced: never, end }
        }
    }
}

/// The events of one trial in which `redis-1` is killed and `redis-2` is promoted, in the order in which they were seen.
pub fn failover_history(params: &FailoverParams) -> Vec<Event> {
    let mut rng = ChaCha8Rng::seed_from_u64(params.seed ^ u64::from(params.trial));
    let course = params.course(&mut rng);
    let mut events: Vec<(u64, Event)> = Vec::new();
    nodes(&mut events);
    phases(params, &course, &mut events);
    fault(&course, &mut events);
    sentinels::publish(params, &course, &mut rng, &mut events);
    roles(params, &course, &mut events);
    probes(params, &course, &mut rng, &mut events);
    locks::run(params, &course, &mut rng, &mut events);
    events.sort_by_key(|(at, _)| *at);

    let header = Header {
        format: FORMAT_VERSION,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        plan: plan(params),
        trial: params.trial,
        seed: params.seed.wrapping_add(u64::from(params.trial)),
        began: "2025-01-01T00:00:00Z".to_owned(),
        probe_every: params.probe_every,
    };
    let last = events.last().map_or(0, |(at, _)| *at);
    let mut all = vec![Event::Header(Box::new(header))];
    all.extend(events.into_iter().map(|(_, event)| event));
    let ops = all.iter().filter(|event| matches!(event, Event::Op(_))).count() as u64;
    let probes = all.iter().filter(|event| matches!(event, Event::Probe(_))).count() as u64;
    all.push(Event::End(End { at: last, ops, probes, ..End::default() }));
    all
}

pub(super) const ADDRESSES: [&str; 6] =
    ["10.77.0.11:6379", "10.77.0.12:6379", "10.77.0.13:6379", "10.77.0.21:26379", "10.77.0.22:26379", "10.77.0.23:26379"];

fn nodes(events: &mut Vec<(u64, Event)>) {
    let names = ["redis-1", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3"];
    let roles = [Role::Primary, Role::Replica, Role::Replica, Role::Sentinel, Role::Sentinel, Role::Sentinel];
    for (index, ((name, role), address)) in names.into_iter().zip(roles).zip(ADDRESSES).enumerate() {
        let at = 400 * MS + index as u64 * 40 * MS;
        let node = Node {
            at,
            name: name.to_owned(),
            role,
            address: address.to_owned(),
            run_id: format!("{:040x}", index + 1),
            version: "redis 7.0.15".to_owned(),
        };
        events.push((at, Event::Node(node)));
    }
}

fn phases(params: &FailoverParams, course: &Course, events: &mut Vec<(u64, Event)>) {
    let mut phase = |at: u64, name| events.push((at, Event::Phase(Phase { at, name })));
    phase(0, PhaseName::Provision);
    phase(930 * MS, PhaseName::Settle);
    phase(params.zero, PhaseName::Baseline);
    phase(course.killed + 20 * MS, PhaseName::Recovery);
    phase(course.end, PhaseName::Stop);
    phase(course.end + 20 * MS, PhaseName::FinalRead);
}

fn fault(course: &Course, events: &mut Vec<(u64, Event)>) {
    let mut step = |at, state, detail: &str| {
        let targets = vec!["redis-1".to_owned()];
        events.push((at, Event::Fault(FaultEvent { at, fault: 0, state, targets, detail: detail.to_owned() })));
    };
    step(course.killed, FaultState::Injected, "SIGKILL sent to redis-1");
    step(course.killed + 4 * MS, FaultState::Proved, "process gone; connections to 10.77.0.11:6379 refused");
}

fn roles(params: &FailoverParams, course: &Course, events: &mut Vec<(u64, Event)>) {
    let told = |node: u16, at: u64| match node {
        0 if at < course.killed => NodeRole::Primary,
        0 => NodeRole::Unreachable,
        1 if at >= course.writable => NodeRole::Primary,
        _ => NodeRole::Replica,
    };
    for node in 0..3_u16 {
        let mut last = None;
        let mut at = 930 * MS;
        while at < course.end {
            let role = told(node, at);
            if last != Some(role) || at % (250 * MS) < 50 * MS {
                let primary = role == NodeRole::Primary;
                let follows = match role {
                    NodeRole::Replica if at < course.announced => ADDRESSES[0],
                    NodeRole::Replica => ADDRESSES[1],
                    _ => "",
                };
                let sample = RoleSample {
                    syncing: false,
                    priority: None,
                    at: [at, at + 300_000],
                    node,
                    role,
                    offset: if role == NodeRole::Unreachable { 0 } else { (at - params.zero.min(at)) / 10_000 },
                    link: if primary { at < course.killed || at > course.announced } else { at < course.killed },
                    follows: follows.to_owned(),
                };
                events.push((at + 300_000, Event::Role(sample)));
            }
            last = Some(role);
            at += 50 * MS;
        }
    }
}

fn probes(params: &FailoverParams, course: &Course, rng: &mut ChaCha8Rng, events: &mut Vec<(u64, Event)>) {
    for node in 0..3_u16 {
        let mut intended = 930 * MS + u64::from(node) * 300_000;
        while intended < course.end {
            for op in [ProbeKind::Write, ProbeKind::Read] {
                let invoked = intended + rng.random_range(5_000..60_000);
                let completed = invoked + rng.random_range(80_000..400_000);
                let dead = node == 0 && completed >= course.killed;
                let writable = if node == 0 { !dead } else { node == 1 && invoked >= course.writable };
                let (out, why) = match op {
                    _ if dead && invoked < course.killed => (Outcome::Info, Some(Why::Reset)),
                    _ if dead => (Outcome::Fail, Some(Why::Connect)),
                    ProbeKind::Read => (Outcome::Ok, None),
                    ProbeKind::Write if writable => (Outcome::Ok, None),
                    ProbeKind::Write => (Outcome::Fail, Some(Why::Readonly)),
                };
                events.push((completed, Event::Probe(Probe { node, op, at: [intended, invoked, completed], out, why })));
            }
            intended += params.probe_every;
        }
    }
}
