//! Something about each millisecond of a trial, in memory that grows with its length and with nothing else.

use std::hash::Hash;

use super::hash::Map;

/// Length of a slice, ns.
pub const SLICE: u64 = 1_000_000;
/// Slices that are kept together: a trial has hardly one without a neighbour.
const TOGETHER: u64 = 64;

/// One `T` for each millisecond and `K`.
#[derive(Debug)]
pub struct Slices<K, T>(Map<(K, u64), Box<[T; TOGETHER as usize]>>);

impl<K, T> Default for Slices<K, T> {
    fn default() -> Self {
        Self(Map::default())
    }
}

impl<K: Copy + Eq + Hash, T: Copy + Default> Slices<K, T> {
    /// That of an instant.
    pub fn of(&mut self, key: K, at: u64) -> &mut T {
        let slice = at / SLICE;
        let near = self.0.entry((key, slice / TOGETHER)).or_insert_with(|| Box::new([T::default(); TOGETHER as usize]));
        &mut near[(slice % TOGETHER) as usize]
    }

    /// All of them with the beginning of their slices, in no order; also those of which nothing was heard.
    pub fn all(&self) -> impl Iterator<Item = (K, u64, &T)> {
        self.0.iter().flat_map(|((key, near), slices)| {
            let first = near * TOGETHER;
            slices.iter().zip(first..).map(|(one, slice)| (*key, slice * SLICE, one))
        })
    }
}
