//! `reshard`: slots move from one primary to another under load. Proved by both ends that hold the first slot for open, or by who serves it; its end by
//! every node that names the new owner, and by the keys. One that is cut short, because an end is gone, leaves its slot as it is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::{Reshard, Selector, SlotChoice, SlotRanges};
use redquake_reports::history::{Event, SlotsLeft};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::injection::{Done, Injection, NotDone};
use super::mover::{Course, End, Mover, Orders};
use super::select::{self, Liveness};
use super::slots::{self, View};
use crate::context::{Member, TrialContext};

/// Both ends know of an open slot at once.
const OPENED_WITHIN: Duration = Duration::from_secs(3);
/// What was told to all primaries reaches the replicas by gossip, within a second or two.
const KNOWN_WITHIN: Duration = Duration::from_secs(6);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a move may take beyond its time; one that was stopped only ends its slot.
const LATE: Duration = Duration::from_secs(8);
/// A reversal before the end of its time is an interruption.
const EARLY: Duration = Duration::from_millis(100);

/// A move of some slots.
pub struct ReshardFault {
    fault: u16,
    source: Member,
    target: Member,
    orders: Orders,
    stop: CancellationToken,
    begun: Mutex<Option<(Instant, JoinHandle<Course>)>>,
    course: Mutex<Option<Course>>,
}

impl ReshardFault {
    /// Asks who serves what, and chooses the slots.
    pub async fn resolve(index: usize, spec: &Reshard, context: &TrialContext, random: &mut ChaCha8Rng) -> Result<Self, NotDone> {
        let source = one(&spec.from, context, random).await?;
        let target = one(&spec.to, context, random).await?;
        if source.shard == target.shard {
            let both = format!("{} and {} are both of shard {}", source.node.name, target.node.name, source.shard);
            return Err(NotDone::NoOccasion(both));
        }
        let views = slots::views(context).await;
        let (from, owned) = end(&views, &source).map_err(NotDone::NoOccasion)?;
        let (to, _) = end(&views, &target).map_err(NotDone::NoOccasion)?;
        let primaries = views.iter().filter(|view| view.myself().is_some_and(|myself| myself.is("master")));
        let others = primaries.filter(|view| view.asked != source.index && view.asked != target.index);
        let others = others.filter_map(|view| context.roster.data().find(|member| member.index == view.asked));
        let (keyed, kept) = (context.roster.keys.slots(), context.roster.keys.probed());
        let slots =
            choose(&spec.slots, &owned, &keyed, &kept).map_err(|reason| NotDone::NoOccasion(format!("{}: {reason}", source.node.name)))?;
        let others = others.map(|member| member.node.address).collect();
        let orders = Orders { source: from, target: to, others, slots, over: spec.over.to_std() };
        let fault = u16::try_from(index).unwrap_or(u16::MAX);
        let (stop, begun, course) = (CancellationToken::new(), Mutex::default(), Mutex::default());
        Ok(Self { fault, source, target, orders, stop, begun, course })
    }

    fn course(&self) -> Option<Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The slots, for people.
    fn ranges(&self) -> SlotRanges {
        SlotRanges::new(self.orders.slots.iter().map(|slot| (*slot, *slot)).collect()).merged()
    }

    /// Whether both ends hold a slot for open, or the target serves it already.
    fn opened(&self, views: &[View], slot: u16) -> Result<String, String> {
        let (source, target) = (&self.source.node.name, &self.target.node.name);
        let holds = |member: &Member, leaving: bool, other: &str| {
            let myself = views.iter().find(|view| view.asked == member.index).and_then(View::myself);
            myself.is_some_and(|node| node.moving.iter().any(|one| one.slot == slot && one.leaving == leaving && one.other == other))
        };
        let serves = views.iter().find(|view| view.asked == self.target.index).and_then(View::myself);
        if serves.is_some_and(|node| node.slots.contains(slot)) {
            return Ok(format!("{target} says that it serves slot {slot}"));
        }
        match (holds(&self.source, true, &self.orders.target.id), holds(&self.target, false, &self.orders.source.id)) {
            (true, true) => Ok(format!("{source} holds slot {slot} for leaving, {target} for arriving")),
            (true, false) => Err(format!("{target} does not hold slot {slot} for arriving")),
            (false, _) => Err(format!("{source} does not hold slot {slot} for leaving")),
        }
    }

    /// Waits until every node that answers names a node of the target's shard for all slots that were moved.
    async fn known(&self, context: &TrialContext, moved: &[u16]) -> Result<String, String> {
        let since = Instant::now();
        loop {
            let views = slots::views(context).await;
            let stranger = views.iter().find_map(|view| {
                let one = std::slice::from_ref(view);
                let served = |slot: &&u16| self.owner(context, one, **slot).is_none_or(|owner| owner.shard != self.target.shard);
                Some((view.asked, *moved.iter().find(served)?))
            });
            let Some((asked, slot)) = stranger else {
                let took = since.elapsed().as_secs_f64() * 1e3;
                return Ok(format!("after {took:.0} ms all {} nodes that answer name {} for them", views.len(), self.target.node.name));
            };
            if since.elapsed() > KNOWN_WITHIN {
                let name = context.roster.all().find(|member| member.index == asked).map(|member| member.node.name).unwrap_or_default();
                return Err(format!("{name} does not name {} for slot {slot} within {KNOWN_WITHIN:?}", self.target.node.name));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn owner(&self, context: &TrialContext, views: &[View], slot: u16) -> Option<Member> {
        let owner = slots::owner(views, &|address| slots::index_at(&context.roster, address), slot)?;
        context.roster.data().find(|member| member.index == owner)
    }

    /// Where the keys of moved slots are: none at the source, if it answers.
    async fn keys(&self, context: &TrialContext, moved: &[u16]) -> Result<String, String> {
        let (source, target) = (&self.source.node.name, &self.target.node.name);
        let stayed = slots::keys_in(context, &self.source, moved).await.map(|counts| counts.iter().sum::<u64>());
        if let Some(stayed) = stayed.filter(|stayed| *stayed > 0) {
            return Err(format!("{source} still has {stayed} of their keys"));
        }
        let there = slots::keys_in(context, &self.target, moved).await.map(|counts| counts.iter().sum::<u64>());
        Ok(match (stayed, there) {
            (Some(_), Some(there)) => format!("{source} has none of their keys, {target} {there}"),
            (None, Some(there)) => format!("{target} has {there} of their keys, and {source} does not answer"),
            (_, None) => format!("{target} does not answer"),
        })
    }
}

#[async_trait]
impl Injection for ReshardFault {
    fn targets(&self) -> Vec<String> {
        vec![self.source.node.name.clone(), self.target.node.name.clone()]
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let beginning = context.control.spawn(Mover::begin(self.orders.clone()));
        let mover = beginning.await.map_err(|error| error.to_string())??;
        let at = Instant::now();
        let task = context.control.spawn(mover.go(at, self.stop.clone()));
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, task));
        let (count, slots) = (self.orders.slots.len(), self.ranges());
        let detail = format!("{count} slots ({slots}) of {} began to move to {}", self.source.node.name, self.target.node.name);
        Ok(vec![Done { at, targets: self.targets(), detail }])
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let (since, first) = (Instant::now(), self.orders.slots.first().copied().unwrap_or_default());
        loop {
            match self.opened(&slots::views(context).await, first) {
                Ok(told) => return Ok(told),
                Err(lacks) if since.elapsed() > OPENED_WITHIN => return Err(format!("{lacks} within {OPENED_WITHIN:?}")),
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Waits for the end; before its time, as when the run is interrupted, the slot under way is the last one.
    async fn revert(&self, _: &TrialContext) -> Result<Instant, String> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (at, task) = begun.ok_or("it had not begun")?;
        if Instant::now() + EARLY < at + self.orders.over {
            self.stop.cancel();
        }
        let course = tokio::time::timeout(LATE, task).await;
        self.stop.cancel();
        let course = course.map_err(|_| format!("it was not over {LATE:?} after its time"))?.map_err(|error| error.to_string())?;
        let ended = course.ended;
        *self.course.lock().unwrap_or_else(PoisonError::into_inner) = Some(course);
        Ok(ended)
    }

    async fn prove_reverted(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let course = self.course().ok_or("nobody knows how it went")?;
        let moved = &self.orders.slots[..course.moved.min(self.orders.slots.len())];
        let told = format!("{} of {} slots moved, {} keys with MIGRATE", moved.len(), self.orders.slots.len(), course.keys);
        match &course.trouble {
            Some(trouble) if !trouble.cut => Err(format!("{told}; then {}", trouble.words)),
            // What is left behind is looked at when the trial has recovered: its end is that nobody moves anything any more.
            Some(trouble) => Ok(format!("{told}; cut short: {}", trouble.words)),
            None => Ok(format!("{told}; {}; {}", self.known(context, moved).await?, self.keys(context, moved).await?)),
        }
    }

    async fn aftermath(&self, context: &TrialContext) -> Option<String> {
        let course = self.course()?;
        let views = slots::views(context).await;
        let primaries = views.iter().filter(|view| view.myself().is_some_and(|myself| myself.is("master")));
        let primaries: Vec<u16> = primaries.map(|view| view.asked).collect();
        let mut keys = Vec::new();
        for member in context.roster.data().filter(|member| primaries.contains(&member.index)) {
            keys.extend(slots::keys_in(context, &member, &self.orders.slots).await.map(|counts| (member.index, counts)));
        }
        let served = |slot: &&u16| self.owner(context, &views, **slot).is_some_and(|owner| owner.shard == self.target.shard);
        let left = SlotsLeft {
            at: context.clock.now(),
            fault: self.fault,
            from: self.source.index,
            to: self.target.index,
            planned: u32::try_from(self.orders.slots.len()).unwrap_or(u32::MAX),
            moved: u32::try_from(self.orders.slots.iter().filter(served).count()).unwrap_or(u32::MAX),
            keys: course.keys,
            left: slots::left(&self.orders.slots, &views, &keys, &|address| slots::index_at(&context.roster, address)),
        };
        context.recorder.record(Event::Slots(left));
        None
    }
}

/// The one primary a selector means.
async fn one(selector: &Selector, context: &TrialContext, random: &mut ChaCha8Rng) -> Result<Member, NotDone> {
    let found = select::resolve(selector, Liveness::Running, context, random).await?;
    match found.as_slice() {
        [one] => Ok(one.clone()),
        several => Err(format!("slots move from one primary to one other, and {} nodes were meant", several.len()).into()),
    }
}

/// A primary's identity, and what it serves.
fn end(views: &[View], member: &Member) -> Result<(End, SlotRanges), String> {
    let myself = views.iter().find(|view| view.asked == member.index).and_then(View::myself);
    let myself = myself.ok_or_else(|| format!("{} does not answer", member.node.name))?;
    if !myself.is("master") {
        return Err(format!("{} is no primary", member.node.name));
    }
    Ok((End { address: member.node.address, id: myself.id.clone() }, myself.slots.clone()))
}

/// The slots to move of those a node owns, in rising order: of a number those first in which keys lie. What is watched stays.
fn choose(wanted: &SlotChoice, owned: &SlotRanges, keyed: &[u16], kept: &[u16]) -> Result<Vec<u16>, String> {
    let mut chosen: Vec<u16> = match wanted {
        SlotChoice::These(slots) => {
            let all = || slots.iter().flat_map(|(first, last)| first..=last);
            if let Some(stranger) = all().find(|slot| !owned.contains(*slot)) {
                return Err(format!("it does not serve slot {stranger}"));
            }
            all().filter(|slot| !kept.contains(slot)).collect()
        }
        SlotChoice::Count(count) => {
            let with_keys = keyed.iter().copied().filter(|slot| owned.contains(*slot));
            let others = owned.iter().flat_map(|(first, last)| first..=last).filter(|slot| !keyed.contains(slot));
            with_keys.chain(others).filter(|slot| !kept.contains(slot)).take(*count as usize).collect()
        }
    };
    chosen.sort_unstable();
    chosen.dedup();
    let enough = match wanted {
        SlotChoice::Count(count) => chosen.len() == *count as usize,
        SlotChoice::These(_) => !chosen.is_empty(),
    };
    if enough { Ok(chosen) } else { Err(format!("it has {} slots that could be moved", chosen.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(wanted: &str) -> Result<Vec<u16>, String> {
        choose(&wanted.parse().expect("a choice"), &"10-19,30".parse().expect("slots"), &[17, 12, 99, 30], &[12])
    }

    #[test]
    fn a_number_of_slots_begins_with_those_that_have_keys_and_leaves_what_is_watched() {
        assert_eq!(chosen("1"), Ok(vec![17]));
        assert_eq!(chosen("2"), Ok(vec![17, 30]));
        assert_eq!(chosen("4"), Ok(vec![10, 11, 17, 30]));
        assert_eq!(chosen("10").map(|slots| slots.len()), Ok(10));
        assert_eq!(chosen("11"), Err("it has 10 slots that could be moved".to_owned()));
    }

    #[test]
    fn slots_that_are_named_are_moved_if_they_are_there() {
        assert_eq!(chosen("11-13"), Ok(vec![11, 13]));
        assert_eq!(chosen("18-20"), Err("it does not serve slot 20".to_owned()));
        assert_eq!(chosen("12-12"), Err("it has 0 slots that could be moved".to_owned()));
    }
}
