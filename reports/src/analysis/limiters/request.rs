//! One request to a limiter, and what is counted.

/// One request to a limiter, as its client saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Whose quota.
    pub subject: u32,
    /// Number of the window on the client's clock (fixed window); 0 for a sliding window.
    pub window: u64,
    /// When it may have begun to take effect.
    pub invoked: u64,
    /// When it was decided.
    pub completed: u64,
    /// What was decided.
    pub decision: Decision,
    /// Who decided.
    pub by: By,
    /// What Redis answered: the value of `INCR`, or the members of the window after it.
    pub value: Option<u64>,
    /// Whether Redis executed it.
    pub executed: Executed,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It may go on.
    Admitted,
    /// It was turned away.
    Denied,
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// Redis' answer.
    Redis,
    /// The policy for an unreachable Redis: `allow` or `deny`.
    Policy,
    /// A counter of the client's own, while Redis was unreachable.
    Local,
}

/// Whether Redis executed a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Executed {
    /// It answered.
    Yes,
    /// Certainly not.
    No,
    /// Unknown: sent, and no answer.
    Maybe,
}

impl Request {
    /// As numbers, but for its subject.
    pub(super) fn record(&self) -> [u64; 5] {
        let (decision, by, executed) = (self.decision as u64, self.by as u64, self.executed as u64);
        let flags = decision | by << 1 | executed << 3 | u64::from(self.value.is_some()) << 5;
        [self.window, self.invoked, self.completed.wrapping_sub(self.invoked), self.value.unwrap_or_default(), flags]
    }

    /// The request of these numbers.
    pub(super) fn of(subject: u32, [window, invoked, took, value, flags]: [u64; 5]) -> Self {
        Self {
            subject,
            window,
            invoked,
            completed: invoked.wrapping_add(took),
            decision: if flags & 1 == 0 { Decision::Admitted } else { Decision::Denied },
            by: [By::Redis, By::Policy, By::Local][(flags >> 1 & 3) as usize % 3],
            value: (flags >> 5 & 1 == 1).then_some(value),
            executed: [Executed::Yes, Executed::No, Executed::Maybe][(flags >> 3 & 3) as usize % 3],
        }
    }
}

/// What a limiter did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimiterCounts {
    /// Requests admitted by Redis.
    pub admitted_redis: u64,
    /// Requests admitted because Redis could not be asked (`on_error: allow`).
    pub admitted_open: u64,
    /// Requests admitted by a counter of the client's own (`on_error: local`).
    pub admitted_local: u64,
    /// Requests denied by Redis.
    pub denied_redis: u64,
    /// Requests denied because Redis could not be asked.
    pub denied_error: u64,
    /// Requests denied by a counter of the client's own.
    pub denied_local: u64,
    /// Admissions beyond the limit of a window.
    pub over_admitted: u64,
    /// The same among admissions by Redis alone: what no policy of the client explains.
    pub over_admitted_redis: u64,
    /// Answers that counted fewer requests than had certainly been counted before.
    pub rolled_back: u64,
    /// Counted requests that are missing from the count, at least.
    pub lost_counts: u64,
    /// Requests denied by Redis though every request that can have been counted leaves room.
    pub wrongly_denied: u64,
    /// Requests without an answer that were counted all the same, at least.
    pub ghosts: u64,
    /// Most requests of one subject admitted within any one window of true time.
    pub peak: u64,
}

/// The window in which the limit was overrun furthest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worst {
    /// Whose.
    pub subject: u32,
    /// From the first admission.
    pub from: u64,
    /// To the last.
    pub to: u64,
    /// How many were admitted.
    pub admitted: u64,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimiterFindings {
    /// The counts.
    pub counts: LimiterCounts,
    /// Windows with more admissions than the limit, the furthest overrun first. Of a sliding window the fullest of each subject.
    pub worst: Vec<Worst>,
    /// Most requests of one subject within a window, admitted or not: what the limiter was put to.
    pub most_offered: u64,
}

impl LimiterFindings {
    /// Counts decisions by who made them.
    pub(super) fn tally(requests: &[Request]) -> Self {
        let mut counts = LimiterCounts::default();
        for request in requests {
            let counter = match (request.decision, request.by) {
                (Decision::Admitted, By::Redis) => &mut counts.admitted_redis,
                (Decision::Admitted, By::Policy) => &mut counts.admitted_open,
                (Decision::Admitted, By::Local) => &mut counts.admitted_local,
                (Decision::Denied, By::Redis) => &mut counts.denied_redis,
                (Decision::Denied, By::Policy) => &mut counts.denied_error,
                (Decision::Denied, By::Local) => &mut counts.denied_local,
            };
            *counter += 1;
        }
        Self { counts, ..Self::default() }
    }

    /// Takes in what was found of another subject.
    pub(super) fn add(&mut self, other: Self) {
        let Self { counts, worst, most_offered } = other;
        // Named one by one, so that none is forgotten.
        let LimiterCounts {
            admitted_redis,
            admitted_open,
            admitted_local,
            denied_redis,
            denied_error,
            denied_local,
            over_admitted,
            over_admitted_redis,
            rolled_back,
            lost_counts,
            wrongly_denied,
            ghosts,
            peak,
        } = counts;
        let sum = &mut self.counts;
        sum.admitted_redis += admitted_redis;
        sum.admitted_open += admitted_open;
        sum.admitted_local += admitted_local;
        sum.denied_redis += denied_redis;
        sum.denied_error += denied_error;
        sum.denied_local += denied_local;
        sum.over_admitted += over_admitted;
        sum.over_admitted_redis += over_admitted_redis;
        sum.rolled_back += rolled_back;
        sum.lost_counts += lost_counts;
        sum.wrongly_denied += wrongly_denied;
        sum.ghosts += ghosts;
        sum.peak = sum.peak.max(peak);
        self.worst.extend(worst);
        self.most_offered = self.most_offered.max(most_offered);
    }

    /// Remembers a window that was overrun.
    pub(super) fn show(&mut self, worst: Worst) {
        self.worst.push(worst);
    }

    /// The furthest overrun first.
    pub(super) fn sorted(mut self) -> Self {
        self.worst.sort_by_key(|worst| (std::cmp::Reverse(worst.admitted), worst.from, worst.subject));
        self
    }
}

/// Requests that were admitted, by anybody or by Redis alone.
pub(super) fn admitted(requests: &[Request], redis: bool) -> Vec<(u64, u64)> {
    let counted = |request: &&Request| request.decision == Decision::Admitted && (!redis || request.by == By::Redis);
    requests.iter().filter(counted).map(|request| (request.invoked, request.completed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_record_and_back() {
        for decision in [Decision::Admitted, Decision::Denied] {
            for by in [By::Redis, By::Policy, By::Local] {
                for executed in [Executed::Yes, Executed::No, Executed::Maybe] {
                    for value in [None, Some(0), Some(7), Some(u64::MAX)] {
                        let request = Request { subject: 3, window: 9, invoked: 50, completed: 70, decision, by, value, executed };
                        assert_eq!(Request::of(3, request.record()), request);
                    }
                }
            }
        }
    }
}
