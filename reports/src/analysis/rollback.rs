//! A counter that forgot: answers that cannot follow each other.

use std::collections::HashSet;

/// One answer of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// When it was known.
    pub completed: u64,
    /// From when the counter may have moved.
    pub invoked: u64,
    /// The value after it.
    pub value: u64,
}

/// Answers with a value that is not above one certainly given before they were asked for, or that was given already. A counter that loses nothing has none.
pub fn rolled_back(answers: &[Answer]) -> u64 {
    let (mut ends, mut begins) = (answers.to_vec(), answers.to_vec());
    ends.sort_unstable();
    // Of those asked for at the same instant the one answered first comes first, as it would without ties.
    begins.sort_unstable_by_key(|answer| (answer.invoked, answer.completed, answer.value));
    let mut seen = HashSet::with_capacity(answers.len());
    let (mut ended, mut known, mut found) = (0, 0, 0);
    for answer in begins {
        while ends.get(ended).is_some_and(|end| end.completed < answer.invoked) {
            known = known.max(ends[ended].value);
            ended += 1;
        }
        found += u64::from(answer.value <= known || !seen.insert(answer.value));
    }
    found
}
