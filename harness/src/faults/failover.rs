//! `failover`: a planned one, asked of a Sentinel. Proved by its consent, and by another node that says it is the primary.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::{Selector, WantedRole};

use super::ask::ask;
use super::injection::{Done, Injection, NotDone};
use super::select::{self, Liveness};
use crate::clients::MASTER_NAME;
use crate::context::{Member, TrialContext};

/// A planned failover of a healthy set takes about a second and a half; Sentinel gives up after its failover-timeout.
const PROMOTED_WITHIN: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// `SENTINEL FAILOVER`, asked of the first of these Sentinels that answers.
pub struct FailoverFault {
    sentinels: Vec<Member>,
    old: Member,
    asked: Mutex<Option<String>>,
}

impl FailoverFault {
    /// Asked of the target; without one, of any Sentinel that answers.
    pub async fn resolve(target: Option<&Selector>, context: &TrialContext, random: &mut ChaCha8Rng) -> Result<Self, NotDone> {
        use rand::seq::SliceRandom;

        let any = Selector::role(WantedRole::Sentinel);
        let mut sentinels = select::resolve(target.unwrap_or(&any), Liveness::Running, context, random).await?;
        if target.is_none() {
            sentinels.shuffle(random);
        }
        let old = select::resolve(&Selector::role(WantedRole::Primary), Liveness::Running, context, random).await?;
        let old = old.into_iter().next().ok_or("there is no primary to fail over")?;
        Ok(Self { sentinels, old, asked: Mutex::default() })
    }
}

#[async_trait]
impl Injection for FailoverFault {
    fn targets(&self) -> Vec<String> {
        vec![self.old.node.name.clone()]
    }

    fn is_order(&self) -> bool {
        true
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let mut refused = Vec::new();
        for sentinel in &self.sentinels {
            let mut command = redis::cmd("SENTINEL");
            command.arg("FAILOVER").arg(MASTER_NAME);
            let at = Instant::now();
            match ask::<String>(context, &sentinel.node, command).await {
                Ok(_) => {
                    let name = sentinel.node.name.clone();
                    let detail = format!("{name} was asked to fail over and agreed");
                    *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(name);
                    return Ok(vec![Done { at, targets: self.targets(), detail }]);
                }
                Err(error) => refused.push(error),
            }
        }
        Err(NotDone::NoOccasion(refused.join("; ")))
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let (since, asked) = (Instant::now(), self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default());
        let mut promoted: Option<(String, f64)> = None;
        loop {
            if promoted.is_none() {
                let primaries = select::with_role(context, "master").await;
                let new = primaries.into_iter().find(|member| member.index != self.old.index);
                promoted = new.map(|new| (new.node.name, since.elapsed().as_secs_f64() * 1e3));
            }
            if let Some((new, took)) = &promoted
                && let Some(named) = self.named(context, &asked).await
                && named == *new
            {
                return Ok(format!("{asked} agreed; {new} says that it is the primary {took:.0} ms later, and {asked} names it"));
            }
            if since.elapsed() > PROMOTED_WITHIN {
                let seen = promoted.map_or_else(
                    || "no other node said that it is the primary".to_owned(),
                    |(new, _)| format!("{new} said that it is the primary, and {asked} did not name it"),
                );
                return Err(format!("{asked} agreed, and {seen} within {PROMOTED_WITHIN:?}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl FailoverFault {
    /// The node the Sentinel that was asked names as the primary.
    async fn named(&self, context: &TrialContext, asked: &str) -> Option<String> {
        let sentinel = self.sentinels.iter().find(|sentinel| sentinel.node.name == asked)?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER_NAME);
        let (host, port): (String, u16) = ask(context, &sentinel.node, command).await.ok()?;
        let index = context.roster.at(&host, port)?;
        context.roster.all().find(|member| member.index == index).map(|member| member.node.name)
    }
}
