//! `clients-pause`: `CLIENT PAUSE`, and `CLIENT UNPAUSE` when it is over. Proved by a command that is held back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use redquake_experiments::spec::PauseMode;

use super::ask::{ANSWERS_WITHIN, ask};
use super::injection::{Done, Injection, NotDone};
use super::names::names;
use super::ping::{Heard, answers_again, patience, say, stopped};
use crate::context::{Member, OverrideId, TrialContext};

/// By how much the server's own limit exceeds the planned end, so that a tool that died leaves no server paused.
const BEYOND: Duration = Duration::from_secs(2);
/// What of a node is held back.
const CLIENTS: &str = "clients";
/// What is left of a pause after its planned end, at most.
const OVER_WITHIN: Duration = Duration::from_secs(5);

/// A write that changes nothing.
const WRITE: &str = "DEL redquake:paused";
/// What a replica holds back in place of writes, which it refuses: commands that may replicate.
const MAY_REPLICATE: &str = "PUBLISH redquake:paused 1";

/// `CLIENT PAUSE` on some nodes.
pub struct ClientsPauseFault {
    targets: Vec<Member>,
    mode: PauseMode,
    lasts: Duration,
    /// What it laid over each.
    layers: Mutex<Vec<OverrideId>>,
}

impl ClientsPauseFault {
    /// On these nodes, for so long.
    pub fn new(targets: Vec<Member>, mode: PauseMode, lasts: Duration) -> Self {
        Self { targets, mode, lasts, layers: Mutex::default() }
    }

    /// How long the server itself keeps it up. While all commands wait `CLIENT UNPAUSE` waits with them, so such a pause ends by itself.
    fn limit(&self) -> Duration {
        match self.mode {
            PauseMode::Write => self.lasts + BEYOND,
            PauseMode::All => self.lasts,
        }
    }

    async fn held(&self, context: &TrialContext, target: &Member) -> Result<String, String> {
        let (name, patience) = (&target.node.name, patience(self.lasts));
        match self.mode {
            PauseMode::All => match say(context, &target.node, "PING", patience).await {
                Heard::Silence => Ok(format!("{name} held back a PING for {patience:?}")),
                heard => Err(heard.words(name)),
            },
            PauseMode::Write => {
                let heard = write(context, target, patience).await;
                let read = say(context, &target.node, "GET redquake:paused", patience).await;
                match (heard, read) {
                    (Heard::Silence, Heard::Line(_)) => Ok(format!("{name} held back a write for {patience:?} and answered a read")),
                    (Heard::Silence, _) => Err(format!("{name} held back a read too")),
                    (Heard::Line(line), _) => Err(format!("{name} answered a write with `{line}`")),
                    (Heard::NoConnection(error), _) => Err(format!("{name} took no connection ({error})")),
                }
            }
        }
    }

    /// Writes, or what stands for them on a replica, are executed again.
    async fn released(&self, context: &TrialContext, target: &Member) -> Result<String, String> {
        if context.standing.held.any(&target.node.name, CLIENTS) {
            return Ok(format!("another pause holds the clients of {} back", target.node.name));
        }
        let answered = answers_again(context, &target.node, OVER_WITHIN).await?;
        if !context.lab.alive(&target.node.name).await.unwrap_or(true) {
            return Ok(answered);
        }
        match write(context, target, ANSWERS_WITHIN).await {
            Heard::Line(_) => Ok(format!("{answered}, and a write too")),
            heard => Err(heard.words(&target.node.name)),
        }
    }
}

/// What a node says to a write, or to what stands for one on a replica.
async fn write(context: &TrialContext, target: &Member, within: Duration) -> Heard {
    match say(context, &target.node, WRITE, within).await {
        Heard::Line(line) if line.starts_with("-READONLY") => say(context, &target.node, MAY_REPLICATE, within).await,
        heard => heard,
    }
}

#[async_trait]
impl Injection for ClientsPauseFault {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let mode = match self.mode {
            PauseMode::Write => "WRITE",
            PauseMode::All => "ALL",
        };
        let limit = self.limit().as_millis();
        let layers = self.targets.iter().map(|target| context.standing.held.lay(&target.node.name, CLIENTS, (), ())).collect();
        *self.layers.lock().unwrap_or_else(PoisonError::into_inner) = layers;
        let pauses = self.targets.iter().map(|target| async move {
            let mut command = redis::cmd("CLIENT");
            command.arg("PAUSE").arg(u64::try_from(limit).unwrap_or(u64::MAX)).arg(mode);
            let at = Instant::now();
            ask::<String>(context, &target.node, command).await?;
            Ok(Done { at, targets: vec![target.node.name.clone()], detail: format!("CLIENT PAUSE {limit} {mode}") })
        });
        try_join_all(pauses).await
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        Ok(try_join_all(self.targets.iter().map(|target| self.held(context, target))).await?.join("; "))
    }

    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (target, layer) in self.targets.iter().zip(layers) {
            context.standing.held.take(&target.node.name, CLIENTS, layer);
            // A server knows one pause only: it ends with the last of those that overlap.
            if context.standing.held.any(&target.node.name, CLIENTS) {
                continue;
            }
            if self.mode == PauseMode::All {
                // Nobody waits here for one that something else stopped: what is still to be reverted may be just that.
                if !stopped(context, &target.node).await {
                    answers_again(context, &target.node, OVER_WITHIN).await?;
                }
                continue;
            }
            let mut command = redis::cmd("CLIENT");
            command.arg("UNPAUSE");
            if let Err(error) = ask::<String>(context, &target.node, command).await
                && context.lab.alive(&target.node.name).await.unwrap_or(true)
            {
                return Err(error);
            }
        }
        Ok(Instant::now())
    }

    async fn prove_reverted(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        Ok(try_join_all(self.targets.iter().map(|target| self.released(context, target))).await?.join("; "))
    }
}
