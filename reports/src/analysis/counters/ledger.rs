//! What the final value of a counter says about its increments.
//!
//! Every executed increment had a place in the counter's history: the value it moved the counter to. In the history that was kept each place from 1 to the
//! final value belongs to one increment. So of the acknowledged increments no more were kept than there are different answers up to the final
//! value, and places that no answer names were filled by increments without one.

use std::collections::HashSet;

/// What became of the increments of one counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Acknowledged increments that were certainly lost.
    pub lost: u64,
    /// Those that may have been: all that were not if every increment without an answer was kept.
    pub lost_at_most: u64,
    /// Increments without an answer that were certainly kept.
    pub ghosts: u64,
    /// What the final value has beyond all increments that can have been executed.
    pub unexpected: u64,
}

/// Judges a counter: the answers to its acknowledged increments, the number of those of unknown outcome, and its final value.
pub fn kept(answers: &[u64], unknown: u64, last: u64) -> Kept {
    let acknowledged = answers.len() as u64;
    let places: HashSet<u64> = answers.iter().copied().filter(|answer| (1..=last).contains(answer)).collect();
    let most = places.len() as u64;
    let unnamed = last - most;
    let ghosts = unnamed.min(unknown);
    Kept {
        lost: acknowledged - most,
        lost_at_most: acknowledged - most.min(last.saturating_sub(unknown)),
        ghosts,
        unexpected: unnamed - ghosts,
    }
}
