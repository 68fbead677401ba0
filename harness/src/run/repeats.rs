//! How often trials that proved nothing are repeated.

use redquake_experiments::spec::Duration;

/// Longest trial that is repeated though nobody asked for it.
const LONGEST: Duration = Duration::from_secs(120);
/// What all repeats of an experiment may take though nobody asked for them; half of what was asked for where that is more.
const BUDGET: Duration = Duration::from_secs(300);

/// What was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeats {
    /// Nothing: what costs little is repeated.
    #[default]
    Unasked,
    /// At most so many for each experiment.
    AtMost(u32),
}

impl std::str::FromStr for Repeats {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "none" => Ok(Self::AtMost(0)),
            Ok(most @ 0..=10_000) => Ok(Self::AtMost(most)),
            _ => Err("a number up to 10000, or `none`".to_owned()),
        }
    }
}

impl Repeats {
    /// As it is typed.
    pub fn argument(self) -> String {
        match self {
            Self::Unasked => String::new(),
            Self::AtMost(0) => " --repeats none".to_owned(),
            Self::AtMost(most) => format!(" --repeats {most}"),
        }
    }

    /// Why another trial is not repeated, where `asked` trials of that length were asked for and `done` of them were repeated.
    pub fn refusal(self, asked: usize, done: usize, length: Duration) -> Option<String> {
        let (asked, done) = (asked as u64, done as u64);
        let spent = Duration::from_nanos(length.as_nanos().saturating_mul(done));
        let next = Duration::from_nanos(length.as_nanos().saturating_mul(done + 1));
        let half = Duration::from_nanos(length.as_nanos().saturating_mul(asked) / 2);
        match self {
            Self::AtMost(0) => Some("`--repeats none` was asked for".to_owned()),
            Self::AtMost(most) if done >= u64::from(most) => Some(format!("`--repeats {most}` was asked for")),
            Self::AtMost(_) => None,
            Self::Unasked if length > LONGEST => {
                Some(format!("a trial of {length}, longer than {LONGEST}, is repeated only when asked for with `--repeats 1`"))
            }
            Self::Unasked if done >= asked => Some("as many were repeated as were asked for; `--repeats` allows more".to_owned()),
            Self::Unasked if next > BUDGET.max(half) => Some(format!("repeats took {spent} already; `--repeats` allows more")),
            Self::Unasked => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(repeats: Repeats, asked: usize, seconds: u64) -> usize {
        (0..).find(|done| repeats.refusal(asked, *done, Duration::from_secs(seconds)).is_some()).expect("it ends")
    }

    #[test]
    fn short_trials_are_repeated_as_often_as_they_were_asked_for() {
        assert_eq!(granted(Repeats::Unasked, 5, 12), 5);
        assert_eq!(granted(Repeats::Unasked, 1, 120), 1);
    }

    #[test]
    fn repeats_nobody_asked_for_take_five_minutes_or_half_of_the_whole() {
        assert_eq!(granted(Repeats::Unasked, 5, 100), 3, "300 s, more than half of 500 s");
        assert_eq!(granted(Repeats::Unasked, 100, 60), 50, "half of 6000 s");
    }

    #[test]
    fn a_long_trial_is_repeated_only_when_that_was_asked_for() {
        assert_eq!(granted(Repeats::Unasked, 5, 600), 0);
        let why = Repeats::Unasked.refusal(1, 0, Duration::from_secs(600)).expect("refused");
        assert_eq!(why, "a trial of 10m, longer than 2m, is repeated only when asked for with `--repeats 1`");
        assert_eq!(granted(Repeats::AtMost(2), 5, 600), 2);
        assert_eq!(granted(Repeats::AtMost(0), 5, 1), 0);
    }

    #[test]
    fn repeats_are_a_number_or_none() {
        assert_eq!("none".parse(), Ok(Repeats::AtMost(0)));
        assert_eq!("3".parse(), Ok(Repeats::AtMost(3)));
        assert!("many".parse::<Repeats>().is_err());
        assert_eq!(Repeats::AtMost(3).argument(), " --repeats 3");
    }
}
