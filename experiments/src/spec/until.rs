//! How sure a run is to become: `failover.write_gap median ±5%`.

use std::fmt;
use std::str::FromStr;

/// A wanted precision: the 95 % interval of a metric's median lies within this share of the median, to either side.
#[derive(Debug, Clone, PartialEq)]
pub struct Until {
    /// The metric.
    pub metric: String,
    /// The share, between 0 and 1.
    pub within: f64,
}

/// Why a wanted precision could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a precision; write `<metric> median ±<percent>`, like `failover.write_gap median ±5%` (`+-5%` means the same)")]
pub struct UntilError(String);

impl FromStr for Until {
    type Err = UntilError;

    fn from_str(text: &str) -> Result<Self, UntilError> {
        let wrong = || UntilError(text.to_owned());
        let words: Vec<&str> = text.split_whitespace().collect();
        let [metric, "median", share] = words.as_slice() else { return Err(wrong()) };
        let share = share.strip_prefix('±').or_else(|| share.strip_prefix("+-")).or_else(|| share.strip_prefix("+/-")).ok_or_else(wrong)?;
        let percent: f64 = share.strip_suffix('%').and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
        if !(percent > 0.0 && percent < 100.0 && metric.contains('.')) {
            return Err(wrong());
        }
        Ok(Self { metric: (*metric).to_owned(), within: percent / 100.0 })
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} median ±{}%", self.metric, (self.within * 1e6).round() / 1e4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precision_reads_back_as_itself_in_every_spelling() {
        let until: Until = "failover.write_gap median ±5%".parse().unwrap();
        assert_eq!(until, Until { metric: "failover.write_gap".to_owned(), within: 0.05 });
        for text in ["failover.write_gap  median +-5%", "failover.write_gap median +/-5%", &until.to_string()] {
            assert_eq!(text.parse::<Until>().as_ref(), Ok(&until));
        }
        assert_eq!("a.b median ±2.5%".parse::<Until>().unwrap().to_string(), "a.b median ±2.5%");
    }

    #[test]
    fn what_is_no_precision_is_told_with_an_example() {
        for text in [
            "",
            "median ±5%",
            "a.b median",
            "a.b max ±5%",
            "a.b median 5%",
            "a.b median ±5",
            "a.b median ±0%",
            "a.b median ±100%",
            "ab median ±5%",
        ] {
            let error = text.parse::<Until>().unwrap_err().to_string();
            assert!(error.contains("failover.write_gap median ±5%"), "{error}");
        }
    }
}
