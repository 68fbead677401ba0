//! Answers the clients of a workload got, in memory that does not grow with their rate.

use super::series::{Ack, Series};
use crate::analysis::locks::NO_NODE;
use crate::analysis::slices::{SLICE, Slices};

/// First and last answer of every millisecond: every interval of a millisecond or more lies between two of those.
#[derive(Debug, Default)]
pub struct Answers(Slices<(), Slice>);

/// What is kept of a millisecond: how far into it the first and the last answer came, and from which nodes.
#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    heard: bool,
    nodes: [u16; 2],
    into: [u32; 2],
}

impl Answers {
    /// Takes in an answer.
    pub fn answer(&mut self, completed: u64, node: Option<u16>) {
        // A slice is far shorter than what fits.
        let (into, node) = ((completed % SLICE) as u32, node.unwrap_or(NO_NODE));
        let slice = self.0.of((), completed);
        if !slice.heard {
            *slice = Slice { heard: true, nodes: [node; 2], into: [into; 2] };
        }
        let [first, last] = [0, 1].map(|place| (slice.into[place], slice.nodes[place]));
        let (first, last) = (first.min((into, node)), last.max((into, node)));
        (slice.into, slice.nodes) = ([first.0, last.0], [first.1, last.1]);
    }

    /// As a series up to `end`.
    pub fn series(&self, end: u64) -> Series {
        let heard = || self.0.all().filter(|(_, _, slice)| slice.heard);
        let mut acks: Vec<Ack> = Vec::with_capacity(2 * heard().count());
        for ((), begin, slice) in heard() {
            let [first, last] = [0, 1].map(|place| (begin + u64::from(slice.into[place]), slice.nodes[place]));
            acks.push(first);
            if first != last {
                acks.push(last);
            }
        }
        Series::new(acks, end)
    }
}
