//! `kind: fixed-window-limiter` and `kind: sliding-window-limiter`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::Duration;

/// Clients ask a limiter before each request: `INCR` of a key that holds subject and window, `PEXPIRE` after the first hit; admitted is what
/// finds the counter at or below the limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FixedWindowWorkload {
    /// Number of distinct subjects (users, keys) with a quota of their own; requests are spread over them evenly.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub subjects: u32,
    /// Requests of one subject admitted in one window.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub limit: u32,
    /// Length of a window; windows begin at its multiples.
    pub window: Duration,
    /// Counter and expiry by one script instead of two commands.
    #[serde(default)]
    pub atomic: bool,
    /// What a client does with a request when Redis gives no answer.
    #[serde(default)]
    pub on_error: OnError,
    /// Requests come in bursts only; all the time when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
}

/// Clients ask a limiter before each request: a sorted set a subject with one member for each request of the last window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlidingWindowWorkload {
    /// Number of distinct subjects (users, keys) with a quota of their own; requests are spread over them evenly.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub subjects: u32,
    /// Requests of one subject admitted in any window.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub limit: u32,
    /// Length of the window.
    pub window: Duration,
    /// One script, or a transaction after which a request that was not admitted is taken out again.
    #[serde(default)]
    pub by: SlidingBy,
    /// Whose clock gives the time of a request.
    #[serde(default)]
    pub clock: LimiterClock,
    /// What a client does with a request when Redis gives no answer.
    #[serde(default)]
    pub on_error: OnError,
    /// Requests come in bursts only; all the time when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
}

impl SlidingWindowWorkload {
    /// How far the limiter's clock may be off over one window, ns: nothing by the clients' clock, which is the one everything is judged by;
    /// by the server's 1 % and the millisecond it counts in.
    pub fn drift(&self) -> u64 {
        match self.clock {
            LimiterClock::Client => 0,
            LimiterClock::Server => self.window.as_nanos() / 100 + 1_000_000,
        }
    }
}

fn one() -> u32 {
    1
}

/// What a client does with a request when Redis gives no answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// It goes on, uncounted.
    Allow,
    /// It is turned away.
    #[default]
    Deny,
    /// A counter of the client's own decides, with the whole limit and fixed windows: so many clients, so many times the limit.
    Local,
}

/// How a sliding window is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SlidingBy {
    /// One script.
    #[default]
    Script,
    /// `MULTI`, and `ZREM` for what was not admitted.
    Multi,
}

/// Whose clock gives the time of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimiterClock {
    /// The client's.
    #[default]
    Client,
    /// The server's (`TIME`), inside the script.
    Server,
}

/// Requests come only in a part of each period. Periods begin where windows do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// Length of a period.
    pub every: Duration,
    /// When the burst begins in it.
    pub at: Duration,
    /// How long it lasts; it may reach into the next period.
    #[serde(rename = "for")]
    pub lasts: Duration,
}

impl Burst {
    /// Whether requests come at that time, ns.
    pub fn covers(&self, at: u64) -> bool {
        let every = self.every.as_nanos().max(1);
        let since = (at % every + every - self.at.as_nanos() % every) % every;
        since < self.lasts.as_nanos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_may_reach_into_the_next_period() {
        let [every, at, lasts] = [10, 8, 4].map(Duration::from_secs);
        let burst = Burst { every, at, lasts };
        let covered: Vec<u64> = (0..20).filter(|second| burst.covers(second * 1_000_000_000)).collect();
        assert_eq!(covered, [0, 1, 8, 9, 10, 11, 18, 19]);
    }
}
