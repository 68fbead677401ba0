//! Who granted a lock, where several independent primaries are asked.

use crate::analysis::hash::Map;
use crate::history::{OpKind, Outcome, Vote};

use super::Names;

/// The primaries that granted each hold: bit `n` stands for the node of index `n`.
#[derive(Debug, Default)]
pub struct Votes(Map<u64, u64>);

impl Votes {
    /// Takes in one primary's part in an attempt.
    pub fn vote(&mut self, vote: &Vote) {
        if vote.op == OpKind::Acquire && vote.out == Outcome::Ok && vote.why.is_none() {
            *self.0.entry(vote.id).or_default() |= 1_u64.checked_shl(u32::from(vote.node)).unwrap_or(0);
        }
    }

    /// Of two holds of one lock, who granted which, and who granted both: each of those had forgotten the first.
    pub fn told(&self, first: u64, second: u64, names: &Names<'_>) -> String {
        let (Some(first), Some(second)) = (self.0.get(&first), self.0.get(&second)) else { return String::new() };
        let list = |bits: u64| {
            let nodes = (0..64_u16).filter(|node| bits >> node & 1 == 1).map(|node| names.node(node));
            nodes.collect::<Vec<_>>().join(", ")
        };
        let both = match first & second {
            0 => "none granted both".to_owned(),
            both => format!("{} granted both", list(both)),
        };
        format!("; the first was granted by {}, the second by {}: {both}", list(*first), list(*second))
    }
}
