//! Which answer it was that no order explains.

use super::search::{Call, Verdict, check};

/// The call whose answer was the first that left no legal order: with what was answered up to it there is none, with what was answered before it there is.
/// `None` where the budget does not suffice to tell, or there is a legal order.
pub fn culprit(calls: &[Call], budget: u64) -> Option<usize> {
    let mut answered: Vec<usize> = (0..calls.len()).filter(|index| calls[*index].completed.is_some()).collect();
    answered.sort_by_key(|index| (calls[*index].completed, calls[*index].invoked, *index));
    // Every beginning of a history that has a legal order has one.
    let (mut sound, mut broken) = (0, answered.len());
    if check(calls, budget) != Verdict::Broken {
        return None;
    }
    while broken - sound > 1 {
        let middle = sound + (broken - sound) / 2;
        match check(&beginning(calls, &answered[..middle]), budget) {
            Verdict::Linearizable => sound = middle,
            Verdict::Broken => broken = middle,
            Verdict::Inconclusive => return None,
        }
    }
    answered.get(broken - 1).copied()
}

/// The history as it was when the last of these calls was answered: others that had begun have no answer yet.
fn beginning(calls: &[Call], answered: &[usize]) -> Vec<Call> {
    let Some(end) = answered.last().and_then(|last| calls[*last].completed) else { return Vec::new() };
    let known: std::collections::HashSet<usize> = answered.iter().copied().collect();
    let begun = calls.iter().enumerate().filter(|(index, call)| known.contains(index) || call.invoked <= end);
    begun.map(|(index, call)| if known.contains(&index) { *call } else { Call { completed: None, ..*call } }).collect()
}
