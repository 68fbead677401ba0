//! How many writes of clients each node acknowledged when, by the millisecond, in memory that does not grow with their rate.

use super::locks::NO_NODE;
use super::shards::Shard;
use super::slices::Slices;
use crate::history::{Op, OpKind, Outcome, Why};

/// Acknowledged writes of clients by node and millisecond.
#[derive(Debug, Default)]
pub struct Taken(Slices<u16, u32>);

impl Taken {
    /// Takes in one attempt of a client.
    pub fn op(&mut self, op: &Op) {
        // A release that found the lock gone wrote nothing, nor did a swap that found another value.
        let wrote =
            op.out == Outcome::Ok && !matches!(op.op, OpKind::Get | OpKind::Read) && !matches!(op.why, Some(Why::Gone | Why::Changed));
        if wrote {
            *self.0.of(op.node.unwrap_or(NO_NODE), op.at[2]) += 1;
        }
    }

    /// Writes a node acknowledged in some spans of time; a millisecond belongs to a span that covers its beginning.
    pub fn within(&self, node: u16, spans: &[[u64; 2]]) -> u64 {
        let inside = |at: u64| spans.iter().any(|[from, to]| (*from..*to).contains(&at));
        self.0.all().filter(|(of, at, _)| *of == node && inside(*at)).map(|(_, _, count)| u64::from(*count)).sum()
    }

    /// Writes the nodes of a shard acknowledged in a span of time; where there is only one, also those of nobody knows which node.
    pub fn by_shard(&self, shard: &Shard, span: [u64; 2]) -> u64 {
        let unknown = shard.number.is_none().then_some(NO_NODE);
        shard.nodes.iter().copied().chain(unknown).map(|node| self.within(node, &[span])).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::slices::SLICE;

    #[test]
    fn only_writes_that_were_acknowledged_count_and_only_inside_the_spans() {
        let mut taken = Taken::default();
        let op = |op, at, out, why| Op { w: 0, c: 0, op, id: 0, key: 0, at: [at, at, at], out, why, node: Some(1) };
        for at in [5, 15, 25] {
            taken.op(&op(OpKind::Acquire, at * SLICE, Outcome::Ok, None));
        }
        taken.op(&op(OpKind::Acquire, 15 * SLICE, Outcome::Fail, Some(Why::Held)));
        taken.op(&op(OpKind::Release, 15 * SLICE, Outcome::Ok, Some(Why::Gone)));
        taken.op(&op(OpKind::Release, 15 * SLICE, Outcome::Ok, None));
        taken.op(&op(OpKind::Read, 15 * SLICE, Outcome::Ok, None));
        taken.op(&op(OpKind::Swap, 15 * SLICE, Outcome::Ok, Some(Why::Changed)));
        assert_eq!(taken.within(1, &[[10 * SLICE, 20 * SLICE]]), 2);
        assert_eq!(taken.within(0, &[[0, 30 * SLICE]]), 0, "another node");
    }
}
