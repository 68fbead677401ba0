//! Whether values depend on a phase: a straight line over the window with a jump back, fitted by least squares, and a permutation test.
//!
//! What waits for the next tick of a timer falls with the phase in a straight line and jumps back once; where in the window, nobody knows
//! before. So every place of the jump is tried, and the permutation test allows for that. The line goes through the ranks of the values: a few
//! that another cause has moved far away hide nothing.
//!
//! Good, *Permutation, Parametric and Bootstrap Tests of Hypotheses* (2005), ch. 3.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Permutations drawn: the smallest chance that can be told is one in 2,001.
const PERMUTATIONS: u32 = 2_000;
/// A constant, so that the same values give the same bytes whenever they are analysed.
const SEED: u64 = 0x5eed_0360;
/// The widest part of the window without a phase: in a wider one the jump could be anything.
const WIDEST: f64 = 0.5;

/// How values go with a phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sawtooth {
    /// Share of the variance of the values' ranks that the line explains.
    pub r2: f64,
    /// Chance that as much is explained where nothing depends on the phase.
    pub p: f64,
    /// The lower end of the same line through the values, no lower than the smallest value.
    pub low: f64,
    /// The higher end, no higher than the largest.
    pub high: f64,
}

/// The line over pairs of a phase, as a share of the window, and a value. `None` where phases or values are too few or too alike to tell.
pub fn sawtooth(pairs: &[(f64, f64)]) -> Option<Sawtooth> {
    // A line with a jump goes through any three values.
    if pairs.len() < 4 {
        return None;
    }
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let phases: Vec<f64> = sorted.iter().map(|(phase, _)| *phase).collect();
    let lines = Lines::of(&phases)?;
    let mean = sorted.iter().map(|(_, value)| value).sum::<f64>() / sorted.len() as f64;
    let values: Vec<f64> = sorted.iter().map(|(_, value)| value - mean).collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if least == most || !mean.is_finite() {
        return None;
    }
    let mut ranks = ranks(&values);
    let all: f64 = ranks.iter().map(|rank| rank * rank).sum();
    let (jump, explained) = lines.best(&ranks);
    let mut ends = lines.ends(&values, jump);
    ends.sort_by(f64::total_cmp);
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    // Equal up to rounding counts as reached.
    let reached = explained * (1.0 - 1e-9);
    let as_much = (0..PERMUTATIONS).filter(|_| {
        ranks.shuffle(&mut rng);
        lines.best(&ranks).1 >= reached
    });
    let p = (as_much.count() + 1) as f64 / f64::from(PERMUTATIONS + 1);
    Some(Sawtooth { r2: (explained / all).clamp(0.0, 1.0), p, low: mean + ends[0].max(least), high: mean + ends[1].min(most) })
}

/// The rank of each value less the mean of all ranks; equal values share theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = (values.len() - 1) as f64 / 2.0;
    let rank = |value: &f64| {
        let below = sorted.partition_point(|other| other < value);
        let equal = sorted[below..].partition_point(|other| other <= value);
        below as f64 + (equal as f64 - 1.0) / 2.0 - middle
    };
    values.iter().map(rank).collect()
}

/// The lines over sorted phases, one for each place of the jump: before the phase of that index.
struct Lines<'a> {
    phases: &'a [f64],
    mean: f64,
    /// Sums of squares of the phases around their mean, those before the jump moved to the end of the window.
    squares: Vec<f64>,
}

impl<'a> Lines<'a> {
    fn of(phases: &'a [f64]) -> Option<Self> {
        let (n, first) = (phases.len() as f64, *phases.first()?);
        let next = phases.iter().skip(1).copied().chain([first + 1.0]);
        if phases.iter().zip(next).any(|(phase, next)| next - phase > WIDEST) {
            return None;
        }
        let mean = phases.iter().sum::<f64>() / n;
        let places = |jump: usize| phases.iter().enumerate().map(move |(index, phase)| phase + f64::from(u8::from(index < jump)));
        let square = |jump: usize| {
            let middle = places(jump).sum::<f64>() / n;
            places(jump).map(|place| (place - middle).powi(2)).sum()
        };
        Some(Self { phases, mean, squares: (0..phases.len()).map(square).collect() })
    }

    /// The best place of the jump and what its line explains of the sum of squares of values whose mean is 0.
    fn best(&self, values: &[f64]) -> (usize, f64) {
        let mut product = self.product(values);
        let mut best = (0, f64::NEG_INFINITY);
        for (jump, (value, square)) in values.iter().zip(&self.squares).enumerate() {
            let explained = product * product / square;
            if explained > best.1 {
                best = (jump, explained);
            }
            // The next line has this phase a window later.
            product += value;
        }
        best
    }

    /// Sum of phases times values, without a jump.
    fn product(&self, values: &[f64]) -> f64 {
        self.phases.iter().zip(values).map(|(phase, value)| (phase - self.mean) * value).sum()
    }

    /// The line at the first and at the last phase after the jump.
    fn ends(&self, values: &[f64], jump: usize) -> [f64; 2] {
        let slope = (self.product(values) + values.iter().take(jump).sum::<f64>()) / self.squares[jump];
        let middle = self.mean + jump as f64 / self.phases.len() as f64;
        let last = if jump == 0 { self.phases[self.phases.len() - 1] } else { self.phases[jump - 1] + 1.0 };
        [self.phases[jump], last].map(|phase| slope * (phase - middle))
    }
}
