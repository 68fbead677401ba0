//! Named shapes of a partition: which pairs of members are cut. Pure.

use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::Shape;

/// The pairs that are cut among `n` members, each once.
pub fn cut(shape: Shape, n: usize, random: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
    let side = |apart: &dyn Fn(usize, usize) -> bool| {
        (0..n).flat_map(|one| (one + 1..n).map(move |other| (one, other))).filter(|(one, other)| apart(*one, *other)).collect()
    };
    match shape {
        Shape::Isolate => side(&|one, _| one == 0),
        Shape::Halves => side(&|one, other| one < n.div_ceil(2) && other >= n.div_ceil(2)),
        Shape::MajorityMinority => side(&|one, other| one < n / 2 + 1 && other > n / 2),
        // The first sees everybody; the others are halved.
        Shape::Bridge => side(&|one, other| one > 0 && one <= n / 2 && other > n / 2),
        // Each sees so many neighbours on both sides of it that with itself they are a majority.
        Shape::Ring => {
            let seen = (n / 2).div_ceil(2);
            side(&|one, other| (other - one).min(n - (other - one)) > seen)
        }
        Shape::Random => {
            let shapes = [Shape::Isolate, Shape::Halves, Shape::MajorityMinority, Shape::Bridge, Shape::Ring];
            let cutting: Vec<Vec<(usize, usize)>> =
                shapes.into_iter().map(|shape| cut(shape, n, random)).filter(|pairs| !pairs.is_empty()).collect();
            cutting.choose(random).cloned().unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::stream_of;

    fn pairs(shape: Shape, n: usize) -> Vec<(usize, usize)> {
        cut(shape, n, &mut stream_of(1, 1))
    }

    /// Whom each member sees, itself included.
    fn sees(shape: Shape, n: usize) -> Vec<Vec<usize>> {
        let pairs = pairs(shape, n);
        let cut = |one: usize, other: usize| pairs.contains(&(one.min(other), one.max(other)));
        (0..n).map(|one| (0..n).filter(|other| *other == one || !cut(one, *other)).collect()).collect()
    }

    #[test]
    fn one_is_isolated_from_all_others_who_stay_together() {
        assert_eq!(sees(Shape::Isolate, 4), [vec![0], vec![1, 2, 3], vec![1, 2, 3], vec![1, 2, 3]]);
    }

    #[test]
    fn halves_and_majority_differ_for_an_even_number_only() {
        assert_eq!(sees(Shape::Halves, 4)[0], [0, 1]);
        assert_eq!(sees(Shape::MajorityMinority, 4)[0], [0, 1, 2]);
        assert_eq!(pairs(Shape::Halves, 5), pairs(Shape::MajorityMinority, 5));
    }

    #[test]
    fn a_bridge_sees_both_halves_and_they_do_not_see_each_other() {
        let seen = sees(Shape::Bridge, 5);
        assert_eq!(seen, [vec![0, 1, 2, 3, 4], vec![0, 1, 2], vec![0, 1, 2], vec![0, 3, 4], vec![0, 3, 4]]);
    }

    #[test]
    fn on_a_ring_each_sees_a_majority_and_no_two_the_same_one() {
        for n in [4, 5, 6, 7, 9] {
            let seen = sees(Shape::Ring, n);
            assert!(seen.iter().all(|seen| seen.len() > n / 2 && seen.len() < n), "{n}: {seen:?}");
            for (one, other) in (0..n).flat_map(|one| (one + 1..n).map(move |other| (one, other))) {
                assert_ne!(seen[one], seen[other], "{n}");
            }
        }
        assert!(pairs(Shape::Ring, 3).is_empty(), "three on a ring all see each other");
    }

    #[test]
    fn a_random_shape_is_one_that_cuts_and_the_same_for_the_same_seed() {
        for seed in 0..20 {
            let pairs = cut(Shape::Random, 3, &mut stream_of(seed, 1));
            assert!(!pairs.is_empty());
            assert_eq!(pairs, cut(Shape::Random, 3, &mut stream_of(seed, 1)));
        }
    }
}
