//! A lifetime that may be endless.

use std::fmt;
use std::str::FromStr;

use crate::spec::{Duration, UnitError};

/// How long something lives as written in a file: a duration, or `none` for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(Option<Duration>);

impl Lifetime {
    /// The duration; `None` for ever.
    pub const fn limit(self) -> Option<Duration> {
        self.0
    }

    /// In nanoseconds; the largest number for ever.
    pub const fn as_nanos(self) -> u64 {
        match self.0 {
            Some(limit) => limit.as_nanos(),
            None => u64::MAX,
        }
    }
}

impl From<Duration> for Lifetime {
    fn from(limit: Duration) -> Self {
        Self(Some(limit))
    }
}

impl FromStr for Lifetime {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text == "none" {
            return Ok(Self(None));
        }
        let limit = text.parse().map_err(|error: UnitError| UnitError(format!("{error}; or `none` for no expiry")))?;
        Ok(Self(Some(limit)))
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(limit) => limit.fmt(f),
            None => f.write_str("none"),
        }
    }
}

crate::spec::text::as_string!(
    Lifetime,
    "Lifetime",
    "A number and a unit, like `3s`, or `none` for no expiry.",
    r"^(none|[0-9]+(\.[0-9]+)?\s*(us|ms|s|m|h))$",
    "3s"
);
