//! What both kinds of limiters share: names of keys, and decisions without Redis.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use redquake_experiments::spec::OnError;
use redquake_reports::history::{DecidedBy, Decision, Event, Outcome};

use super::super::behaviour::Request;

/// What the names of all keys of a limiter begin with.
pub fn prefix(workload: u16) -> String {
    format!("limit:{workload}:")
}

/// What a client does without an answer of Redis.
#[derive(Debug)]
pub struct Fallback {
    on_error: OnError,
    limit: u64,
    window: u64,
    /// The latest window of each client and subject, and its count.
    local: Mutex<HashMap<(u16, u32), (u64, u64)>>,
}

/// What Redis said, or what became of asking it.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Whether Redis executed it.
    pub ran: Outcome,
    /// Whether it was admitted, and what was counted.
    pub counted: Option<(bool, u64)>,
    /// When that was known.
    pub at: u64,
}

impl Fallback {
    pub fn new(on_error: OnError, limit: u32, window: u64) -> Self {
        Self { on_error, limit: limit.into(), window: window.max(1), local: Mutex::default() }
    }

    /// Decides about a request and records it. `began` is from when it may have been counted.
    pub fn decide(&self, turn: &Request, window: u64, began: u64, answer: Answer) {
        let (admit, by, value) = match answer.counted {
            Some((admit, value)) => (admit, DecidedBy::Redis, Some(value)),
            None => match self.on_error {
                OnError::Allow => (true, DecidedBy::Policy, None),
                OnError::Deny => (false, DecidedBy::Policy, None),
                OnError::Local => (self.count(turn, answer.at), DecidedBy::Local, None),
            },
        };
        let (w, c, id, key) = (turn.common.index, turn.client, turn.id, turn.key);
        let decision = Decision { w, c, id, key, window, at: [began, answer.at], admit, by, value, ran: answer.ran };
        turn.common.recorder.record(Event::Decision(decision));
    }

    fn count(&self, turn: &Request, now: u64) -> bool {
        let window = now / self.window;
        let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, count) = local.entry((turn.client, turn.key)).or_insert((window, 0));
        if *known != window {
            (*known, *count) = (window, 0);
        }
        *count += 1;
        *count <= self.limit
    }
}
