//! What an outage or a promotion is put down to. This is the one rule; docs/definitions.md has it in words.
//!
//! A cause explains at once what its mechanism does: to a node it took, over a link it touched, as long as it lasts and as long as the
//! servers' own timers go on after it. What comes later, with nothing else injected, the servers do by themselves: the cause has set it off,
//! and the configuration lets it happen.

use redquake_experiments::plan::PlannedFault;
use redquake_experiments::spec::{Action, Role};

use super::failover::Promotion;
use super::gap::{Interval, OUTAGE};
use super::settings::Settings;
use super::shards::Shard;
use crate::result::{Crash, FaultOutcome, NodeInfo};

const SECOND: u64 = 1_000_000_000;

/// What ends at once ends within this time: answers under way arrive a moment later, and a server that is asked to stop may take its leave.
const AT_ONCE: u64 = SECOND;

/// How long servers go on undoing what was reverted. A Sentinel demotes a primary that came back after 8 s, and looks every 10 s; a node
/// of a Cluster joins again within 5 s.
const AFTERMATH: u64 = 20 * SECOND;

/// A primary counts its good replicas once a second.
const COUNTED: u64 = 2 * SECOND;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CauseKind {
    /// A fault that was injected, by index.
    Fault(usize),
    /// A server that ended by itself.
    Crash,
}

/// How a cause does what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// A process is gone.
    Ends,
    /// A process is gone and comes back.
    Restarts,
    /// A process answers nobody for a while.
    Blocks,
    /// Packets of links are dropped, held back or lost.
    Links,
    /// A setting, a clock or a Sentinel's conduct is changed.
    Changes,
    /// Servers were told to hand over a role or slots.
    Orders,
}

/// Something that was done to the servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What kind of thing it was.
    pub kind: CauseKind,
    /// Its name in a report.
    pub name: String,
    /// When it began.
    pub at: u64,
    /// When it was reverted; `None` for what has no end, or was still there.
    pub until: Option<u64>,
    /// The nodes it acted on, by index; empty where that is not known.
    pub targets: Vec<u16>,
    /// How it acts.
    pub mechanism: Mechanism,
}

/// What something is put down to. Causes by their index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A cause explains it by its mechanism.
    Direct(usize),
    /// The servers did it by themselves after a cause.
    Aftershock(usize),
    /// The servers did it by themselves, and no cause had reached them.
    Spontaneous,
    /// The machine of the servers stood still.
    Machine,
}

impl Origin {
    /// The cause, where there is one.
    pub fn cause(self) -> Option<usize> {
        match self {
            Self::Direct(cause) | Self::Aftershock(cause) => Some(cause),
            Self::Spontaneous | Self::Machine => None,
        }
    }
}

/// The causes of a trial in order of time: its crashes, and its faults but for those that touch clients alone or nothing of the set.
pub fn causes(faults: &[FaultOutcome], planned: &[PlannedFault], crashes: &[Crash], nodes: &[NodeInfo]) -> Vec<Cause> {
    let mut found: Vec<Cause> = crashes.iter().filter_map(|crash| crashed(crash, nodes)).collect();
    for ((index, fault), planned) in faults.iter().enumerate().zip(planned) {
        let (Some(at), Some(mechanism)) = (fault.injected_at, mechanism(&planned.fault.action)) else { continue };
        let targets: Vec<u16> =
            nodes.iter().zip(0_u16..).filter(|(node, _)| fault.targets.contains(&node.name)).map(|(_, index)| index).collect();
        let beside = |node: &u16| nodes[usize::from(*node)].role == Role::Independent;
        // Zones are no nodes: a cut between zones touches no server.
        if !fault.targets.is_empty() && targets.iter().all(beside) {
            continue;
        }
        let until = fault.reverted_at;
        found.push(Cause { kind: CauseKind::Fault(index), name: fault.name.clone(), at, until, targets, mechanism });
    }
    found.sort_by_key(|cause| cause.at);
    found
}

/// A server that ended by itself is gone like one that was killed.
fn crashed(crash: &Crash, nodes: &[NodeInfo]) -> Option<Cause> {
    let node = nodes.iter().position(|node| node.name == crash.node && node.role != Role::Independent)?;
    let name = format!("crash of {}", crash.node);
    Some(Cause {
        kind: CauseKind::Crash,
        name,
        at: crash.at,
        until: None,
        targets: vec![u16::try_from(node).ok()?],
        mechanism: Mechanism::Ends,
    })
}

fn mechanism(action: &Action) -> Option<Mechanism> {
    Some(match action {
        Action::Kill(_) | Action::Stop(_) => Mechanism::Ends,
        Action::Restart(_) => Mechanism::Restarts,
        Action::Pause(_) | Action::Busy(_) | Action::ClientsPause(_) | Action::DiskFull(_) => Mechanism::Blocks,
        Action::Partition(_) | Action::Loss(_) | Action::Delay(_) | Action::Bandwidth(_) => Mechanism::Links,
        Action::ConfigSet(_) | Action::SentinelCrash(_) | Action::ClockJump(_) => Mechanism::Changes,
        Action::Failover(_) | Action::Reshard(_) => Mechanism::Orders,
        Action::ClientCrash(_) => return None,
    })
}

impl Cause {
    /// Whether it acted on a node.
    pub fn takes(&self, node: u16) -> bool {
        self.targets.contains(&node)
    }

    /// Whether it may have silenced a node at an instant.
    pub fn silences(&self, node: u16, at: u64) -> bool {
        let over = match self.mechanism {
            Mechanism::Ends => u64::MAX,
            Mechanism::Orders => self.until.unwrap_or(self.at).saturating_add(AFTERMATH),
            _ => self.until.map_or(u64::MAX, |until| until.saturating_add(COUNTED)),
        };
        (self.takes(node) || self.targets.is_empty()) && (self.at.saturating_sub(OUTAGE)..=over).contains(&at)
    }

    /// Until when a node that it had taken at an instant was gone. Whether one was cut off its peers tell: links may be slow or lossy, and
    /// a cut may leave most of them together.
    pub fn gone_until(&self, node: u16, at: u64) -> Option<u64> {
        let over = match self.mechanism {
            Mechanism::Ends => u64::MAX,
            Mechanism::Restarts | Mechanism::Blocks => self.until.unwrap_or(u64::MAX),
            Mechanism::Links | Mechanism::Changes | Mechanism::Orders => return None,
        };
        (self.takes(node) && self.at <= at && at < over).then_some(over)
    }

    /// Whether it acted on a node of a shard, or on those that watch over it.
    fn touches(&self, shard: &Shard, nodes: &[NodeInfo]) -> bool {
        let watches = |node: u16| shard.number.is_none() && nodes.get(usize::from(node)).is_some_and(|node| node.role == Role::Sentinel);
        self.targets.is_empty() || self.targets.iter().any(|node| shard.has(*node) || watches(*node))
    }

    /// Until when it is there.
    pub fn lasts(&self) -> u64 {
        match self.mechanism {
            Mechanism::Ends => self.at.saturating_add(AT_ONCE),
            // Slots move for a while.
            Mechanism::Orders => self.until.unwrap_or(self.at).max(self.at.saturating_add(AT_ONCE)),
            _ => self.until.unwrap_or(u64::MAX),
        }
    }
}

/// The rule for one shard.
#[derive(Debug)]
pub struct Rule<'a> {
    pub causes: &'a [Cause],
    pub shard: &'a Shard,
    pub nodes: &'a [NodeInfo],
    pub settings: &'a Settings,
}

impl Rule<'_> {
    /// Until when what begins is the doing of a cause.
    fn reach(&self, cause: &Cause) -> u64 {
        let after = match cause.mechanism {
            Mechanism::Ends => 0,
            _ => AFTERMATH,
        };
        let refusal = self.settings.refuses_after.map_or(0, |lag| lag.saturating_add(COUNTED));
        let begun = if cause.mechanism == Mechanism::Ends { cause.at } else { cause.lasts() };
        cause.lasts().max(begun.saturating_add(after)).max(begun.saturating_add(refusal))
    }

    /// The causes that touch the shard, with their index.
    fn touching(&self) -> impl DoubleEndedIterator<Item = (usize, &Cause)> {
        self.causes.iter().enumerate().filter(|(_, cause)| cause.touches(self.shard, self.nodes))
    }

    /// What came by itself: after the last cause before it, or before any.
    fn by_itself(&self, at: u64) -> Origin {
        let before = self.touching().filter(|(_, cause)| cause.at <= at).map(|(index, _)| index).next_back();
        before.map_or(Origin::Spontaneous, Origin::Aftershock)
    }

    /// What each promotion is put down to. A cause explains one: the end or the silence of a process that of its own replacement, anything
    /// else any. `first` is the address of the primary at the start.
    pub fn promotions(&self, promotions: &[Promotion], first: &str) -> Vec<Origin> {
        let mut used = vec![false; self.causes.len()];
        let mut primary = first.to_owned();
        let mut told = Vec::new();
        for promotion in promotions {
            let old = promotion.old.clone().unwrap_or_else(|| primary.clone());
            let replaced = self.nodes.iter().zip(0_u16..).find(|(node, _)| node.address == old).map(|(_, index)| index);
            let takes = |cause: &Cause| replaced.is_some_and(|node| cause.takes(node));
            let explains = |cause: &Cause| {
                let in_time = match cause.mechanism {
                    Mechanism::Ends => true,
                    _ => promotion.at <= self.reach(cause).saturating_add(self.settings.failover_within),
                };
                let needs_it = matches!(cause.mechanism, Mechanism::Ends | Mechanism::Restarts | Mechanism::Blocks);
                cause.at <= promotion.at && in_time && (takes(cause) || !needs_it || cause.targets.is_empty())
            };
            let candidates = self.touching().filter(|(index, cause)| !used[*index] && explains(cause));
            let best = candidates.max_by_key(|(_, cause)| (takes(cause), cause.at)).map(|(index, _)| index);
            told.push(best.map_or_else(|| self.by_itself(promotion.at), Origin::Direct));
            best.iter().for_each(|index| used[*index] = true);
            primary.clone_from(&promotion.new);
        }
        told
    }

    /// What an outage is put down to, given the promotions and what they are put down to.
    pub fn outage(&self, interval: &Interval, promotions: &[(u64, Origin)]) -> Origin {
        let (from, to) = (interval.from.0, interval.to.map_or(u64::MAX, |to| to.0));
        let ranked = self.touching().filter_map(|(index, cause)| {
            let contained = from <= cause.at && cause.at < to && cause.at - from < OUTAGE;
            let rank = match cause.at <= from {
                _ if contained => 0,
                true if from <= cause.lasts() => 0,
                true if from <= self.reach(cause) => 1,
                _ => return None,
            };
            Some(((rank, !cause.takes(interval.from.1), from.abs_diff(cause.at), index), contained, index))
        });
        let best = ranked.min_by_key(|(rank, ..)| *rank);
        if let Some((_, true, index)) = best {
            return Origin::Direct(index);
        }
        // One that a cause explains and in which the servers replaced a primary by themselves is theirs.
        let within: Vec<Origin> = promotions.iter().filter(|(at, _)| (from..=to).contains(at)).map(|(_, origin)| *origin).collect();
        let own = within.iter().find(|origin| matches!(origin, Origin::Aftershock(_)));
        match (best, own) {
            (_, Some(own)) if !within.iter().any(|origin| matches!(origin, Origin::Direct(_))) => *own,
            (Some((_, _, index)), _) => Origin::Direct(index),
            (None, _) => self.by_itself(from),
        }
    }
}
