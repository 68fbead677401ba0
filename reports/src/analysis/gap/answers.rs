//! Answers the clients of a workload got, in memory that does not grow with their rate.

use super::series::{Ack, Series};
use crate::analysis::hash::Map;
use crate::analysis::locks::NO_NODE;

/// Only the first and the last answer of each millisecond are kept: every interval of a millisecond or more lies
/// between two of those.
const SLICE: u64 = 1_000_000;

/// First and last answer of every millisecond.
#[derive(Debug, Default)]
pub struct Answers(Map<u64, (Ack, Ack)>);

impl Answers {
    /// Takes in an answer.
    pub fn answer(&mut self, completed: u64, node: Option<u16>) {
        let ack = (completed, node.unwrap_or(NO_NODE));
        let slice = self.0.entry(completed / SLICE).or_insert((ack, ack));
        slice.0 = slice.0.min(ack);
        slice.1 = slice.1.max(ack);
    }

    /// As a series up to `end`.
    pub fn series(&self, end: u64) -> Series {
        let mut acks = Vec::with_capacity(2 * self.0.len());
        for (first, last) in self.0.values() {
            acks.push(*first);
            if first != last {
                acks.push(*last);
            }
        }
        Series::new(acks, end)
    }
}
