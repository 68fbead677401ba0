//! In what share of all trials of the kind something happens, given in how many of some it did.
//!
//! Clopper and Pearson, Biometrika 26 (1934): the exact interval, from the tails of the binomial distribution.

use crate::result::Interval;

/// The 95 % interval of the share, given `seen` of `trials`; `None` without trials.
///
/// Between the extremes each end leaves 2.5 %: `P(X ≤ seen | high) = P(X ≥ seen | low) = 0.025`. Where nothing was seen
/// the low end is certain, and all 5 % belong to the high one: `high = 1 − 0.05^(1/trials)`; so for all, turned round.
pub fn share(seen: u32, trials: u32) -> Option<Interval> {
    let seen = seen.min(trials);
    (trials > 0).then(|| Interval { low: 1.0 - high(trials - seen, trials), high: high(seen, trials) })
}

fn high(seen: u32, trials: u32) -> f64 {
    if seen == trials {
        return 1.0;
    }
    if seen == 0 {
        return 1.0 - 0.05_f64.powf(1.0 / f64::from(trials));
    }
    // The tail falls as the share grows. 60 halvings are more than a double can tell apart.
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at_most(seen, trials, middle) > 0.025 { low = middle } else { high = middle }
    }
    high
}

/// `P(X ≤ seen)` of a binomial distribution, summed in logarithms: the single terms underflow for many trials.
fn at_most(seen: u32, trials: u32, share: f64) -> f64 {
    let odds = (share / (1.0 - share)).ln();
    let mut term = f64::from(trials) * (-share).ln_1p();
    let mut sum = term.exp();
    for k in 0..seen {
        term += (f64::from(trials - k) / f64::from(k + 1)).ln() + odds;
        sum += term.exp();
    }
    sum
}
