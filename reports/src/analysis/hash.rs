//! A hash for numbers that the tool itself handed out. The standard one resists chosen keys, which takes most of the
//! time of pairing millions of operations.

use std::hash::{BuildHasherDefault, Hasher};

/// A map from small numbers.
pub type Map<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Fold>>;

/// Multiplies by an odd constant (2^64 / golden ratio) and folds the high half onto the low one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number) * 0x9e37_79b9_7f4a_7c15_u128;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}
