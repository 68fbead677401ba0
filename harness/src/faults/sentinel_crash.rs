//! `sentinel-crash`: `SENTINEL SIMULATE-FAILURE`. What is injected is the intention; who crashed is told when the trial ends.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use redquake_experiments::spec::CrashPoint;

use super::ask::ask;
use super::injection::{Done, Injection, NotDone};
use super::names::names;
use crate::context::{Member, TrialContext};

/// What a Sentinel writes into its log right before it crashes (sentinel.c, `sentinelSimFailureCrash`).
const LAST_WORDS: &str = "simulate-failure";

/// Some Sentinels that crash when they reach a point.
pub struct SentinelCrashFault {
    targets: Vec<Member>,
    point: CrashPoint,
}

impl SentinelCrashFault {
    /// These Sentinels.
    pub fn new(targets: Vec<Member>, point: CrashPoint) -> Self {
        Self { targets, point }
    }

    fn word(&self) -> &'static str {
        match self.point {
            CrashPoint::AfterElection => "crash-after-election",
            CrashPoint::AfterPromotion => "crash-after-promotion",
        }
    }
}

#[async_trait]
impl Injection for SentinelCrashFault {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let arm = self.targets.iter().map(|target| async move {
            let mut command = redis::cmd("SENTINEL");
            command.arg("SIMULATE-FAILURE").arg(self.word());
            let at = Instant::now();
            ask::<String>(context, &target.node, command).await?;
            Ok(Done { at, targets: vec![target.node.name.clone()], detail: format!("SENTINEL SIMULATE-FAILURE {}", self.word()) })
        });
        try_join_all(arm).await
    }

    /// A Sentinel tells nobody what it is to do; that it agreed is all there is to see before it leads a failover.
    async fn prove(&self, _: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        Ok(format!("agreed to {}: {}", self.word(), self.targets().join(", ")))
    }

    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        for target in &self.targets {
            // Setting a failure clears those set before, and `HELP` sets none (sentinel.c, `simulate-failure`).
            let mut command = redis::cmd("SENTINEL");
            command.arg("SIMULATE-FAILURE").arg("HELP");
            if let Err(error) = ask::<redis::Value>(context, &target.node, command).await
                && context.lab.alive(&target.node.name).await.unwrap_or(true)
            {
                return Err(error);
            }
        }
        Ok(Instant::now())
    }

    /// As little as there was to see of the intention is there to see of its end.
    async fn prove_reverted(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let (mut spared, mut gone) = (Vec::new(), Vec::new());
        for target in &self.targets {
            let alive = context.lab.alive(&target.node.name).await.unwrap_or(true);
            if alive { spared.push(target.node.name.clone()) } else { gone.push(target.node.name.clone()) }
        }
        let told = [("agreed to forget it", spared), ("ended before", gone)];
        Ok(told
            .iter()
            .filter(|(_, who)| !who.is_empty())
            .map(|(what, who)| format!("{what}: {}", who.join(", ")))
            .collect::<Vec<_>>()
            .join("; "))
    }

    async fn aftermath(&self, context: &TrialContext) -> Option<String> {
        let mut crashed = Vec::new();
        for target in &self.targets {
            let name = &target.node.name;
            let gone = !context.lab.alive(name).await.unwrap_or(true);
            if gone && context.lab.logs(name).await.is_ok_and(|log| log.contains(LAST_WORDS)) {
                crashed.push(name.clone());
            }
        }
        Some(match crashed.as_slice() {
            [] => format!("no Sentinel came to the point {}", self.word()),
            crashed => format!("{} crashed at the point {}", crashed.join(" and "), self.word()),
        })
    }
}
