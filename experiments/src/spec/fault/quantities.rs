//! Shares, bit rates and jumps as written in a file.

use std::fmt;
use std::str::FromStr;

use crate::spec::Duration;

/// A share of packets as written in a file: `20%`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(f64);

/// Bits per second as written in a file: `256kbit`, `10mbit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BitRate(u64);

/// A jump of a clock as written in a file: `+10s`, `-1500ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// Whether the clock goes back.
    pub back: bool,
    /// How far.
    pub by: Duration,
}

/// Why a quantity could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QuantityError(pub String);

impl Percent {
    /// As a share between 0 and 1.
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl BitRate {
    /// In bits per second.
    pub fn bits_per_second(self) -> u64 {
        self.0
    }
}

impl Offset {
    /// In nanoseconds, negative for a jump back.
    pub fn as_nanos(self) -> i64 {
        let by = i64::try_from(self.by.as_nanos()).unwrap_or(i64::MAX);
        if self.back { -by } else { by }
    }
}

impl FromStr for Percent {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let wrong = || QuantityError(format!("`{text}` is not a share; write it like `20%`, above 0 and up to 100"));
        let number = text.trim().strip_suffix('%').ok_or_else(wrong)?.trim();
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(wrong());
        }
        let value: f64 = number.parse().map_err(|_| wrong())?;
        if value > 0.0 && value <= 100.0 { Ok(Self(value)) } else { Err(wrong()) }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// Units of a bit rate, largest first.
const BITS: [(u64, &str); 3] = [(1_000_000_000, "gbit"), (1_000_000, "mbit"), (1_000, "kbit")];

impl FromStr for BitRate {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let wrong = || QuantityError(format!("`{text}` is not a bit rate; write it like `256kbit`, `10mbit` or `1gbit`"));
        let (scale, unit) = BITS.into_iter().find(|(_, unit)| text.trim().ends_with(unit)).ok_or_else(wrong)?;
        let number: u64 = text.trim().trim_end_matches(unit).trim().parse().map_err(|_| wrong())?;
        number.checked_mul(scale).filter(|bits| *bits > 0).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scale, unit) = BITS.into_iter().find(|(scale, _)| self.0.is_multiple_of(*scale)).unwrap_or(BITS[2]);
        write!(f, "{}{unit}", self.0 / scale)
    }
}

impl FromStr for Offset {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let wrong = || QuantityError(format!("`{text}` is not a jump; write a sign and a duration, like `+10s` or `-1500ms`"));
        let (back, rest) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(wrong()),
        };
        let by: Duration = rest.trim().parse().map_err(|_| wrong())?;
        if by.is_zero() { Err(wrong()) } else { Ok(Self { back, by }) }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.back { '-' } else { '+' }, self.by)
    }
}

crate::spec::text::as_string!(Percent, "Percent", "A share of packets, like `20%`.", r"^[0-9]+(\.[0-9]+)?\s*%$", "20%");
crate::spec::text::as_string!(BitRate, "BitRate", "Bits per second, like `256kbit` or `10mbit`.", r"^[0-9]+\s*(kbit|mbit|gbit)$", "10mbit");
crate::spec::text::as_string!(
    Offset,
    "Offset",
    "A sign and a duration, like `+10s` or `-1500ms`.",
    r"^[+-][0-9]+(\.[0-9]+)?\s*(us|ms|s|m|h)$",
    "+10s"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for text in ["20%", "0.5%", "100%"] {
            assert_eq!(text.parse::<Percent>().map(|share| share.to_string()).as_deref(), Ok(text));
        }
        for text in ["256kbit", "10mbit", "1gbit"] {
            assert_eq!(text.parse::<BitRate>().map(|rate| rate.to_string()).as_deref(), Ok(text));
        }
        for text in ["+10s", "-1.5s"] {
            assert_eq!(text.parse::<Offset>().map(|jump| jump.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["0%", "101%", "20", "-5%", "%", "1e1%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
        for text in ["0kbit", "10", "10mb", "mbit"] {
            assert!(text.parse::<BitRate>().is_err(), "{text}");
        }
        for text in ["10s", "+0s", "+", "--1s"] {
            assert!(text.parse::<Offset>().is_err(), "{text}");
        }
    }
}
