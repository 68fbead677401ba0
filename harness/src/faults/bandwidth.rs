//! `bandwidth`: packets of the targets pass no faster than a rate, proved by sending more than that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use redquake_experiments::spec::Direction;
use redquake_topologies::shaping::{self, Exchange, HEADERS, Way, bandwidth, measure};

use super::endpoint::Endpoint;
use super::injection::{Done, Injection, NotDone};
use super::link_fault::LinkFault;
use super::links::end;
use crate::context::{Member, TrialContext};

/// What is sent beyond a burst, in time of the link: long enough to be measured, and too short for anybody else to wait for long.
const EXCESS: f64 = 0.15;
/// Fewer datagrams than this beyond a burst show nothing.
const LEAST: f64 = 20.0;
/// From this rate on datagrams are large.
const FAST: u64 = 1_000_000;
/// Above this rate, of all targets together, filling the links would fill the machine: what is in place is looked at instead.
const MEASURED_UP_TO: u64 = 100_000_000;
/// How much of the rate must pass at least while it is measured, the target's own traffic included, and how much at most.
const BOUNDS: [f64; 2] = [0.5, 1.15];
/// A receiver that a busy machine woke late sees a train of datagrams as one.
const TRAINS: usize = 3;

/// A train of datagrams that shows a rate.
struct Train {
    exchange: Exchange,
    /// What of it passes at once, whatever the rate.
    burst: f64,
}

impl Train {
    fn new(rate: u64) -> Self {
        let (payload, times) = if rate < FAST { (64_u16, 10.0) } else { (1_200, 2.0) };
        let (rate, frame) = (rate as f64, f64::from(u32::from(payload) + HEADERS) * 8.0);
        let burst = bandwidth::burst_bits(rate as u64) as f64;
        let datagrams = (burst / frame).ceil() + (rate * EXCESS / frame).max(LEAST);
        let linger = Duration::from_secs_f64((LEAST * frame / rate).clamp(EXCESS, 0.5));
        let exchange = Exchange { datagrams: datagrams as u32, rate: (rate * times / frame) as u32, payload, linger };
        Self { exchange, burst }
    }

    /// Bits a second at which it arrived, without what passed at once.
    fn rate(&self, way: &Way) -> f64 {
        let bits = f64::from(way.received) * f64::from(way.frame) * 8.0 - self.burst;
        way.span().map_or(0.0, |span| bits.max(0.0) / span.as_secs_f64())
    }
}

/// Narrow links of some nodes.
pub struct BandwidthFault {
    id: String,
    targets: Vec<Endpoint>,
    /// Somebody to exchange datagrams with.
    other: Option<Endpoint>,
    bandwidth: shaping::bandwidth::Bandwidth,
}

impl BandwidthFault {
    /// Links that are as wide as ever as yet. `index` is the fault's place in the plan.
    pub fn new(index: usize, targets: Vec<Member>, context: &TrialContext, bits_per_second: u64, direction: Direction) -> Self {
        let other = context.roster.all().find(|member| !targets.iter().any(|target| target.index == member.index)).map(Endpoint::Node);
        let targets = targets.into_iter().map(Endpoint::Node).collect();
        Self { id: format!("fault{index}"), targets, other, bandwidth: shaping::bandwidth::Bandwidth { bits_per_second, direction } }
    }

    /// What passes of a train of datagrams that is sent faster than the rate. A machine too busy to see it arrive is asked again.
    async fn filled(&self, target: &Endpoint, other: &Endpoint, context: &TrialContext) -> Result<String, String> {
        let mut seen = self.train(target, other, context).await?;
        for _ in 1..TRAINS {
            if seen.is_ok() {
                break;
            }
            seen = self.train(target, other, context).await?;
        }
        seen
    }

    /// One train: what it showed, or what was wrong with that.
    async fn train(&self, target: &Endpoint, other: &Endpoint, context: &TrialContext) -> Result<Result<String, String>, String> {
        let bits = self.bandwidth.bits_per_second;
        let train = Train::new(bits);
        let (before, since) = (self.counters(target, context).await?, Instant::now());
        let link =
            measure(&end(target, context).await?, &end(other, context).await?, train.exchange).await.map_err(|error| error.to_string())?;
        let (after, took) = (self.counters(target, context).await?, since.elapsed().as_secs_f64());
        let mut told = Vec::new();
        for (way, bytes, limited, word) in [
            (&link.there, after.to.bytes.saturating_sub(before.to.bytes), self.bandwidth.direction != Direction::From, "sends"),
            (&link.back, after.from.bytes.saturating_sub(before.from.bytes), self.bandwidth.direction != Direction::To, "receives"),
        ] {
            if !limited {
                continue;
            }
            let (passed, all) = (train.rate(way), bytes as f64 * 8.0 / took);
            let told_of = |rate: f64| format!("{:.3}", rate / 1e6);
            let [passed_words, all_words, wanted] = [passed, all, bits as f64].map(told_of);
            let text = format!(
                "{} {word} {passed_words} Mbit/s where {wanted} pass, and more was sent ({all_words} in all meanwhile)",
                target.name()
            );
            if !fits(bits as f64, passed, all) {
                return Ok(Err(text));
            }
            told.push(text);
        }
        Ok(Ok(told.join(", ")))
    }

    async fn counters(&self, target: &Endpoint, context: &TrialContext) -> Result<shaping::bandwidth::Counters, String> {
        let there = shaping::bandwidth::present(&target.namespace(context).await?, &self.id).await.map_err(|error| error.to_string())?;
        there.ok_or_else(|| format!("nothing limits the link of {}", target.name()))
    }

    /// One target: that the limit is there, and where it can be measured, that it holds.
    async fn seen(&self, target: &Endpoint, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        self.counters(target, context).await?;
        match &self.other {
            Some(other)
                if self.bandwidth.bits_per_second.saturating_mul(self.targets.len() as u64) <= MEASURED_UP_TO
                    && !others.iter().any(|fault| fault.disturbs(target.name(), other.name())) =>
            {
                self.filled(target, other, context).await
            }
            _ => Ok(format!("the limit is in place on the link of {}; not measured", target.name())),
        }
    }
}

#[async_trait]
impl Injection for BandwidthFault {
    fn targets(&self) -> Vec<String> {
        self.targets.iter().map(|target| target.name().to_owned()).collect()
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        for target in &self.targets {
            let namespace = target.namespace(context).await?;
            shaping::bandwidth::inject(&namespace, &self.id, self.bandwidth).await.map_err(|error| error.to_string())?;
        }
        let detail = format!("limited to {} bit/s", self.bandwidth.bits_per_second);
        Ok(vec![Done { at: Instant::now(), targets: self.targets(), detail }])
    }

    async fn prove(&self, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        // All at once: one after the other they would take longer than the fault may last.
        Ok(try_join_all(self.targets.iter().map(|target| self.seen(target, context, others))).await?.join("; "))
    }

    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        LinkFault::Bandwidth.remove(&self.id, &self.targets, context).await
    }

    async fn prove_reverted(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        LinkFault::Bandwidth.prove_removed(&self.id, &self.targets, context).await?;
        Ok("nothing limits the links any more".to_owned())
    }

    fn disturbs(&self, one: &str, other: &str) -> bool {
        self.targets.iter().any(|target| target.name() == one || target.name() == other)
    }
}

/// Whether what passed fits a rate: no more of what was sent on purpose, and with the target's own traffic not much less than the rate.
fn fits(rate: f64, passed: f64, all: f64) -> bool {
    passed <= rate * BOUNDS[1] && passed.max(all) >= rate * BOUNDS[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_train_is_much_longer_than_a_burst_and_short_in_time() {
        for rate in [8_000, 64_000, 999_999, 1_000_000, 5_000_000, 100_000_000] {
            let train = Train::new(rate);
            let frame = f64::from(u32::from(train.exchange.payload) + HEADERS) * 8.0;
            let (sent, sent_for) =
                (f64::from(train.exchange.datagrams) * frame, f64::from(train.exchange.datagrams) / f64::from(train.exchange.rate));
            let unlimited = (sent - train.burst) / sent_for;
            assert!(unlimited > 1.3 * rate as f64, "{rate}: a link without a limit would show {unlimited}");
            assert!(sent_for < 0.6, "{rate}: {sent_for} s");
        }
    }

    #[test]
    fn a_target_that_fills_its_link_itself_leaves_nothing_and_the_limit_holds_all_the_same() {
        assert!(fits(64e3, 0.0, 60e3), "its own traffic has the rate");
        assert!(fits(64e3, 60e3, 61e3));
        assert!(!fits(64e3, 0.0, 1e3), "nothing passes: that is no limit of 64 kbit/s");
        assert!(!fits(64e3, 90e3, 90e3), "more than the rate passes");
    }
}
