//! Keeps the schedule of faults, and takes back whatever was injected, last in first out.

use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use redquake_experiments::plan::{Act, Plan};
use redquake_experiments::spec::Fault;
use redquake_reports::history::{Event, FaultEvent, FaultState};
use tokio_util::sync::CancellationToken;

use super::ledger::Ledger;
use super::{kill, partition, select};
use crate::trial::{Member, Stage};
use crate::workloads::stream_of;

/// Stream of the trial's seed that `pick` draws from.
const PICK_STREAM: u64 = u64::MAX;
/// Reversal has a deadline of its own, detached from the run that may have been cancelled.
const REVERT_WITHIN: Duration = Duration::from_secs(10);

/// The fault engine of one trial.
pub struct Engine<'a> {
    stage: &'a Stage,
    plan: &'a Plan,
    ledger: Ledger,
    random: ChaCha8Rng,
    /// Injected and not yet taken back, oldest first.
    active: Vec<(usize, partition::Cut)>,
}

impl<'a> Engine<'a> {
    /// An engine that has done nothing yet.
    pub fn new(stage: &'a Stage, plan: &'a Plan, ledger: Ledger) -> Self {
        Self { stage, plan, ledger, random: stream_of(stage.seed, PICK_STREAM), active: Vec::new() }
    }

    /// Performs the schedule, whose zero is `zero`. Ends early when the token is cancelled; `revert_all` must follow in any case.
    pub async fn perform(&mut self, zero: Instant, cancel: &CancellationToken) {
        for step in self.plan.timeline() {
            let due = tokio::time::sleep_until((zero + Duration::from_nanos(step.at)).into());
            if cancel.run_until_cancelled(due).await.is_none() {
                return;
            }
            match step.act {
                Act::Inject => self.inject(step.fault).await,
                Act::Revert => self.revert(step.fault).await,
            }
        }
    }

    /// Takes back what is still injected, newest first.
    pub async fn revert_all(&mut self) {
        while let Some((index, _)) = self.active.last() {
            self.revert(*index).await;
        }
    }

    async fn inject(&mut self, index: usize) {
        let planned = &self.plan.faults[index];
        let fault = &planned.fault;
        match fault {
            Fault::Kill(spec) => match select::resolve(&spec.target, self.stage, &mut self.random).await {
                Err(reason) => self.tell(index, FaultState::Skipped, &[], reason),
                Ok(targets) => self.kill(index, &targets).await,
            },
            Fault::Partition(spec) => {
                let from = select::resolve(&spec.from, self.stage, &mut self.random).await;
                let to = select::resolve(&spec.to, self.stage, &mut self.random).await;
                match (from, to) {
                    (Ok(from), Ok(to)) => self.cut(index, spec.direction, &from, &to).await,
                    (Err(reason), _) | (_, Err(reason)) => self.tell(index, FaultState::Skipped, &[], reason),
                }
            }
        }
    }

    async fn kill(&mut self, index: usize, targets: &[Member]) {
        let names = names(targets);
        if !self.announce("inject", index, &names) {
            return;
        }
        let sent = futures_util::future::join_all(targets.iter().map(|target| kill::inject(self.stage, target))).await;
        let mut proofs = Vec::new();
        for (target, sent) in targets.iter().zip(sent) {
            match sent {
                Ok(at) => {
                    self.tell_at(at, index, FaultState::Injected, std::slice::from_ref(&target.node.name), "SIGKILL".to_owned());
                    proofs.push(kill::prove(self.stage, target, at).await);
                }
                Err(error) => proofs.push(Err(error.to_string())),
            }
        }
        self.judge(index, FaultState::Proved, FaultState::Unproved, &names, proofs);
    }

    async fn cut(&mut self, index: usize, direction: redquake_experiments::spec::Direction, from: &[Member], to: &[Member]) {
        let cut = partition::Cut::new(index, direction, from, to);
        let names = cut.names();
        if !self.announce("inject", index, &names) {
            return;
        }
        let others = self.cuts();
        self.active.push((index, cut.clone()));
        match cut.inject(self.stage).await {
            Ok(at) => {
                self.tell_at(at, index, FaultState::Injected, &names, cut.describe());
                let proof = cut.prove(self.stage, &others).await;
                self.judge(index, FaultState::Proved, FaultState::Unproved, &names, vec![proof]);
            }
            Err(reason) => self.tell(index, FaultState::Unproved, &names, reason),
        }
    }

    async fn revert(&mut self, index: usize) {
        let Some(position) = self.active.iter().position(|(active, _)| *active == index) else { return };
        let (_, cut) = self.active.remove(position);
        let names = cut.names();
        // A ledger that cannot be written must not keep a fault in place.
        let _ = self.ledger.write("revert", self.plan.faults[index].fault.name(), self.plan.faults[index].fault.action(), &names);
        let reverted = tokio::time::timeout(REVERT_WITHIN, cut.revert(self.stage)).await;
        match reverted {
            Ok(Ok(at)) => {
                self.tell_at(at, index, FaultState::Reverted, &names, String::new());
                let proof = cut.prove_reverted(self.stage, &self.cuts()).await;
                self.judge(index, FaultState::RevertProved, FaultState::RevertUnproved, &names, vec![proof]);
            }
            Ok(Err(reason)) => self.tell(index, FaultState::RevertUnproved, &names, reason),
            Err(_) => self.tell(index, FaultState::RevertUnproved, &names, format!("reversal did not end within {REVERT_WITHIN:?}")),
        }
    }

    /// The cuts that are there now.
    fn cuts(&self) -> Vec<partition::Cut> {
        self.active.iter().map(|(_, cut)| cut.clone()).collect()
    }

    /// Writes the ledger line that must be on disk first; without it nothing is injected.
    fn announce(&mut self, step: &str, index: usize, names: &[String]) -> bool {
        let fault = &self.plan.faults[index].fault;
        match self.ledger.write(step, fault.name(), fault.action(), names) {
            Ok(()) => true,
            Err(error) => {
                self.tell(index, FaultState::Skipped, names, format!("the ledger could not be written: {error}"));
                false
            }
        }
    }

    fn judge(&self, index: usize, good: FaultState, bad: FaultState, names: &[String], proofs: Vec<Result<String, String>>) {
        let failed = proofs.iter().any(Result::is_err);
        let text: Vec<String> = proofs.into_iter().map(|proof| proof.unwrap_or_else(|reason| reason)).collect();
        self.tell(index, if failed { bad } else { good }, names, text.join("; "));
    }

    fn tell(&self, index: usize, state: FaultState, names: &[String], detail: String) {
        self.tell_at(Instant::now(), index, state, names, detail);
    }

    fn tell_at(&self, at: Instant, index: usize, state: FaultState, names: &[String], detail: String) {
        let fault = u16::try_from(index).unwrap_or(u16::MAX);
        let event = FaultEvent { at: self.stage.clock.at(at), fault, state, targets: names.to_vec(), detail };
        self.stage.recorder.record(Event::Fault(event));
    }
}

fn names(members: &[Member]) -> Vec<String> {
    members.iter().map(|member| member.node.name.clone()).collect()
}
