//! When operations are meant to start: a seeded Poisson process, whatever the servers do.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Endless intended starts of one client, in ns after its first moment.
pub struct Arrivals {
    random: ChaCha8Rng,
    mean: f64,
    at: f64,
}

impl Arrivals {
    /// Arrivals of one client: `rate` a second; `seed` and `stream` pick the sequence.
    pub fn new(seed: u64, stream: u64, rate: f64) -> Self {
        Self { random: stream_of(seed, stream), mean: 1e9 / rate, at: 0.0 }
    }

    /// The next intended start.
    pub fn next(&mut self) -> u64 {
        // Inverse transform of the exponential distribution; 1 - u is never 0.
        let u: f64 = self.random.random();
        self.at -= self.mean * (1.0 - u).ln();
        self.at as u64
    }
}

/// A random sequence of its own for each purpose, the same on every machine for the same seed.
pub fn stream_of(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_keep_the_rate_and_never_go_back() {
        let mut arrivals = Arrivals::new(7, 3, 1000.0);
        let mut last = 0;
        for _ in 0..100_000 {
            let next = arrivals.next();
            assert!(next >= last);
            last = next;
        }
        let seconds = last as f64 / 1e9;
        assert!((seconds - 100.0).abs() < 2.0, "100000 arrivals at 1000/s took {seconds} s");
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals_and_another_stream_others() {
        let take = |seed, stream| {
            let mut arrivals = Arrivals::new(seed, stream, 50.0);
            (0..50).map(|_| arrivals.next()).collect::<Vec<_>>()
        };
        assert_eq!(take(1, 1), take(1, 1));
        assert_ne!(take(1, 1), take(1, 2));
        assert_ne!(take(1, 1), take(2, 1));
    }
}
