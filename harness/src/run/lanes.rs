//! How many trials go on at once.

use crate::trial::Strain;

/// Lateness of the tool's own loops beyond which parallel trials disturb each other, ns. Trials become inconclusive at the double of it.
const LATE: u64 = 10_000_000;
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

/// The present limit, steered by what finished trials tell: up by one after a calm trial, down by a third after a strained one.
#[derive(Debug)]
pub struct Lanes {
    limit: usize,
    most: usize,
    auto: bool,
}

impl Lanes {
    /// The limit to begin with on a machine with that many processors.
    pub fn new(jobs: Jobs, cpus: usize) -> Self {
        match jobs {
            Jobs::Fixed(limit) => Self { limit, most: limit, auto: false },
            Jobs::Auto => Self { limit: cpus.max(1), most: cpus.max(1) * MOST_PER_CPU, auto: true },
        }
    }

    /// Trials that may go on at once.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Takes in what a finished trial tells. `disturbed`: it could not be used for that reason.
    pub fn learn(&mut self, strain: Strain, disturbed: bool) {
        if !self.auto {
            return;
        }
        let slow = strain.slow as f64 > SLOW * strain.pings as f64;
        self.limit = if disturbed || strain.late > LATE || slow { (self.limit * 2 / 3).max(1) } else { (self.limit + 1).min(self.most) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Strain = Strain { late: 2_000_000, pings: 5_000, slow: 3 };

    #[test]
    fn auto_backs_off_when_its_own_loops_are_late_or_pings_are_slow_and_comes_back() {
        let mut lanes = Lanes::new(Jobs::Auto, 4);
        assert_eq!(lanes.limit(), 4);
        lanes.learn(Strain { late: 30_000_000, ..CALM }, false);
        assert_eq!(lanes.limit(), 2);
        lanes.learn(Strain { slow: 500, ..CALM }, false);
        lanes.learn(CALM, true);
        assert_eq!(lanes.limit(), 1, "never below one");
        for _ in 0..100 {
            lanes.learn(CALM, false);
        }
        assert_eq!(lanes.limit(), 16, "never above four for each processor");
    }

    #[test]
    fn a_fixed_number_stays_whatever_happens() {
        let mut lanes = Lanes::new(Jobs::Fixed(3), 4);
        lanes.learn(CALM, true);
        assert_eq!(lanes.limit(), 3);
    }

    #[test]
    fn jobs_are_a_number_or_auto() {
        assert_eq!("auto".parse(), Ok(Jobs::Auto));
        assert_eq!("8".parse(), Ok(Jobs::Fixed(8)));
        assert!("0".parse::<Jobs>().is_err());
        assert!("many".parse::<Jobs>().is_err());
    }
}
