//! `pause`: `SIGSTOP`, and `SIGCONT` when it is over. Proved by the kernel's word on the process and by the server's silence.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use redquake_topologies::runtime::{ServerState, Signal};

use super::injection::{Done, Injection, NotDone};
use super::names::names;
use super::ping::{Heard, answers_again, patience, say};
use crate::context::{Member, OverrideId, TrialContext};

/// The kernel stops every thread within a few milliseconds; a busy machine takes longer.
const STOPPED_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// A resumed server first works off what arrived meanwhile.
const ANSWERS_AGAIN_WITHIN: Duration = Duration::from_secs(10);

/// What of a node is paused.
const PROCESS: &str = "process";

/// `SIGSTOP` to some nodes.
pub struct PauseFault {
    targets: Vec<Member>,
    lasts: Duration,
    /// What it laid over each.
    layers: Mutex<Vec<OverrideId>>,
}

impl PauseFault {
    /// Of these nodes, for so long.
    pub fn new(targets: Vec<Member>, lasts: Duration) -> Self {
        Self { targets, lasts, layers: Mutex::default() }
    }
}

#[async_trait]
impl Injection for PauseFault {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let layers = self.targets.iter().map(|target| context.standing.stopped.lay(&target.node.name, PROCESS, (), ())).collect();
        *self.layers.lock().unwrap_or_else(PoisonError::into_inner) = layers;
        let signals = self.targets.iter().map(|target| context.lab.signal(&target.node.name, Signal::Stop));
        let mut done = Vec::new();
        for (target, sent) in self.targets.iter().zip(join_all(signals).await) {
            let (at, _) = sent.map_err(|error| error.to_string())?;
            done.push(Done { at, targets: vec![target.node.name.clone()], detail: "SIGSTOP".to_owned() });
        }
        Ok(done)
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        Ok(try_join_all(self.targets.iter().map(|target| stopped(context, target, self.lasts))).await?.join("; "))
    }

    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        let mut failures = Vec::new();
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (target, layer) in self.targets.iter().zip(layers) {
            context.standing.stopped.take(&target.node.name, PROCESS, layer);
            if context.standing.stopped.any(&target.node.name, PROCESS) {
                continue;
            }
            // One that was killed meanwhile has nothing to resume.
            if let Err(error) = context.lab.signal(&target.node.name, Signal::Continue).await
                && context.lab.alive(&target.node.name).await.unwrap_or(true)
            {
                failures.push(error.to_string());
            }
        }
        if failures.is_empty() { Ok(Instant::now()) } else { Err(failures.join("; ")) }
    }

    /// Unless another pause still holds them, the nodes are no longer stopped and answer.
    async fn prove_reverted(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        Ok(try_join_all(self.targets.iter().map(|target| resumed(context, target))).await?.join("; "))
    }
}

/// Both ends: the process table, and a client that waits for an answer.
async fn stopped(context: &TrialContext, target: &Member, lasts: Duration) -> Result<String, String> {
    let (name, since) = (&target.node.name, Instant::now());
    let took = loop {
        let state = context.lab.state(name).await.map_err(|error| error.to_string())?;
        match state {
            ServerState::Stopped => break since.elapsed(),
            ServerState::Running if since.elapsed() < STOPPED_WITHIN => tokio::time::sleep(LOOK_EVERY).await,
            other => return Err(format!("the process of {name} was {other:?} {:?} after SIGSTOP", since.elapsed())),
        }
    };
    match say(context, &target.node, "PING", patience(lasts)).await {
        Heard::Silence => {}
        // With a full backlog even the kernel takes no connection for it.
        Heard::NoConnection(_) if context.lab.state(name).await.is_ok_and(|state| state == ServerState::Stopped) => {}
        heard => return Err(heard.words(name)),
    }
    Ok(format!("every thread of {name} stopped {:.1} ms after SIGSTOP; a PING was not answered", took.as_secs_f64() * 1e3))
}

async fn resumed(context: &TrialContext, target: &Member) -> Result<String, String> {
    let name = &target.node.name;
    match context.lab.state(name).await.map_err(|error| error.to_string())? {
        ServerState::Stopped if context.standing.stopped.any(name, PROCESS) => Ok(format!("another pause holds {name}")),
        ServerState::Stopped => Err(format!("the process of {name} is still stopped")),
        ServerState::Gone => Ok(format!("the process of {name} is gone")),
        ServerState::Running => {
            let answered = answers_again(context, &target.node, ANSWERS_AGAIN_WITHIN).await?;
            Ok(format!("the process of {name} runs; {answered}"))
        }
    }
}
