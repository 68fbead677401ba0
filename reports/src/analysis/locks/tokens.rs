//! Fencing tokens that are no higher than ones handed out before. A counter that is lost with the locks it counts goes back like this, and what it
//! hands out then fences nobody out.

use crate::analysis::hash::Map;

/// A fencing token, and when it was asked for and handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// What the tokens count.
    pub key: u32,
    /// Identity of the hold.
    pub id: u64,
    /// When it was asked for and handed out.
    pub at: [u64; 2],
    /// The token.
    pub token: u64,
}

/// A token that is not above one handed out before it was asked for, or that was handed out to another too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Regression {
    /// The one that is wrong.
    pub later: Grant,
    /// One it should have been above, or the first that had the same.
    pub earlier: Grant,
}

/// Every grant whose token is not above all that were certainly handed out before it was asked for, or which an earlier one had; each told once,
/// in the order of their handing out.
pub fn regressions(grants: &[Grant]) -> Vec<Regression> {
    let mut by_end = grants.to_vec();
    by_end.sort_unstable_by_key(|grant| (grant.key, grant.at[1], grant.id));
    let mut by_begin = grants.to_vec();
    by_begin.sort_unstable_by_key(|grant| (grant.key, grant.at[0], grant.id));

    let mut found: Map<u64, Regression> = Map::default();
    // Asked in the order of invocations: the highest token of those that had been handed out by then.
    let mut ended = by_end.iter().peekable();
    // The two highest, because one that took no time at all had been handed out when it was asked for, and is no witness against itself.
    let mut highest: [Option<Grant>; 2] = [None; 2];
    for grant in &by_begin {
        highest = highest.map(|known| known.filter(|known| known.key == grant.key));
        while let Some(other) = ended.next_if(|other| (other.key, other.at[1]) <= (grant.key, grant.at[0])) {
            let above = |known: Option<Grant>| known.is_none_or(|known| known.token < other.token);
            if other.key != grant.key {
                continue;
            }
            if above(highest[0]) {
                highest = [Some(*other), highest[0]];
            } else if above(highest[1]) {
                highest[1] = Some(*other);
            }
        }
        let witness = highest.into_iter().flatten().find(|known| known.id != grant.id);
        if let Some(earlier) = witness.filter(|known| grant.token <= known.token) {
            found.insert(grant.id, Regression { later: *grant, earlier });
        }
    }
    let mut first: Map<(u32, u64), Grant> = Map::default();
    for grant in &by_end {
        match first.get(&(grant.key, grant.token)) {
            Some(earlier) => {
                found.entry(grant.id).or_insert(Regression { later: *grant, earlier: *earlier });
            }
            None => {
                first.insert((grant.key, grant.token), *grant);
            }
        }
    }
    let mut found: Vec<Regression> = found.into_values().collect();
    found.sort_unstable_by_key(|one| (one.later.at[1], one.later.key, one.later.id));
    found
}
