//! `delay`: packets between two groups arrive late, proved by datagrams between their namespaces.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use redquake_experiments::spec::Direction;
use redquake_topologies::rules::Ports;
use redquake_topologies::shaping::{self, Exchange, Way, measure};

use super::injection::{Done, Injection, NotDone};
use super::link_fault::LinkFault;
use super::links::{Links, end};
use crate::context::TrialContext;

/// Half a second of datagrams each way.
const DATAGRAMS: u32 = 200;
const RATE: u32 = 400;
/// A packet on a healthy lab network takes well below a millisecond; on a busy machine, a few.
const CLEAN: Duration = Duration::from_millis(5);
/// Links that are measured; what is in place is looked at on all of them.
const MEASURED: usize = 2;

/// Slow links.
pub struct DelayFault {
    id: String,
    links: Links,
    delay: Duration,
    jitter: Duration,
}

impl DelayFault {
    /// Links that are as fast as ever as yet. `index` is the fault's place in the plan.
    pub fn new(index: usize, links: Links, delay: Duration, jitter: Duration) -> Self {
        Self { id: format!("fault{index}"), links, delay, jitter }
    }

    async fn measured(&self, context: &TrialContext, injected: bool, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        let chosen = self.links.undisturbed(MEASURED, context, others).await;
        // At once: one after the other they would take longer than the fault may last.
        let looks = chosen.into_iter().map(async |(near, far, direction)| {
            let linger = self.delay + self.jitter + Duration::from_millis(200);
            let exchange = Exchange { datagrams: DATAGRAMS, rate: RATE, payload: 64, linger };
            let link = measure(&end(near, context).await?, &end(far, context).await?, exchange).await.map_err(|error| error.to_string())?;
            let text = format!("{} to {}: {}, back: {}", near.name(), far.name(), told_of(&link.there), told_of(&link.back));
            let there = injected && direction != Direction::From;
            let back = injected && direction != Direction::To;
            if !self.fits(&link.there, there) || !self.fits(&link.back, back) {
                return Err(format!("{text}, instead of {:?} ± {:?} where packets are late", self.delay, self.jitter));
            }
            Ok(text)
        });
        let told = try_join_all(looks).await?;
        Ok(if told.is_empty() { "not measured: another fault is at work on the same links".to_owned() } else { told.join("; ") })
    }

    /// Whether one way does what it should: late by the delay on the mean and never by less than the jitter allows, or not late.
    fn fits(&self, way: &Way, late: bool) -> bool {
        let (Some(mean), Some(least)) = (way.mean_delay(), way.delay_quantile(0.0)) else { return false };
        if !late {
            return mean <= CLEAN;
        }
        let tick = Duration::from_millis(2);
        let spread = (self.jitter / 5).max(self.delay / 20).max(CLEAN);
        mean + spread >= self.delay && mean <= self.delay + spread && least + tick >= self.delay.saturating_sub(self.jitter)
    }
}

fn told_of(way: &Way) -> String {
    let millis = |time: Option<Duration>| time.map_or_else(|| "never".to_owned(), |time| format!("{:.1} ms", time.as_secs_f64() * 1e3));
    format!("late by {} on the mean, {} to {}", millis(way.mean_delay()), millis(way.delay_quantile(0.0)), millis(way.delay_quantile(1.0)))
}

#[async_trait]
impl Injection for DelayFault {
    fn targets(&self) -> Vec<String> {
        self.links.names()
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let mut by = None;
        for (member, traffic) in self.links.traffic(&Ports::default()) {
            let delay = shaping::delay::Delay { delay: self.delay, jitter: self.jitter, traffic };
            let namespace = member.namespace(context).await?;
            by = Some(shaping::delay::inject(&namespace, &self.id, &delay).await.map_err(|error| error.to_string())?);
        }
        let by = by.map(|path| format!(" by {path}")).unwrap_or_default();
        let detail = format!("packets late by {:?} ± {:?}{by}", self.delay, self.jitter);
        Ok(vec![Done { at: Instant::now(), targets: self.targets(), detail }])
    }

    async fn prove(&self, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        let measured = self.measured(context, true, others).await?;
        let mut waited = 0;
        for (member, _) in self.links.traffic(&Ports::default()) {
            let there = shaping::delay::present(&member.namespace(context).await?, &self.id).await.map_err(|error| error.to_string())?;
            let there = there.ok_or_else(|| format!("nothing delays packets in the namespace of {}", member.name()))?;
            if !there.serves {
                return Err(format!("packets no longer wait in the namespace of {}", member.name()));
            }
            waited += there.to + there.from;
        }
        Ok(format!("{measured}; {waited} packets made to wait so far"))
    }

    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        LinkFault::Delay.remove(&self.id, self.links.near(), context).await
    }

    async fn prove_reverted(&self, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        LinkFault::Delay.prove_removed(&self.id, self.links.near(), context).await?;
        self.measured(context, false, others).await
    }

    fn disturbs(&self, one: &str, other: &str) -> bool {
        self.links.join(one, other)
    }
}
