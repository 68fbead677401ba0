//! How long a lock lives, at least and at most.

/// The rules of one lock workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockRules {
    /// Lifetime of a lock (`PX`), ns; `u64::MAX` for one that never expires.
    pub ttl: u64,
    /// Safety margin taken off the lifetime, ns.
    pub drift: u64,
    /// Whether holders prolong their locks.
    pub renewed: bool,
}

impl LockRules {
    /// Whether locks live until they are given back.
    pub fn endless(self) -> bool {
        self.ttl == u64::MAX
    }

    /// Until when a lock that was asked for at `invoked` is certainly still there: the server starts the lifetime
    /// after that, so it cannot end it before.
    pub fn lease(self, invoked: u64) -> u64 {
        if self.endless() {
            return u64::MAX;
        }
        invoked.saturating_add(self.ttl.saturating_sub(self.drift))
    }

    /// Until when a lock that was asked for at `invoked` is certainly still there, with what came of prolonging it: for each attempt that was
    /// acknowledged when it was invoked and when completed. One whose answer came after the lease had ended prolongs nothing: a holder who
    /// had no answer by then had to stop.
    pub fn prolonged(self, invoked: u64, renewals: &[[u64; 2]]) -> u64 {
        let mut renewals = renewals.to_vec();
        renewals.sort_unstable_by_key(|renewal| renewal[1]);
        renewals.iter().fold(
            self.lease(invoked),
            |lease, [asked, answered]| {
                if *answered <= lease { lease.max(self.lease(*asked)) } else { lease }
            },
        )
    }

    /// From when a lock granted at the latest at `completed` is certainly gone.
    /// One second on top of the drift covers the server's own clock and its lazy expiry.
    pub fn expired(self, completed: u64) -> u64 {
        completed.saturating_add(self.ttl).saturating_add(self.drift).saturating_add(1_000_000_000)
    }
}
