//! The one clock of a trial: monotonic nanoseconds since it began.

use std::time::{Duration, Instant};

/// Monotonic nanoseconds since the trial began. Copies share the same zero.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// A clock whose zero is now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since zero.
    pub fn now(self) -> u64 {
        self.at(Instant::now())
    }

    /// An instant on this clock; instants before zero read 0.
    pub fn at(self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.0).as_nanos()).unwrap_or(u64::MAX)
    }

    /// The instant at which this clock reads `nanos`.
    pub fn instant(self, nanos: u64) -> Instant {
        self.0 + Duration::from_nanos(nanos)
    }
}
