//! How many trials go on at once.

use crate::context::MachineLoad;

/// Share of the watched time by which the tool's own loops may be late, all together. What a single late wake-up spoils is for the
/// analysis to say: most of them fall where nothing is decided, and start-ups of other trials cause one now and then.
const LATE: f64 = 0.02;
/// Share of probe writes that may be slow.
const SLOW: f64 = 0.01;
/// What `auto` may reach for each processor.
const MOST_PER_CPU: usize = 4;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    /// That many.
    Fixed(usize),
    /// As many as do not disturb each other on this machine.
    Auto,
}

impl std::str::FromStr for Jobs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "auto" => Ok(Self::Auto),
            Ok(jobs @ 1..=256) => Ok(Self::Fixed(jobs)),
            _ => Err("a number from 1 to 256, or `auto`".to_owned()),
        }
    }
}

/// When a trial began, counted in times that the limit was lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch(u32);

/// The present limit, steered by what finished trials tell: down by a third after a strained one, up by one after half as many calm
/// ones as go on at once.
///
/// A trial that began before the limit was last lowered tells nothing of the present one: trials that suffered side by side count once.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    limit: usize,
    most: usize,
    auto: bool,
    era: Epoch,
    calm: usize,
}

impl ConcurrencyLimit {
    /// The limit to begin with on a machine with that many processors.
    pub fn new(jobs: Jobs, cpus: usize) -> Self {
        let (limit, most, auto) = match jobs {
            Jobs::Fixed(limit) => (limit, limit, false),
            Jobs::Auto => (cpus.max(1), cpus.max(1) * MOST_PER_CPU, true),
        };
        Self { limit, most, auto, era: Epoch(0), calm: 0 }
    }

    /// Trials that may go on at once.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// To be remembered with a trial that begins.
    pub fn now(&self) -> Epoch {
        self.era
    }

    /// Takes in what a finished trial tells. `disturbed`: it could not be used for that reason.
    pub fn learn(&mut self, began: Epoch, load: MachineLoad, disturbed: bool) {
        // One that watched nothing, because its servers never were there, tells nothing.
        if !self.auto || began != self.era || load.watched == 0 {
            return;
        }
        let late = load.late as f64 > LATE * load.watched as f64;
        let slow = load.slow as f64 > SLOW * load.pings as f64;
        if disturbed || late || slow {
            self.limit = (self.limit * 2 / 3).max(1);
            self.era.0 += 1;
            self.calm = 0;
            return;
        }
        self.calm += 1;
        if self.calm * 2 >= self.limit {
            self.limit = (self.limit + 1).min(self.most);
            self.calm = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: MachineLoad = MachineLoad { late: 20_000_000, watched: 4_000_000_000, pings: 5_000, slow: 3 };

    #[test]
    fn auto_backs_off_when_its_own_loops_are_late_or_pings_are_slow_and_comes_back() {
        let mut limit = ConcurrencyLimit::new(Jobs::Auto, 4);
        assert_eq!(limit.limit(), 4);
        limit.learn(limit.now(), MachineLoad { late: 90_000_000, ..CALM }, false);
        assert_eq!(limit.limit(), 2);
        limit.learn(limit.now(), MachineLoad { slow: 500, ..CALM }, false);
        limit.learn(limit.now(), CALM, true);
        assert_eq!(limit.limit(), 1, "never below one");
        for _ in 0..200 {
            limit.learn(limit.now(), CALM, false);
        }
        assert_eq!(limit.limit(), 16, "never above four for each processor");
    }

    #[test]
    fn trials_that_suffered_side_by_side_count_once() {
        let mut limit = ConcurrencyLimit::new(Jobs::Auto, 4);
        let began = limit.now();
        for _ in 0..4 {
            limit.learn(began, CALM, true);
        }
        assert_eq!(limit.limit(), 2);
        limit.learn(began, CALM, false);
        assert_eq!(limit.limit(), 2, "nor does a calm one of the time before raise it");
    }

    #[test]
    fn a_trial_without_servers_tells_nothing() {
        let mut limit = ConcurrencyLimit::new(Jobs::Auto, 4);
        for _ in 0..100 {
            limit.learn(limit.now(), MachineLoad::default(), false);
        }
        assert_eq!(limit.limit(), 4);
    }

    #[test]
    fn a_fixed_number_stays_whatever_happens() {
        let mut limit = ConcurrencyLimit::new(Jobs::Fixed(3), 4);
        limit.learn(limit.now(), CALM, true);
        assert_eq!(limit.limit(), 3);
    }

    #[test]
    fn jobs_are_a_number_or_auto() {
        assert_eq!("auto".parse(), Ok(Jobs::Auto));
        assert_eq!("8".parse(), Ok(Jobs::Fixed(8)));
        assert!("0".parse::<Jobs>().is_err());
        assert!("many".parse::<Jobs>().is_err());
    }
}
