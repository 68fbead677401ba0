//! Numbers in the sentences of the analysis; how they look is decided in one place for all reports.

pub use crate::number::{instant, sample as sample_text, value as value_text};

/// A length of time: `2.21 s`, `312 ms`.
pub fn span(nanos: u64) -> String {
    crate::number::duration(nanos as f64)
}

/// `4,120`.
pub fn number_text(number: u64) -> String {
    crate::number::count(number as f64)
}

/// `1 pair`, `2 pairs`.
pub fn count(number: u64, one: &str) -> String {
    crate::number::plural(number, one, &format!("{one}s"))
}
