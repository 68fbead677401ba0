//! A circuit breaker: after so many failures in a row nobody asks for a while; then one tries.

use std::sync::{Mutex, PoisonError};

use redquake_experiments::spec;

/// One breaker in front of a database.
pub struct Breaker {
    rules: Option<spec::Breaker>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    /// Until when nobody asks; 0 while closed.
    open_until: u64,
}

impl Breaker {
    /// `None` never opens.
    pub fn new(rules: Option<spec::Breaker>) -> Self {
        Self { rules, state: Mutex::default() }
    }

    /// Whether one may ask now.
    pub fn allows(&self, now: u64) -> bool {
        let Some(rules) = self.rules else { return true };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.open_until == 0 {
            return true;
        }
        let tries = now >= state.open_until;
        if tries {
            // Whoever comes next waits for this one, or as long again.
            state.open_until = now + rules.lasts.as_nanos();
        }
        tries
    }

    /// Takes in how asking went.
    pub fn learn(&self, now: u64, answered: bool) {
        let Some(rules) = self.rules else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= rules.failures {
            state.open_until = now + rules.lasts.as_nanos();
        }
    }
}

#[cfg(test)]
mod tests {
    use redquake_experiments::spec::Duration;

    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_one_try_decides() {
        let breaker = Breaker::new(Some(spec::Breaker { failures: 2, lasts: Duration::from_nanos(100) }));
        breaker.learn(1, false);
        breaker.learn(2, true);
        breaker.learn(3, false);
        assert!(breaker.allows(4), "not in a row");
        breaker.learn(5, false);
        assert!(!breaker.allows(6));
        assert!(breaker.allows(105), "one tries");
        assert!(!breaker.allows(106), "and the others wait for it");
        breaker.learn(110, false);
        assert!(!breaker.allows(209));
        assert!(breaker.allows(210));
        breaker.learn(215, true);
        assert!(breaker.allows(216) && breaker.allows(217), "closed");
        let never = Breaker::new(None);
        (0..100).for_each(|at| never.learn(at, false));
        assert!(never.allows(100));
    }
}
