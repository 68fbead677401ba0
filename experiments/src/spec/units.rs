//! Durations (`250ms`, `5s`, `2m`) and rates (`200/s`).

use std::fmt;
use std::ops::Add;
use std::str::FromStr;

/// Units of a duration with their length in nanoseconds, longest first.
const UNITS: [(u64, &str); 5] = [(3_600_000_000_000, "h"), (60_000_000_000, "m"), (1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];

/// About 31 years; far beyond any experiment and far from overflow when two are added.
const LONGEST: u128 = 1_000_000_000_000_000_000;

/// A length of time as written in a file: a number and one of `us`, `ms`, `s`, `m`, `h`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

/// Events per second as written in a file: `200/s`, `30/m`, `50k/s`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

/// Why a duration or a rate could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(pub String);

impl Duration {
    /// A duration of that many nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A duration of that many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A duration of that many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// In nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// In milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// As the standard library's type.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0)
    }

    /// True for `0s`.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add for Duration {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Rate {
    /// A rate of that many events per second.
    pub const fn per_second(value: f64) -> Self {
        Self(value)
    }

    /// Events per second.
    pub const fn as_per_second(self) -> f64 {
        self.0
    }
}

impl FromStr for Duration {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError(format!("`{text}` is not a duration; write a number and a unit, like `250ms`, `5s` or `2m`"));
        let long = || UnitError(format!("`{text}` is longer than this tool can schedule"));
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, unit) = text.split_at(split);
        let unit = unit.trim_start();
        let (scale, _) = UNITS.into_iter().find(|(_, name)| *name == unit).ok_or_else(wrong)?;
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return Err(wrong()),
            Some((whole, fraction)) => (whole, fraction),
            None => (number, ""),
        };
        if whole.is_empty() || fraction.contains('.') {
            return Err(wrong());
        }
        // Whole numbers throughout, so that what is printed reads back as the very same duration.
        if whole.trim_start_matches('0').len() > 18 {
            return Err(long());
        }
        let whole: u128 = whole.parse().map_err(|_| wrong())?;
        let digits = &fraction[..fraction.len().min(18)];
        let part: u128 = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| wrong())? };
        let base = 10_u128.pow(digits.len() as u32);
        let nanos = whole * u128::from(scale) + (part * u128::from(scale) + base / 2) / base;
        if nanos > LONGEST {
            return Err(long());
        }
        u64::try_from(nanos).map(Self).map_err(|_| long())
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [hours, minutes, below @ ..] = UNITS;
        if let Some((scale, unit)) = [hours, minutes].into_iter().find(|(scale, _)| self.0 > 0 && self.0.is_multiple_of(*scale)) {
            return write!(f, "{}{unit}", self.0 / scale);
        }
        // A decimal fraction is exact below minutes, so what is printed reads back as the very same duration.
        let (scale, unit) = match below.into_iter().find(|(scale, _)| self.0 >= *scale) {
            Some(found) => found,
            None if self.0 == 0 => (1_000_000_000, "s"),
            None => (1_000, "us"),
        };
        let digits = scale.ilog10() as usize;
        let fraction = format!("{:0digits$}", self.0 % scale);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{}{unit}", self.0 / scale),
            fraction => write!(f, "{}.{fraction}{unit}", self.0 / scale),
        }
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError(format!("`{text}` is not a rate; write events per time, like `200/s`, `2k/s` or `30/m`"));
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let (digits, factor) = match number.trim_end().strip_suffix('k') {
            Some(digits) => (digits, 1_000.0),
            None => (number.trim_end(), 1.0),
        };
        let per = match unit.trim() {
            "s" => 1.0,
            "m" => 60.0,
            _ => return Err(wrong()),
        };
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits.splitn(2, '.').all(plain) {
            return Err(wrong());
        }
        let value: f64 = digits.parse().map_err(|_| wrong())?;
        let value = value * factor / per;
        if !value.is_finite() || value <= 0.0 {
            return Err(UnitError(format!("`{text}` must be greater than zero")));
        }
        Ok(Self(value))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

super::text::as_string!(
    Duration,
    "Duration",
    "A number and a unit: `us`, `ms`, `s`, `m` or `h`, like `250ms` or `5s`.",
    r"^[0-9]+(\.[0-9]+)?\s*(us|ms|s|m|h)$",
    "5s"
);
super::text::as_string!(Rate, "Rate", "Events per time, like `200/s`, `2k/s` or `30/m`.", r"^[0-9]+(\.[0-9]+)?k?\s*/\s*(s|m)$", "200/s");
