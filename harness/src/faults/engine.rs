//! Keeps the schedule of faults, and reverts what was injected, last in first out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use rand_chacha::ChaCha8Rng;
use redquake_experiments::plan::{Plan, Start};
use redquake_reports::history::{Event, FaultEvent, FaultState};
use tokio_util::sync::CancellationToken;

use super::build::build;
use super::deadlines::{late, reversed, shown, soon};
use super::injection::{Injection, NotDone};
use super::ledger::Ledger;
use super::say::{Say, happened};
use crate::context::{TrialContext, failpoint};
use crate::workloads::{ClientPool, stream_of};

/// Stream of the trial's seed that `pick` draws from.
const PICK_STREAM: u64 = u64::MAX;
/// Longest wait, once everything is to be reverted, for what shows that a fault took effect. What it waits for may need another fault's end.
const LOOK_WITHIN: Duration = Duration::from_secs(5);
/// How late an injection may have been for its end to keep its place in the schedule, before what begins when it was to be over.
const TOGETHER: Duration = Duration::from_millis(250);

/// The fault engine of one trial.
pub struct Engine<'a> {
    context: &'a TrialContext,
    plan: &'a Plan,
    ledger: Ledger,
    pools: &'a [ClientPool],
    cancel: &'a CancellationToken,
    say: Say,
    random: ChaCha8Rng,
    /// What became of each planned fault so far.
    progress: Vec<Progress>,
    /// Injected and not yet reverted, oldest first.
    active: Vec<Active>,
    /// Everything that was injected.
    injected: Vec<Arc<dyn Injection>>,
    /// What is being looked for.
    proofs: FuturesUnordered<BoxFuture<'a, Proof>>,
    /// Whom each injection and reversal so far concerned.
    steps: Vec<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Injected(Instant),
    /// Not injected, and whether the servers gave no occasion.
    Skipped(FaultState),
}

struct Active {
    index: usize,
    injection: Arc<dyn Injection>,
    /// When it is to be reverted: so long after it was injected.
    until: Instant,
    /// The same, if it had been injected on time.
    planned: Instant,
    /// Nobody looks for its effect any more; before that it is not reverted.
    proved: bool,
    /// Ends the look.
    enough: CancellationToken,
}

/// What a look at a fault brought.
struct Proof {
    look: Look,
    /// None: it was ended before.
    result: Option<Result<String, String>>,
}

/// A look at a fault.
struct Look {
    index: usize,
    injection: Arc<dyn Injection>,
    reverted: bool,
    targets: Vec<String>,
    /// How many steps there had been when it began.
    steps: usize,
    enough: CancellationToken,
}

/// The next thing to do.
#[derive(Debug, Clone, Copy)]
enum Next {
    Inject(usize),
    GiveUp(usize),
    Revert(usize),
}

impl<'a> Engine<'a> {
    /// An engine that has done nothing yet.
    pub fn new(
        context: &'a TrialContext,
        plan: &'a Plan,
        ledger: Ledger,
        pools: &'a [ClientPool],
        cancel: &'a CancellationToken,
        say: Say,
    ) -> Self {
        let progress = vec![Progress::Waiting; plan.faults.len()];
        let random = stream_of(context.seed, PICK_STREAM);
        Self {
            context,
            plan,
            ledger,
            pools,
            cancel,
            say,
            random,
            progress,
            active: Vec::new(),
            injected: Vec::new(),
            proofs: FuturesUnordered::new(),
            steps: Vec::new(),
        }
    }

    /// Performs the schedule, whose zero is `zero`, and reverts what is left of it, newest first: at the end of the run or as soon as
    /// it is interrupted. Then little time is left to show that it is gone. Returns everything that was injected.
    pub async fn perform(mut self, zero: Instant) -> Vec<Arc<dyn Injection>> {
        let cancel = self.cancel;
        let end = zero + self.plan.experiment.duration.to_std();
        loop {
            // Registered before the look, so that no change between look and wait is missed.
            let context = self.context;
            let changed = context.live.changed();
            let waiting = match self.triggered(zero) {
                Ok(index) => {
                    self.inject(index, Instant::now()).await;
                    continue;
                }
                Err(waiting) => waiting,
            };
            let next = self.next(zero);
            if next.is_none() && !waiting && self.proofs.is_empty() {
                break;
            }
            let due = next.map_or(end, |(at, _)| at).min(end);
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                Some(proof) = self.proofs.next(), if !self.proofs.is_empty() => self.told(proof),
                () = tokio::time::sleep_until(due.into()) => match next {
                    Some((at, next)) if at <= end => self.step(next, at, zero).await,
                    _ => break,
                },
                () = changed, if waiting => {}
            }
        }
        while let Some(active) = self.active.last() {
            self.revert(active.index).await;
        }
        let mut late = Box::pin(late(cancel));
        loop {
            tokio::select! {
                biased;
                proof = self.proofs.next() => match proof {
                    Some(proof) => self.told(proof),
                    None => break,
                },
                () = &mut late => break,
            }
        }
        self.injected
    }

    async fn step(&mut self, next: Next, at: Instant, zero: Instant) {
        match next {
            Next::Inject(index) => self.inject(index, at).await,
            Next::Revert(index) => self.revert(index).await,
            Next::GiveUp(index) => {
                let (state, reason) = match &self.plan.faults[index].start {
                    Start::When { trigger, deadline } => {
                        let within = *deadline as f64 / 1e9;
                        (FaultState::Missed, format!("`{trigger}` was not seen within {within:.1} s of the baseline's start"))
                    }
                    start => (self.followed(start), "the fault it follows was not injected".to_owned()),
                };
                self.skip(index, zero.max(Instant::now()), state, &[], reason);
            }
        }
    }

    /// What became of the fault that another follows, where it was not injected.
    fn followed(&self, start: &Start) -> FaultState {
        match start {
            Start::After { fault, .. } => match self.progress.get(*fault) {
                Some(Progress::Skipped(state)) => *state,
                _ => FaultState::Skipped,
            },
            Start::At(_) | Start::When { .. } => FaultState::Skipped,
        }
    }

    fn skip(&mut self, index: usize, at: Instant, state: FaultState, targets: &[String], reason: String) {
        self.progress[index] = Progress::Skipped(state);
        self.tell(at, index, state, targets, reason);
    }

    /// A waiting fault whose trigger is seen now, else whether any waits for one.
    fn triggered(&self, zero: Instant) -> Result<usize, bool> {
        let since = self.context.clock.at(zero);
        let mut waiting = false;
        for (index, planned) in self.plan.faults.iter().enumerate() {
            if let (Start::When { trigger, .. }, Progress::Waiting) = (&planned.start, self.progress[index]) {
                if self.context.live.sees(trigger, since) {
                    return Ok(index);
                }
                waiting = true;
            }
        }
        Err(waiting)
    }

    /// The next thing to do whose time is known. At one instant, faults end before others begin, and the latest fault ends first.
    fn next(&self, zero: Instant) -> Option<(Instant, Next)> {
        // An injection takes its time, and so an end is always a little later than planned: its place among others is the planned one. What
        // is still being looked for waits by itself and holds up nobody else.
        let ends = self.active.iter().rev().filter(|active| active.proved).map(|active| {
            let place = if active.until > active.planned + TOGETHER { active.until } else { active.planned };
            (place, (active.until, Next::Revert(active.index)))
        });
        let begins = self.plan.faults.iter().enumerate().filter_map(|(index, planned)| {
            if self.progress[index] != Progress::Waiting {
                return None;
            }
            Some(match &planned.start {
                Start::At(at) => (zero + Duration::from_nanos(*at), Next::Inject(index)),
                Start::When { deadline, .. } => (zero + Duration::from_nanos(*deadline), Next::GiveUp(index)),
                Start::After { fault, delay } => match self.progress.get(*fault)? {
                    Progress::Injected(at) => (*at + Duration::from_nanos(*delay), Next::Inject(index)),
                    Progress::Skipped(_) => (zero, Next::GiveUp(index)),
                    Progress::Waiting => return None,
                },
            })
        });
        let begins = begins.map(|(at, next)| (at, (at, next)));
        // Of equals the first is taken.
        ends.chain(begins).reduce(|first, other| if other.0 < first.0 { other } else { first }).map(|(_, next)| next)
    }

    /// `due` is when it was to be injected.
    async fn inject(&mut self, index: usize, due: Instant) {
        let (context, planned) = (self.context, &self.plan.faults[index]);
        self.progress[index] = Progress::Skipped(FaultState::Skipped);
        let built = soon(self.cancel, build(index, planned, context, self.pools, &mut self.random)).await;
        let injection = match built {
            Ok(injection) => injection,
            Err(NotDone::NoOccasion(reason)) => return self.skip(index, Instant::now(), FaultState::Missed, &[], reason),
            Err(NotDone::Failed(reason)) => return self.skip(index, Instant::now(), FaultState::Skipped, &[], reason),
        };
        let targets = injection.targets();
        // The line must be on disk first; without it nothing is injected.
        if let Err(error) = self.ledger.write("inject", &planned.label(), planned.fault.action.word(), &targets) {
            return self.tell(Instant::now(), index, FaultState::Skipped, &targets, format!("the ledger could not be written: {error}"));
        }
        failpoint::announced("inject", &planned.label());
        let enough = CancellationToken::new();
        if let Some(lasts) = planned.lasts.map(Duration::from_nanos) {
            let (until, injection, enough) = (Instant::now() + lasts, Arc::clone(&injection), enough.clone());
            self.active.push(Active { index, injection, until, planned: due + lasts, proved: false, enough });
        }
        self.steps.push(targets.clone());
        match soon(self.cancel, injection.inject(context)).await {
            Ok(done) => {
                let first = done.iter().map(|done| done.at).min().unwrap_or_else(Instant::now);
                self.progress[index] = Progress::Injected(first);
                self.injected.push(Arc::clone(&injection));
                if let (Some(lasts), Some(active)) = (planned.lasts, self.active.last_mut().filter(|active| active.index == index)) {
                    active.until = first + Duration::from_nanos(lasts);
                }
                for done in done {
                    self.tell(done.at, index, FaultState::Injected, &done.targets, done.detail);
                }
                // Some only know after the fact whom they hit.
                let targets = injection.targets();
                self.look(Look { index, injection, reverted: false, targets, steps: self.steps.len(), enough });
            }
            Err(why) => {
                if let Some(active) = self.active.iter_mut().find(|active| active.index == index) {
                    active.proved = true;
                }
                match why {
                    NotDone::NoOccasion(reason) => self.skip(index, Instant::now(), FaultState::Missed, &targets, reason),
                    NotDone::Failed(reason) => self.tell(Instant::now(), index, FaultState::Unproved, &targets, reason),
                }
            }
        }
    }

    async fn revert(&mut self, index: usize) {
        // A look at a fault that is half gone would tell nothing.
        let looked = Instant::now() + LOOK_WITHIN;
        let cancel = self.cancel;
        while self.active.iter().any(|active| active.index == index && !active.proved) {
            match cancel.run_until_cancelled(tokio::time::timeout_at(looked.into(), self.proofs.next())).await {
                Some(Ok(Some(proof))) => self.told(proof),
                Some(Ok(None)) => break,
                None | Some(Err(_)) => {
                    let Some(active) = self.active.iter_mut().find(|active| active.index == index) else { break };
                    active.enough.cancel();
                    active.proved = true;
                    let (targets, reason) = (active.injection.targets(), "it had to be reverted before anything was seen of it");
                    self.tell(Instant::now(), index, FaultState::Unproved, &targets, reason.to_owned());
                    // A look that was ended lets go of what it holds, links and threads, only when it is polled.
                    while let Some(proof) = self.proofs.next().await {
                        let ended = proof.look.index == index && !proof.look.reverted;
                        self.told(proof);
                        if ended {
                            break;
                        }
                    }
                }
            }
        }
        let Some(position) = self.active.iter().position(|active| active.index == index) else { return };
        let Active { injection, .. } = self.active.remove(position);
        let (context, planned, targets) = (self.context, &self.plan.faults[index], injection.targets());
        // A ledger that cannot be written must not keep a fault in place.
        let _ = self.ledger.write("revert", &planned.label(), planned.fault.action.word(), &targets);
        failpoint::announced("revert", &planned.label());
        if failpoint::refused(&planned.label()) {
            return self.tell(Instant::now(), index, FaultState::RevertUnproved, &targets, "failpoint: it was refused".to_owned());
        }
        let reverting = soon(self.cancel, reversed(injection.revert(context)));
        match reverting.await {
            Ok(at) => {
                self.tell(at, index, FaultState::Reverted, &targets, String::new());
                self.steps.push(targets.clone());
                self.look(Look { index, injection, reverted: true, targets, steps: self.steps.len(), enough: CancellationToken::new() });
            }
            Err(reason) => self.tell(Instant::now(), index, FaultState::RevertUnproved, &targets, reason),
        }
    }

    /// Looks for the effect of a fault, or for its end, beside all others that are there.
    fn look(&self, look: Look) {
        let context = self.context;
        let others: Vec<_> =
            self.active.iter().filter(|active| active.index != look.index).map(|active| Arc::clone(&active.injection)).collect();
        self.proofs.push(Box::pin(async move {
            let result = look.enough.run_until_cancelled(shown(async {
                match look.reverted {
                    false => look.injection.prove(context, &others).await,
                    true => look.injection.prove_reverted(context, &others).await,
                }
            }));
            let result = result.await;
            Proof { look, result }
        }));
    }

    fn told(&mut self, proof: Proof) {
        let Proof { look, result: Some(result) } = proof else { return };
        // What was not seen while another fault came or went next to it is looked for again, now that that is known.
        let disturbed = |steps: &[Vec<String>]| steps.iter().flatten().any(|name| look.targets.contains(name));
        if result.is_err() && disturbed(&self.steps[look.steps..]) {
            return self.look(Look { steps: self.steps.len(), ..look });
        }
        let Look { index, reverted, targets, injection, .. } = look;
        if let Some(active) = self.active.iter_mut().find(|active| !reverted && active.index == index) {
            active.proved = true;
            active.until = active.injection.not_before().map_or(active.until, |earliest| earliest.max(active.until));
        }
        let (good, bad) = match reverted {
            false if injection.is_order() => (FaultState::Proved, FaultState::Missed),
            false => (FaultState::Proved, FaultState::Unproved),
            true => (FaultState::RevertProved, FaultState::RevertUnproved),
        };
        let (state, text) = match result {
            Ok(text) => (good, text),
            Err(text) => (bad, text),
        };
        self.tell(Instant::now(), index, state, &targets, text);
    }

    fn tell(&self, at: Instant, index: usize, state: FaultState, targets: &[String], detail: String) {
        if let Some(what) = happened(state, targets) {
            (self.say)(at, &format!("{} {what}", self.plan.faults[index].label()));
        }
        let fault = u16::try_from(index).unwrap_or(u16::MAX);
        let event = FaultEvent { at: self.context.clock.at(at), fault, state, targets: targets.to_vec(), detail };
        self.context.recorder.record(Event::Fault(event));
    }
}
