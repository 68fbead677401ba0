//! Many records in little memory, for what can be judged only once all of it is there.

/// Records of `N` numbers in the order taken in. Each number is stored as its difference to the same number of the record before, in
/// as few bytes as that takes: times of neighbours are near each other.
#[derive(Debug, Clone)]
pub struct Packed<const N: usize> {
    bytes: Vec<u8>,
    last: [u64; N],
    count: usize,
}

impl<const N: usize> Default for Packed<N> {
    fn default() -> Self {
        Self { bytes: Vec::new(), last: [0; N], count: 0 }
    }
}

impl<const N: usize> Packed<N> {
    /// Takes in a record.
    pub fn push(&mut self, record: [u64; N]) {
        for (number, last) in record.into_iter().zip(&mut self.last) {
            let difference = number.wrapping_sub(*last) as i64;
            *last = number;
            // The sign goes into the lowest bit, so that small differences of either sign are small.
            let mut rest = ((difference << 1) ^ (difference >> 63)) as u64;
            while rest >= 0x80 {
                self.bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            self.bytes.push(rest as u8);
        }
        self.count += 1;
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// The records.
    pub fn iter(&self) -> impl Iterator<Item = [u64; N]> + '_ {
        let mut bytes = self.bytes.iter();
        let mut last = [0_u64; N];
        (0..self.count).map(move |_| {
            for number in &mut last {
                let (mut rest, mut shift) = (0_u64, 0);
                for byte in bytes.by_ref() {
                    rest |= u64::from(byte & 0x7f) << shift;
                    shift += 7;
                    if byte & 0x80 == 0 {
                        break;
                    }
                }
                let difference = (rest >> 1) as i64 ^ -((rest & 1) as i64);
                *number = number.wrapping_add(difference as u64);
            }
            last
        })
    }
}

/// A node, or none, as a number.
pub fn node_number(node: Option<u16>) -> u64 {
    node.map_or(0, |node| u64::from(node) + 1)
}

/// The node of a number.
pub fn node_of(number: u64) -> Option<u16> {
    number.checked_sub(1).map(|node| node as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Packed, node_number, node_of};

    proptest! {
        #[test]
        fn what_is_taken_in_comes_out(records in proptest::collection::vec(any::<[u64; 3]>(), 0..100)) {
            let mut packed = Packed::default();
            records.iter().for_each(|record| packed.push(*record));
            prop_assert_eq!(packed.len(), records.len());
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), records);
        }

        #[test]
        fn a_node_is_a_number_and_back(node in any::<Option<u16>>()) {
            prop_assert_eq!(node_of(node_number(node)), node);
        }
    }

    #[test]
    fn neighbours_take_few_bytes() {
        let mut packed = Packed::default();
        for index in 0..1000 {
            packed.push([index, 1_000_000_000 + index * 55_000, 180_000 + index % 7]);
        }
        assert!(packed.bytes.len() < 1000 * 6, "{} bytes", packed.bytes.len());
    }
}
