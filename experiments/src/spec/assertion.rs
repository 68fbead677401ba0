//! What must hold: a metric with a limit.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, Rate};

/// A metric with a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// The metric, for example `failover.write_gap` or `locks.double_acquired`.
    pub metric: String,
    /// The limit: `<aggregate> <op> <value>`, for example `max < 5s`, `p(95) <= 6s`, `count == 0`.
    pub expect: Expectation,
    /// Whether a miss fails the run or is only reported.
    #[serde(default)]
    pub severity: Severity,
}

/// What a missed limit means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The run fails.
    #[default]
    Error,
    /// The miss is reported and changes no verdict.
    Warn,
}

/// `<aggregate> <op> <value>`, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// How the values of the trials become one.
    pub aggregate: Aggregate,
    /// How that one is compared.
    pub comparison: Comparison,
    /// With what.
    pub limit: Limit,
}

/// How the values of the trials become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregate {
    /// Smallest value.
    Min,
    /// Arithmetic mean.
    Mean,
    /// Middle value.
    Median,
    /// Largest value.
    Max,
    /// Sum over all trials; for counts.
    Count,
    /// Percentile by nearest rank; `p(q)` wants at least `1 / (1 - q/100)` trials.
    Percentile(f64),
}

impl Aggregate {
    /// Fewest trials it makes sense of: below 1 / (1 - q) a percentile by nearest rank is the largest value.
    pub fn trials_needed(self) -> u64 {
        match self {
            // The margin keeps 1 / (1 - 0.95) at 20 although floating point says 20.000000000000018.
            Self::Percentile(percent) => (100.0 / (100.0 - percent) - 1e-6).ceil() as u64,
            _ => 1,
        }
    }
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// The value an aggregate is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// A time, in nanoseconds (`5s`, `250ms`).
    Time(u64),
    /// A plain number or count.
    Number(f64),
    /// A share between 0 and 1, written with `%`.
    Share(f64),
    /// Events per time (`200/s`).
    Rate(Rate),
}

/// Why an expectation could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpectationError(pub String);

impl FromStr for Expectation {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, ExpectationError> {
        let wrong = |why: &str| {
            ExpectationError(format!(
                "`{text}` is not an expectation: {why}; write `<aggregate> <op> <value>`, like `max < 5s` or `count == 0`"
            ))
        };
        let op_at = text.find(['<', '>', '=', '!']).ok_or_else(|| wrong("no comparison"))?;
        let (aggregate, rest) = text.split_at(op_at);
        let op_len = rest.chars().take_while(|c| matches!(c, '<' | '>' | '=' | '!')).count();
        let (op, value) = rest.split_at(op_len);
        let comparison = match op {
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::Greater,
            ">=" => Comparison::AtLeast,
            "==" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            _ => return Err(wrong(&format!("`{op}` is not one of < <= > >= == !="))),
        };
        let aggregate = aggregate.trim().parse().map_err(|why: ExpectationError| wrong(&why.0))?;
        let limit = value.trim().parse().map_err(|why: ExpectationError| wrong(&why.0))?;
        Ok(Self { aggregate, comparison, limit })
    }
}

impl FromStr for Aggregate {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, ExpectationError> {
        Ok(match text {
            "min" => Self::Min,
            "mean" => Self::Mean,
            "median" => Self::Median,
            "max" => Self::Max,
            "count" => Self::Count,
            _ => {
                let percent = text.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')).and_then(|digits| digits.parse::<f64>().ok());
                match percent {
                    Some(percent) if percent > 0.0 && percent < 100.0 => Self::Percentile(percent),
                    Some(percent) => return Err(ExpectationError(format!("percentile {percent} is not between 0 and 100"))),
                    None => return Err(ExpectationError(format!("`{text}` is not one of min, mean, median, max, count, p(95)"))),
                }
            }
        })
    }
}

impl FromStr for Limit {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, ExpectationError> {
        let wrong = || ExpectationError(format!("`{text}` is not a number, a duration, a percentage or a rate"));
        if let Some(percent) = text.strip_suffix('%') {
            return percent.trim().parse::<f64>().map(|value| Self::Share(value / 100.0)).map_err(|_| wrong());
        }
        if let Ok(number) = text.parse::<f64>() {
            return if number.is_finite() { Ok(Self::Number(number)) } else { Err(wrong()) };
        }
        if let Ok(rate) = text.parse::<Rate>() {
            return Ok(Self::Rate(rate));
        }
        text.parse::<Duration>().map(|span| Self::Time(span.as_nanos())).map_err(|_| wrong())
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.aggregate, self.comparison, self.limit)
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Min => f.write_str("min"),
            Self::Mean => f.write_str("mean"),
            Self::Median => f.write_str("median"),
            Self::Max => f.write_str("max"),
            Self::Count => f.write_str("count"),
            Self::Percentile(q) => write!(f, "p({q})"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(nanos) => write!(f, "{}", Duration::from_nanos(*nanos)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Rate(rate) => write!(f, "{rate}"),
            Self::Share(share) => {
                // 0.07 * 100 is 7.000000000000001; the rounded figure is right where it reads back as the same share.
                let percent = share * 100.0;
                let rounded = (percent * 1e9).round() / 1e9;
                write!(f, "{}%", if rounded / 100.0 == *share { rounded } else { percent })
            }
        }
    }
}

super::text::as_string!(
    Expectation,
    "Expectation",
    "`<aggregate> <op> <value>`: aggregate min, mean, median, max, count or p(95); op < <= > >= == or !=; value a duration, a number, a percentage or a rate like `200/s`.",
    r"^\s*(min|mean|median|max|count|p\([0-9.]+\))\s*(<|<=|>|>=|==|!=)\s*\S+\s*$",
    "max < 5s"
);
