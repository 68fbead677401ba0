//! What one direction of a link did. Pure.

use std::time::Duration;

/// Bytes of the Ethernet, IP and UDP headers of a datagram, which count against a rate.
pub const HEADERS: u32 = 14 + 20 + 8;

/// What one direction of a link did to numbered datagrams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Datagrams sent.
    pub sent: u32,
    /// Datagrams that arrived, each counted once.
    pub received: u32,
    /// Bytes of an Ethernet frame that carries one.
    pub frame: u32,
    /// From right before sending until received, shortest first. Includes what the sender was made to wait by a full queue.
    delays: Vec<Duration>,
    /// From the first arrival until the last.
    span: Duration,
}

impl Way {
    /// From the sent and received instants of each datagram that arrived, counted from any common beginning.
    pub(super) fn new(sent: u32, payload: u32, arrivals: &[(Duration, Duration)]) -> Self {
        let mut delays: Vec<Duration> = arrivals.iter().map(|(sent, received)| received.saturating_sub(*sent)).collect();
        delays.sort_unstable();
        let received = arrivals.iter().map(|(_, received)| *received);
        let span = received.clone().max().unwrap_or_default().saturating_sub(received.min().unwrap_or_default());
        Self { sent, received: arrivals.len() as u32, frame: payload + HEADERS, delays, span }
    }

    /// Share of the datagrams that did not arrive, in percent; 0 when none was sent.
    pub fn loss_percent(&self) -> f64 {
        f64::from(self.sent - self.received) * 100.0 / f64::from(self.sent.max(1))
    }

    /// Mean one-way delay; `None` when nothing arrived.
    pub fn mean_delay(&self) -> Option<Duration> {
        let sum: Duration = self.delays.iter().sum();
        (self.received > 0).then(|| sum / self.received.max(1))
    }

    /// The delay that a share of the datagrams (0 to 1) did not exceed: 0 the shortest, 1 the longest. `None` when nothing arrived.
    pub fn delay_quantile(&self, share: f64) -> Option<Duration> {
        let rank = (share.clamp(0.0, 1.0) * self.delays.len() as f64).ceil() as usize;
        self.delays.get(rank.saturating_sub(1)).copied()
    }

    /// From the first arrival until the last; `None` below two arrivals.
    pub fn span(&self) -> Option<Duration> {
        (self.received >= 2 && !self.span.is_zero()).then_some(self.span)
    }

    /// Rate at which frames arrived, in bits a second, counted from the first arrival to the last; `None` below two arrivals.
    pub fn bits_per_second(&self) -> Option<f64> {
        // The first one marks the beginning, so it took no time of its own.
        let bits = f64::from(self.received.saturating_sub(1)) * f64::from(self.frame) * 8.0;
        (self.received >= 2 && !self.span.is_zero()).then(|| bits / self.span.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn loss_delay_and_rate_follow_from_the_instants() {
        let way = Way::new(5, 958, &[(ms(0), ms(50)), (ms(10), ms(50)), (ms(20), ms(80)), (ms(30), ms(90))]);
        assert_eq!((way.received, way.loss_percent()), (4, 20.0));
        assert_eq!(way.mean_delay(), Some(Duration::from_micros(52_500)));
        assert_eq!((way.delay_quantile(0.0), way.delay_quantile(0.5), way.delay_quantile(1.0)), (Some(ms(40)), Some(ms(50)), Some(ms(60))));
        // Three frames of 1000 bytes in 40 ms.
        assert_eq!(way.bits_per_second(), Some(600_000.0));
    }

    #[test]
    fn where_nothing_arrives_there_is_no_delay_and_no_rate() {
        let way = Way::new(3, 100, &[]);
        assert_eq!((way.loss_percent(), way.mean_delay(), way.delay_quantile(0.5), way.bits_per_second()), (100.0, None, None, None));
    }
}
