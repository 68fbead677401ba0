//! What became of a workload's attempts: outcomes, reasons, latencies.

use hdrhistogram::Histogram;

use crate::history::{Op, OpKind, Outcome, Why};
use crate::result::WhyCount;

/// Outcomes, reasons and latencies of the attempts of the measured time.
#[derive(Debug)]
pub struct Tally {
    /// Attempts with outcome `ok`.
    pub ok: u64,
    /// Attempts with outcome `fail`, those that were answered `held` included.
    pub fail: u64,
    /// Of those, the ones answered `held`: the lock worked.
    pub held: u64,
    /// Attempts with outcome `info`.
    pub info: u64,
    reasons: [[Seen; Why::ALL.len()]; OpKind::ALL.len()],
    latency: Histogram<u64>,
}

/// How often something was seen, and the intended start of the first and last such attempt.
#[derive(Debug, Clone, Copy)]
struct Seen {
    count: u64,
    first: u64,
    last: u64,
}

impl Seen {
    const NEVER: Self = Self { count: 0, first: u64::MAX, last: 0 };

    fn at(&mut self, at: u64) {
        self.count += 1;
        // Operations come in the order of their ends.
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self { ok: 0, fail: 0, held: 0, info: 0, reasons: [[Seen::NEVER; Why::ALL.len()]; OpKind::ALL.len()], latency: histogram() }
    }
}

/// Three significant digits over the whole range, growing as needed.
fn histogram() -> Histogram<u64> {
    // Three digits are within what the crate accepts, so the other arm is never taken.
    Histogram::new(3).unwrap_or_else(|_| unreachable!("a histogram of three digits is refused"))
}

impl Tally {
    /// Takes in one attempt.
    pub fn op(&mut self, op: &Op) {
        match op.out {
            Outcome::Ok => {
                self.ok += 1;
                // From the intended start: a stalled server must not hide by delaying its clients.
                // The histogram grows as needed, so nothing is out of range.
                let _ = self.latency.record(op.at[2].saturating_sub(op.at[0]));
            }
            Outcome::Fail => self.fail += 1,
            Outcome::Info => self.info += 1,
        }
        if let Some(why) = op.why {
            self.held += u64::from(op.out == Outcome::Fail && why == Why::Held);
            let row = &mut self.reasons[op.op.place()];
            if let Some(place) = Why::ALL.iter().position(|known| *known == why) {
                row[place].at(op.at[0]);
            }
        }
    }

    /// Attempts by operation and reason, the commonest of each operation first.
    pub fn reasons(&self) -> Vec<WhyCount> {
        let mut reasons = Vec::new();
        for (op, row) in OpKind::ALL.into_iter().zip(&self.reasons) {
            let mut of_op: Vec<WhyCount> = Why::ALL
                .into_iter()
                .zip(row)
                .filter(|(_, seen)| seen.count > 0)
                .map(|(why, seen)| WhyCount { op, why, count: seen.count, first: seen.first, last: seen.last })
                .collect();
            of_op.sort_by_key(|one| (std::cmp::Reverse(one.count), one.why));
            reasons.extend(of_op);
        }
        reasons
    }

    /// Latency of successful attempts: p50, p99 and largest, ns.
    pub fn latency(&self) -> [u64; 3] {
        if self.ok == 0 {
            return [0; 3];
        }
        [self.latency.value_at_quantile(0.5), self.latency.value_at_quantile(0.99), self.latency.max()]
    }

    /// Share of attempts that certainly failed; `held` is an answer, not a failure.
    pub fn error_rate(&self) -> Option<f64> {
        let all = self.ok + self.fail + self.info;
        (all > 0).then(|| (self.fail - self.held) as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::{Op, OpKind, Outcome, Tally, Why};

    fn op(kind: OpKind, took: u64, out: Outcome, why: Option<Why>) -> Op {
        Op { w: 0, c: 0, op: kind, id: 0, key: 0, at: [1_000, 5_000, 1_000 + took], out, why, node: None }
    }

    #[test]
    fn a_lock_that_another_holds_is_no_failure() {
        let mut tally = Tally::default();
        for (out, why) in [
            (Outcome::Ok, None),
            (Outcome::Fail, Some(Why::Held)),
            (Outcome::Fail, Some(Why::Connect)),
            (Outcome::Info, Some(Why::Timeout)),
        ] {
            tally.op(&op(OpKind::Acquire, 10_000, out, why));
        }
        assert_eq!(tally.error_rate(), Some(0.25));
        assert_eq!((tally.ok, tally.fail, tally.held, tally.info), (1, 2, 1, 1));
    }

    #[test]
    fn a_reason_is_told_with_its_first_and_last_intended_start() {
        let mut tally = Tally::default();
        // A slow one that began first ends last.
        for at in [7_000, 9_000, 4_000] {
            let mut op = op(OpKind::Release, 10_000, Outcome::Fail, Some(Why::Connect));
            op.at[0] = at;
            tally.op(&op);
        }
        let told: Vec<(u64, u64, u64)> = tally.reasons().iter().map(|one| (one.count, one.first, one.last)).collect();
        assert_eq!(told, [(3, 4_000, 9_000)]);
    }

    #[test]
    fn latency_counts_from_the_intended_start() {
        let mut tally = Tally::default();
        for took in 1..=1000 {
            tally.op(&op(OpKind::Release, took * 1_000_000, Outcome::Ok, None));
        }
        let near = |value: u64, wanted: u64| value.abs_diff(wanted) <= wanted / 500;
        let [middle, high, largest] = tally.latency();
        assert!(near(middle, 500_000_000) && near(high, 990_000_000) && near(largest, 1_000_000_000), "{middle} {high} {largest}");
    }

    #[test]
    fn without_attempts_there_is_no_error_rate_and_no_latency() {
        assert_eq!((Tally::default().error_rate(), Tally::default().latency()), (None, [0; 3]));
    }
}
