//! `clock-jump`: the wall clock a server sees jumps, and back when it is over. Proved by `TIME` against the clock of the tool.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use redquake_topologies::runtime::LabNode;

use super::ask::ask;
use super::injection::{Done, Injection};
use super::names::names;
use crate::trial::{Member, Stage};

/// How exactly a clock is read over a connection to a machine that is busy, ns.
const EXACT: i64 = 250_000_000;
/// A server looks at its clock at least this often.
const JUMPED_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A jump of some nodes' clocks.
pub struct Jump {
    targets: Vec<Member>,
    /// How far, ns.
    by: i64,
    /// By how much each target's clock was ahead before, ns.
    before: Mutex<Vec<i64>>,
}

impl Jump {
    /// Of these nodes, by so many nanoseconds.
    pub fn new(targets: Vec<Member>, by: i64) -> Self {
        Self { targets, by, before: Mutex::default() }
    }

    fn before(&self) -> Vec<i64> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Until every clock is ahead by what it was before and `jump` more. One whose process is gone has no clock.
    async fn ahead_by(&self, stage: &Stage, jump: i64) -> Result<String, String> {
        let looks = self.targets.iter().zip(self.before()).map(|(target, before)| at(stage, &target.node, before + jump));
        Ok(try_join_all(looks).await?.join("; "))
    }
}

#[async_trait]
impl Injection for Jump {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, stage: &Stage) -> Result<Vec<Done>, String> {
        let before: Vec<i64> =
            try_join_all(self.targets.iter().map(|target| ahead(stage, &target.node))).await?.into_iter().map(settled).collect();
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = before.clone();
        let jumps = self.targets.iter().zip(before).map(|(target, before)| async move {
            let name = &target.node.name;
            stage.lab.set_clock(name, before + self.by).await.map_err(|error| error.to_string())?;
            Ok(Done { at: Instant::now(), targets: vec![name.clone()], detail: format!("its clock jumps by {}", seconds(self.by)) })
        });
        try_join_all(jumps).await
    }

    async fn prove(&self, stage: &Stage, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        self.ahead_by(stage, self.by).await
    }

    async fn revert(&self, stage: &Stage) -> Result<Instant, String> {
        for (target, before) in self.targets.iter().zip(self.before()) {
            stage.lab.set_clock(&target.node.name, before).await.map_err(|error| error.to_string())?;
        }
        Ok(Instant::now())
    }

    async fn prove_reverted(&self, stage: &Stage, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        self.ahead_by(stage, 0).await
    }
}

/// By how much a node's clock is ahead of the tool's, ns: half-way through the question, as neither end knows better.
async fn ahead(stage: &Stage, node: &LabNode) -> Result<i64, String> {
    let (asked, since) = (wall(), Instant::now());
    let (seconds, micros): (i64, i64) = ask(stage, node, redis::cmd("TIME")).await?;
    let half = i64::try_from(since.elapsed().as_nanos() / 2).unwrap_or(i64::MAX);
    Ok(seconds * 1_000_000_000 + micros * 1_000 - asked.saturating_add(half))
}

async fn at(stage: &Stage, node: &LabNode, wanted: i64) -> Result<String, String> {
    let since = Instant::now();
    loop {
        let why = match ahead(stage, node).await {
            Ok(ahead) if (ahead - wanted).abs() <= EXACT => {
                return Ok(format!("the TIME of {} differs by {} from the true one", node.name, seconds(ahead)));
            }
            Ok(ahead) => format!("the TIME of {} differs by {} from the true one, not by {}", node.name, seconds(ahead), seconds(wanted)),
            Err(_) if !stage.lab.alive(&node.name).await.unwrap_or(true) => return Ok(format!("the process of {} is gone", node.name)),
            Err(error) => error,
        };
        if since.elapsed() > JUMPED_WITHIN {
            return Err(why);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A clock that nobody set is not ahead, whatever was measured.
fn settled(ahead: i64) -> i64 {
    if ahead.abs() <= EXACT { 0 } else { ahead }
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
    fn what_the_question_took_is_no_jump_and_an_earlier_jump_is_kept() {
        assert_eq!(settled(3_000_000), 0);
        assert_eq!(settled(-10_000_000_000), -10_000_000_000);
        assert_eq!(seconds(-1_500_000_000), "-1.500 s");
    }
}
