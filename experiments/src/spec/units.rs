//! Durations (`250ms`, `5s`, `2m`) and rates (`200/s`).

use std::fmt;
use std::ops::Add;
use std::str::FromStr;
use std::time::Duration;

/// A length of time as written in a file: a number and one of `us`, `ms`, `s`, `m`, `h`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

/// Events per second as written in a file: `200/s`, `30/m`, `50k/s`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

/// Why a duration or a rate could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(pub String);

impl Span {
    /// A span of that many nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of that many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
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
    pub const fn to_std(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl Add for Span {
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

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError(format!("`{text}` is not a duration; write a number and a unit, like `250ms`, `5s` or `2m`"));
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, unit) = text.split_at(split);
        let scale = match unit.trim_start() {
            "us" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3_600e9,
            _ => return Err(wrong()),
        };
        let value: f64 = number.parse().map_err(|_| wrong())?;
        let nanos = (value * scale).round();
        if nanos > 1e18 {
            return Err(UnitError(format!("`{text}` is longer than this tool can schedule")));
        }
        Ok(Self(nanos as u64))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 5] =
            [(3_600_000_000_000, "h"), (60_000_000_000, "m"), (1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
        for (scale, unit) in UNITS {
            if self.0 >= scale && self.0.is_multiple_of(scale) {
                return write!(f, "{}{unit}", self.0 / scale);
            }
        }
        write!(f, "{}us", self.0 as f64 / 1e3)
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError(format!("`{text}` is not a rate; write events per time, like `200/s`, `2k/s` or `30/m`"));
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let (digits, factor) = match number.trim().strip_suffix('k') {
            Some(digits) => (digits, 1_000.0),
            None => (number.trim(), 1.0),
        };
        let per = match unit.trim() {
            "s" => 1.0,
            "m" => 60.0,
            _ => return Err(wrong()),
        };
        let value: f64 = digits.parse().map_err(|_| wrong())?;
        if !value.is_finite() || value <= 0.0 {
            return Err(UnitError(format!("`{text}` must be greater than zero")));
        }
        Ok(Self(value * factor / per))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

super::text::as_string!(
    Span,
    "Duration",
    "A number and a unit: `us`, `ms`, `s`, `m` or `h`, like `250ms` or `5s`.",
    r"^[0-9]+(\.[0-9]+)?\s*(us|ms|s|m|h)$"
);
super::text::as_string!(Rate, "Rate", "Events per time, like `200/s`, `2k/s` or `30/m`.", r"^[0-9]+(\.[0-9]+)?k?\s*/\s*(s|m)$");
