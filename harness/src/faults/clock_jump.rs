//! `clock-jump`: the wall clock a server sees jumps, and back when it is over. Proved by `TIME` against the clock of the tool.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use redquake_topologies::runtime::LabNode;

use super::ask::ask;
use super::injection::{Done, Injection, NotDone};
use super::names::names;
use crate::context::{Member, OverrideId, TrialContext};

/// How exactly a clock is read over a connection to a machine that is busy, ns.
const EXACT: i64 = 250_000_000;
/// A server looks at its clock at least this often.
const JUMPED_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What of a node jumps.
const CLOCK: &str = "clock";

/// A jump of some nodes' clocks.
pub struct ClockJumpFault {
    targets: Vec<Member>,
    /// How far, ns.
    by: i64,
    /// What it laid over each.
    layers: Mutex<Vec<OverrideId>>,
}

impl ClockJumpFault {
    /// Of these nodes, by so many nanoseconds.
    pub fn new(targets: Vec<Member>, by: i64) -> Self {
        Self { targets, by, layers: Mutex::default() }
    }

    /// Until every clock is ahead by what all jumps that are not over make. One whose process is gone has no clock.
    async fn ahead(&self, context: &TrialContext) -> Result<String, String> {
        let looks = self.targets.iter().map(|target| at(context, &target.node, offset(context, &target.node.name)));
        Ok(try_join_all(looks).await?.join("; "))
    }
}

#[async_trait]
impl Injection for ClockJumpFault {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let layers = self.targets.iter().map(|target| context.standing.clocks.lay(&target.node.name, CLOCK, 0, self.by)).collect();
        *self.layers.lock().unwrap_or_else(PoisonError::into_inner) = layers;
        let jumps = self.targets.iter().map(|target| async move {
            let name = &target.node.name;
            context.lab.set_clock(name, offset(context, name)).await.map_err(|error| error.to_string())?;
            Ok(Done { at: Instant::now(), targets: vec![name.clone()], detail: format!("its clock jumps by {}", seconds(self.by)) })
        });
        try_join_all(jumps).await
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        self.ahead(context).await
    }

    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (target, layer) in self.targets.iter().zip(layers) {
            let name = &target.node.name;
            context.standing.clocks.take(name, CLOCK, layer);
            context.lab.set_clock(name, offset(context, name)).await.map_err(|error| error.to_string())?;
        }
        Ok(Instant::now())
    }

    async fn prove_reverted(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        self.ahead(context).await
    }
}

/// By how much a node's clock is ahead of the tool's, ns: half-way through the question, as neither end knows better.
async fn ahead(context: &TrialContext, node: &LabNode) -> Result<i64, String> {
    let (asked, since) = (wall(), Instant::now());
    let (seconds, micros): (i64, i64) = ask(context, node, redis::cmd("TIME")).await?;
    let half = i64::try_from(since.elapsed().as_nanos() / 2).unwrap_or(i64::MAX);
    Ok(seconds * 1_000_000_000 + micros * 1_000 - asked.saturating_add(half))
}

async fn at(context: &TrialContext, node: &LabNode, wanted: i64) -> Result<String, String> {
    let since = Instant::now();
    loop {
        let why = match ahead(context, node).await {
            Ok(ahead) if (ahead - wanted).abs() <= EXACT => {
                return Ok(format!("the TIME of {} differs by {} from the true one", node.name, seconds(ahead)));
            }
            Ok(ahead) => format!("the TIME of {} differs by {} from the true one, not by {}", node.name, seconds(ahead), seconds(wanted)),
            Err(_) if !context.lab.alive(&node.name).await.unwrap_or(true) => return Ok(format!("the process of {} is gone", node.name)),
            Err(error) => error,
        };
        if since.elapsed() > JUMPED_WITHIN {
            return Err(why);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// By how much a node's clock is set ahead now: by all jumps that are not over.
fn offset(context: &TrialContext, node: &str) -> i64 {
    context.standing.clocks.all(node, CLOCK).into_iter().fold(0, i64::saturating_add)
}

fn wall() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or_default()
}

fn seconds(nanos: i64) -> String {
    format!("{:+.3} s", nanos as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_told_with_its_sign() {
        assert_eq!(seconds(-1_500_000_000), "-1.500 s");
    }
}
