//! What the locks guard: one value a lock, in the tool's memory, so that no fault reaches it. It knows how often it was written and the newest
//! fencing token it has seen; who wrote over whom is for the analysis to say.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use redquake_experiments::spec::Fencing;

use crate::context::Clock;

/// The guarded values of a workload.
pub struct Resource {
    rule: Fencing,
    values: Mutex<HashMap<u32, Value>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Value {
    /// How often it was written.
    version: u64,
    /// The newest fencing token it was shown.
    newest: u64,
}

/// What a holder met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: u64,
    /// How often the value had been written by then.
    pub version: u64,
    /// Whether the holder was sent away because of its token.
    pub refused: bool,
}

impl Resource {
    /// Values nobody has written yet.
    pub fn new(rule: Fencing) -> Self {
        Self { rule, values: Mutex::default() }
    }

    /// A holder comes and reads.
    pub fn read(&self, clock: &Clock, key: u32, token: Option<u64>) -> Seen {
        self.with(clock, key, |value| {
            let refused = match (token, self.rule) {
                (Some(token), Fencing::RefuseOlder) => token < value.newest,
                (Some(token), Fencing::RefuseRepeated) => token <= value.newest,
                (_, Fencing::None) | (None, _) => false,
            };
            value.newest = value.newest.max(token.unwrap_or_default());
            refused
        })
    }

    /// A holder writes what it made of what it read.
    pub fn write(&self, clock: &Clock, key: u32, token: Option<u64>) -> Seen {
        self.with(clock, key, |value| {
            let refused = self.rule != Fencing::None && token.is_some_and(|token| token < value.newest);
            value.version += u64::from(!refused);
            refused
        })
    }

    /// The instant is taken while nobody else is at the value, so that instants are in the order of what happened.
    fn with(&self, clock: &Clock, key: u32, visit: impl FnOnce(&mut Value) -> bool) -> Seen {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values.entry(key).or_default();
        let (at, version) = (clock.now(), value.version);
        Seen { at, version, refused: visit(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether holders with these tokens may read, one after the other.
    fn admitted(rule: Fencing, tokens: &[u64]) -> Vec<bool> {
        let (resource, clock) = (Resource::new(rule), Clock::start());
        tokens.iter().map(|token| !resource.read(&clock, 0, Some(*token)).refused).collect()
    }

    #[test]
    fn old_tokens_are_refused_and_repeated_ones_where_that_is_asked_for() {
        assert_eq!(admitted(Fencing::RefuseOlder, &[1, 3, 2, 3, 4]), [true, true, false, true, true]);
        assert_eq!(admitted(Fencing::RefuseRepeated, &[1, 3, 2, 3, 4]), [true, true, false, false, true]);
        assert_eq!(admitted(Fencing::None, &[3, 1]), [true, true]);
    }

    #[test]
    fn who_was_overtaken_by_a_newer_token_may_not_write_any_more() {
        let (resource, clock) = (Resource::new(Fencing::RefuseOlder), Clock::start());
        resource.read(&clock, 0, Some(1));
        resource.read(&clock, 0, Some(2));
        assert!(resource.write(&clock, 0, Some(1)).refused);
        let written = resource.write(&clock, 0, Some(2));
        assert_eq!((written.refused, written.version), (false, 0), "the refused write wrote nothing");
        assert_eq!(resource.read(&clock, 0, Some(3)).version, 1);
        assert_eq!(resource.read(&clock, 1, Some(1)).version, 0, "every lock guards a value of its own");
    }
}
