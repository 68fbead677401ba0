//! Queries for a key that is being loaded already.

use std::collections::BinaryHeap;

use super::load::Query;
use crate::analysis::hash::Map;

/// How many queries were asked while another one for the same key was under way, and the most of one key at once. Queries are sorted by
/// the time they were asked.
pub(super) fn duplicates(queries: &[Query]) -> (u64, u64) {
    let mut under_way: Map<u32, BinaryHeap<std::cmp::Reverse<u64>>> = Map::default();
    let (mut duplicates, mut most) = (0, 0);
    for query in queries {
        let ends = under_way.entry(query.key).or_default();
        while ends.peek().is_some_and(|end| end.0 <= query.asked) {
            ends.pop();
        }
        duplicates += u64::from(!ends.is_empty());
        ends.push(std::cmp::Reverse(query.ended));
        most = most.max(ends.len() as u64);
    }
    (duplicates, most)
}
