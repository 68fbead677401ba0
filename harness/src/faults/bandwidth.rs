//! `bandwidth`: packets of the targets pass no faster than a rate, proved by sending more than that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redquake_experiments::spec::Direction;
use redquake_topologies::shaping::{self, Exchange, measure};

use super::hindrance::Hindrance;
use super::injection::{Done, Injection};
use super::links::end;
use super::party::Party;
use crate::trial::{Member, Stage};

/// Payload of the datagrams that fill the link; with headers a frame of 1242 bytes.
const PAYLOAD: u16 = 1_200;
const FRAME_BITS: u64 = 1_242 * 8;
/// Above this rate filling the link would fill the machine: what is in place is looked at instead.
const MEASURED_UP_TO: u64 = 100_000_000;
/// What may pass beyond the rate while it is measured, and how much of it at least when nothing else is sent.
const BOUNDS: [f64; 2] = [0.5, 1.15];

/// Narrow links of some nodes.
pub struct Narrow {
    id: String,
    targets: Vec<Party>,
    /// Somebody to exchange datagrams with.
    other: Option<Party>,
    bandwidth: shaping::bandwidth::Bandwidth,
}

impl Narrow {
    /// Links that are as wide as ever as yet. `index` is the fault's place in the plan.
    pub fn new(index: usize, targets: Vec<Member>, stage: &Stage, bits_per_second: u64, direction: Direction) -> Self {
        let other = stage.roster.all().find(|member| !targets.iter().any(|target| target.index == member.index)).map(Party::Node);
        let targets = targets.into_iter().map(Party::Node).collect();
        Self { id: format!("fault{index}"), targets, other, bandwidth: shaping::bandwidth::Bandwidth { bits_per_second, direction } }
    }

    /// What passes of half as much again as the rate, for a second.
    async fn filled(&self, target: &Party, other: &Party, stage: &Stage) -> Result<String, String> {
        let bits = self.bandwidth.bits_per_second;
        let rate = u32::try_from((bits * 3 / 2 / FRAME_BITS).max(20)).unwrap_or(u32::MAX);
        let exchange = Exchange { datagrams: rate, rate, payload: PAYLOAD, linger: Duration::from_millis(500) };
        let link = measure(&end(target, stage).await?, &end(other, stage).await?, exchange).await.map_err(|error| error.to_string())?;
        let mut told = Vec::new();
        for (way, limited, word) in [
            (&link.there, self.bandwidth.direction != Direction::From, "sends"),
            (&link.back, self.bandwidth.direction != Direction::To, "receives"),
        ] {
            let passed = way.bits_per_second().unwrap_or_default();
            let share = passed / bits as f64;
            if limited && !(BOUNDS[0]..=BOUNDS[1]).contains(&share) {
                return Err(format!("{} {word} {:.2} Mbit/s instead of {:.2}", target.name(), passed / 1e6, bits as f64 / 1e6));
            }
            if limited {
                told.push(format!("{} {word} {:.2} Mbit/s of {:.2} offered", target.name(), passed / 1e6, bits as f64 * 1.5 / 1e6));
            }
        }
        Ok(told.join(", "))
    }
}

#[async_trait]
impl Injection for Narrow {
    fn targets(&self) -> Vec<String> {
        self.targets.iter().map(|target| target.name().to_owned()).collect()
    }

    async fn inject(&self, stage: &Stage) -> Result<Vec<Done>, String> {
        for target in &self.targets {
            let namespace = target.namespace(stage).await?;
            shaping::bandwidth::inject(&namespace, &self.id, self.bandwidth).await.map_err(|error| error.to_string())?;
        }
        let detail = format!("limited to {} bit/s", self.bandwidth.bits_per_second);
        Ok(vec![Done { at: Instant::now(), targets: self.targets(), detail }])
    }

    async fn prove(&self, stage: &Stage, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        let mut told = Vec::new();
        for target in &self.targets {
            let there = shaping::bandwidth::present(&target.namespace(stage).await?, &self.id).await.map_err(|error| error.to_string())?;
            if there.is_none() {
                return Err(format!("nothing limits the link of {}", target.name()));
            }
            match &self.other {
                Some(other)
                    if self.bandwidth.bits_per_second <= MEASURED_UP_TO
                        && !others.iter().any(|fault| fault.disturbs(target.name(), other.name())) =>
                {
                    told.push(self.filled(target, other, stage).await?);
                }
                _ => told.push(format!("the limit is in place on the link of {}; not measured", target.name())),
            }
        }
        Ok(told.join("; "))
    }

    async fn revert(&self, stage: &Stage) -> Result<Instant, String> {
        Hindrance::Bandwidth.remove(&self.id, &self.targets, stage).await
    }

    async fn prove_reverted(&self, stage: &Stage, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        Hindrance::Bandwidth.prove_removed(&self.id, &self.targets, stage).await?;
        Ok("nothing limits the links any more".to_owned())
    }

    fn disturbs(&self, one: &str, other: &str) -> bool {
        self.targets.iter().any(|target| target.name() == one || target.name() == other)
    }
}
