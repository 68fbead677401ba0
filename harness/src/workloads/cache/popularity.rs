//! How often each item is read.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::Access;

/// Exponent of the Zipf distribution, that of YCSB (Cooper et al., SoCC 2010).
const EXPONENT: f64 = 0.99;

/// Probabilities of the items, summed up.
pub struct Popularity {
    keys: u32,
    /// For each item the probability of it and all before it; empty when all are alike.
    sums: Vec<f64>,
}

impl Popularity {
    pub fn new(access: Access, keys: u32) -> Self {
        let sums = match access {
            Access::Uniform => Vec::new(),
            Access::Zipf => {
                let weights: Vec<f64> = (1..=keys).map(|rank| f64::from(rank).powf(-EXPONENT)).collect();
                let all: f64 = weights.iter().sum();
                let add = |sum: &mut f64, weight: &f64| {
                    *sum += weight / all;
                    Some(*sum)
                };
                weights.iter().scan(0.0, add).collect()
            }
        };
        Self { keys, sums }
    }

    /// Draws an item.
    pub fn draw(&self, random: &mut ChaCha8Rng) -> u32 {
        if self.sums.is_empty() {
            return random.random_range(0..self.keys);
        }
        let drawn: f64 = random.random();
        let position = self.sums.partition_point(|sum| *sum <= drawn);
        u32::try_from(position).unwrap_or(u32::MAX).min(self.keys - 1)
    }

    /// The share of reads that are of an item.
    pub fn share(&self, key: u32) -> f64 {
        let at = |key: u32| self.sums.get(key as usize).copied().unwrap_or_default();
        match key {
            _ if self.sums.is_empty() => 1.0 / f64::from(self.keys),
            0 => at(0),
            key => at(key) - at(key - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::stream_of;
    use super::*;

    #[test]
    fn items_are_drawn_as_often_as_their_shares_say() {
        for access in [Access::Uniform, Access::Zipf] {
            let popularity = Popularity::new(access, 50);
            let all: f64 = (0..50).map(|key| popularity.share(key)).sum();
            assert!((all - 1.0).abs() < 1e-9);
            let mut random = stream_of(1, 2);
            let mut drawn = [0_u32; 50];
            (0..100_000).for_each(|_| drawn[popularity.draw(&mut random) as usize] += 1);
            for key in [0, 1, 10, 49] {
                let (seen, expected) = (f64::from(drawn[key as usize]) / 100_000.0, popularity.share(key));
                assert!((seen - expected).abs() < 0.01, "item {key}: {seen} instead of {expected}");
            }
        }
        assert!(Popularity::new(Access::Zipf, 50).share(0) > 10.0 * Popularity::new(Access::Zipf, 50).share(49));
    }
}
