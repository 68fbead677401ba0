//! `loss`: a share of the packets between two groups is dropped at random, proved by datagrams between their namespaces.

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

/// A second of datagrams each way: at 20 % the standard error of the share is 0.7 points.
const DATAGRAMS: Exchange = Exchange { datagrams: 3_000, rate: 3_000, payload: 64, linger: Duration::from_millis(200) };
/// Share that may be missing where nothing is lost on purpose, in points.
const CLEAN: f64 = 1.0;
/// Links that are measured; rules and counters are looked at on all of them.
const MEASURED: usize = 2;

/// Lossy links.
pub struct LossFault {
    id: String,
    links: Links,
    percent: f64,
}

impl LossFault {
    /// Links that are whole as yet. `index` is the fault's place in the plan.
    pub fn new(index: usize, links: Links, share: f64) -> Self {
        Self { id: format!("fault{index}"), links, percent: share * 100.0 }
    }

    /// What may be measured where this share is lost: within four standard errors, or one point where that is more.
    fn near(&self, way: &Way, wanted: f64) -> bool {
        let share = wanted / 100.0;
        let error = 100.0 * (share * (1.0 - share) / f64::from(way.sent.max(1))).sqrt();
        (way.loss_percent() - wanted).abs() <= CLEAN.max(4.0 * error)
    }

    async fn measured(&self, context: &TrialContext, wanted: [f64; 2], others: &[Arc<dyn Injection>]) -> Result<String, String> {
        let chosen = self.links.undisturbed(MEASURED, context, others).await;
        // At once: one after the other they would take longer than the fault may last.
        let looks = chosen.into_iter().map(async |(near, far, direction)| {
            let link =
                measure(&end(near, context).await?, &end(far, context).await?, DATAGRAMS).await.map_err(|error| error.to_string())?;
            let [there, back] = match direction {
                Direction::Both => [wanted[0]; 2],
                Direction::To => wanted,
                Direction::From => [wanted[1], wanted[0]],
            };
            let text = format!(
                "{} to {}: {:.1} % of {} datagrams lost, back: {:.1} %",
                near.name(),
                far.name(),
                link.there.loss_percent(),
                link.there.sent,
                link.back.loss_percent()
            );
            if !self.near(&link.there, there) || !self.near(&link.back, back) {
                return Err(format!("{text}, instead of {there} % and {back} %"));
            }
            Ok(text)
        });
        let told = try_join_all(looks).await?;
        Ok(if told.is_empty() { "not measured: another fault is at work on the same links".to_owned() } else { told.join("; ") })
    }
}

#[async_trait]
impl Injection for LossFault {
    fn targets(&self) -> Vec<String> {
        self.links.names()
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        for (member, traffic) in self.links.traffic(&Ports::default()) {
            let loss = shaping::loss::Loss { percent: self.percent, traffic };
            shaping::loss::inject(&member.namespace(context).await?, &self.id, &loss).await.map_err(|error| error.to_string())?;
        }
        Ok(vec![Done { at: Instant::now(), targets: self.targets(), detail: format!("{} % of the packets dropped", self.percent) }])
    }

    async fn prove(&self, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        let measured = self.measured(context, [self.percent, 0.0], others).await?;
        let (mut seen, mut dropped) = (0, 0);
        for (member, _) in self.links.traffic(&Ports::default()) {
            let there = shaping::loss::present(&member.namespace(context).await?, &self.id).await.map_err(|error| error.to_string())?;
            let there = there.ok_or_else(|| format!("the rules in the namespace of {} are not there", member.name()))?;
            seen += there.to.seen + there.from.seen;
            dropped += there.to.dropped + there.from.dropped;
        }
        Ok(format!("{measured}; {dropped} of {seen} packets dropped so far"))
    }

    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        LinkFault::Loss.remove(&self.id, self.links.near(), context).await
    }

    async fn prove_reverted(&self, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        LinkFault::Loss.prove_removed(&self.id, self.links.near(), context).await?;
        self.measured(context, [0.0, 0.0], others).await
    }

    fn disturbs(&self, one: &str, other: &str) -> bool {
        self.links.join(one, other)
    }
}
