//! Times as people read them, in sentences of the analysis.

/// A point in time relative to the zero of the schedule: `T+4.000 s`.
pub fn instant(at: u64, zero: u64) -> String {
    let sign = if at >= zero { '+' } else { '-' };
    format!("T{sign}{:.3} s", at.abs_diff(zero) as f64 / 1e9)
}

/// A length of time with three digits: `2.21 s`, `312 ms`, `45.0 us`.
pub fn span(nanos: u64) -> String {
    let (value, unit) = match nanos {
        0..1_000 => return format!("{nanos} ns"),
        1_000..1_000_000 => (nanos as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => (nanos as f64 / 1e6, "ms"),
        _ => (nanos as f64 / 1e9, "s"),
    };
    let digits = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}")
}

/// `1 pair`, `2 pairs`.
pub fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::{count, instant, span};

    #[test]
    fn times_have_three_digits_and_a_unit() {
        assert_eq!(span(12), "12 ns");
        assert_eq!(span(1_500), "1.50 us");
        assert_eq!(span(312_000_000), "312 ms");
        assert_eq!(span(2_214_000_000), "2.21 s");
        assert_eq!(span(31_300_000_000), "31.3 s");
    }

    #[test]
    fn instants_count_from_the_zero_of_the_schedule() {
        assert_eq!(instant(3_250_000_000, 2_000_000_000), "T+1.250 s");
        assert_eq!(instant(1_000_000_000, 2_000_000_000), "T-1.000 s");
    }

    #[test]
    fn one_is_not_a_plural() {
        assert_eq!(count(1, "pair"), "1 pair");
        assert_eq!(count(3, "pair"), "3 pairs");
    }
}
