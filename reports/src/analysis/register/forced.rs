//! What can be known of a call's place without trying: it saves the search from trying every order of calls that were under way at once.

use std::collections::HashMap;

use super::search::{Call, Kind};

/// What the calls that have no place yet write and find, by value.
#[derive(Debug, Default)]
pub struct Values {
    of: HashMap<Option<u64>, Wanted>,
    /// Those that only say what was not found.
    refusals: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    /// Calls that write it.
    writers: usize,
    /// Calls that found it, or would have to.
    finders: usize,
    /// Those of them that were answered, and so need a place.
    answered: usize,
}

impl Values {
    /// Of calls that have no place yet.
    pub fn new(calls: &[Call]) -> Self {
        let mut values = Self::default();
        for call in calls {
            values.take(call);
        }
        values
    }

    /// The call has its place.
    pub fn put(&mut self, call: &Call) {
        self.change(call, |number| *number -= 1);
    }

    /// The call has none any more.
    pub fn take(&mut self, call: &Call) {
        self.change(call, |number| *number += 1);
    }

    fn change(&mut self, call: &Call, by: impl Fn(&mut usize)) {
        let (found, written) = match call.kind {
            Kind::Read(found) => (Some(found), None),
            Kind::Write(value) => (None, Some(value)),
            Kind::Swap(found, value) => (Some(found), Some(value)),
            Kind::NoSwap(_) => return by(&mut self.refusals),
        };
        if let Some(found) = found {
            let wanted = self.of.entry(found).or_default();
            by(&mut wanted.finders);
            if call.completed.is_some() {
                by(&mut wanted.answered);
            }
        }
        if let Some(value) = written {
            by(&mut self.of.entry(Some(value)).or_default().writers);
        }
    }

    fn wanted(&self, value: Option<u64>) -> Wanted {
        self.of.get(&value).copied().unwrap_or_default()
    }

    /// Whether a call that may come next may as well come now, so that no other needs to be tried in its place. Such are answers that change nothing; and
    /// writes of what nobody will find over what nobody will find, which say nothing wherever they are.
    pub fn costs_nothing(&self, call: &Call, state: Option<u64>) -> bool {
        match call.kind {
            Kind::Read(_) | Kind::NoSwap(_) => true,
            Kind::Swap(..) => false,
            Kind::Write(value) => self.refusals == 0 && self.wanted(Some(value)).finders == 0 && self.wanted(state).finders == 0,
        }
    }

    /// Whether what the register holds may be replaced by this call: not while somebody else still has to find it, and nobody will write it again.
    pub fn leaves_a_way(&self, call: &Call, state: Option<u64>) -> bool {
        let (replaces, finds) = match call.kind {
            Kind::Read(_) | Kind::NoSwap(_) => return true,
            Kind::Write(value) => (Some(value) != state, 0),
            Kind::Swap(found, value) => (Some(value) != state, usize::from(found == state && call.completed.is_some())),
        };
        let wanted = self.wanted(state);
        !replaces || wanted.writers > 0 || wanted.answered <= finds
    }
}
