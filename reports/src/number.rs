//! Numbers as people read them. Every report formats through here, so that one value looks the same everywhere.

use crate::result::{MetricUnit, Sample};

/// A span of nanoseconds with about three significant digits: `850 ns`, `12.4 µs`, `340 ms`, `2.21 s`, `2 min 05 s`.
pub fn duration(nanos: f64) -> String {
    if !nanos.is_finite() {
        return "unknown".to_owned();
    }
    let sign = if nanos < 0.0 { "-" } else { "" };
    let nanos = nanos.abs();
    let text = match nanos {
        0.0 => "0 s".to_owned(),
        n if n < 999.5 => format!("{n:.0} ns"),
        n if n < 999_500.0 => format!("{} µs", three_digits(n / 1e3)),
        n if n < 999_500_000.0 => format!("{} ms", three_digits(n / 1e6)),
        n if n < 119.95e9 => format!("{} s", seconds(n / 1e9)),
        n => {
            let whole = (n / 1e9).round() as u64;
            match whole / 3_600 {
                0 => format!("{} min {:02} s", whole / 60, whole % 60),
                hours => format!("{hours} h {:02} min", whole % 3_600 / 60),
            }
        }
    };
    format!("{sign}{text}")
}

/// A point in time relative to the zero of the schedule: `T+4.000 s`, `T-0.512 s`.
pub fn instant(at: u64, zero: u64) -> String {
    let sign = if at >= zero { '+' } else { '-' };
    format!("T{sign}{:.3} s", at.abs_diff(zero) as f64 / 1e9)
}

/// A whole number with its thousands apart: `12,345`.
pub fn count(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    if value.fract() != 0.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0.0 {
        text.push('-');
    }
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Events per second: `198/s`, `2,150/s`.
pub fn rate(per_second: f64) -> String {
    let digits = if per_second.abs() < 10.0 { format!("{per_second:.1}") } else { count(per_second.round()) };
    format!("{digits}/s")
}

/// A share of one as a percentage: `12.5 %`.
pub fn share(value: f64) -> String {
    let percent = value * 100.0;
    let digits = if percent != 0.0 && percent.abs() < 0.1 { 3 } else { 1 };
    let text = format!("{percent:.digits$}");
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// Bytes in binary units: `15.6 GiB`.
pub fn bytes(value: u64) -> String {
    match value {
        v if v >= 1 << 30 => format!("{:.1} GiB", v as f64 / f64::from(1 << 30)),
        v if v >= 1 << 20 => format!("{:.0} MiB", v as f64 / f64::from(1 << 20)),
        v if v >= 1 << 10 => format!("{:.0} KiB", v as f64 / f64::from(1 << 10)),
        v => format!("{v} B"),
    }
}

/// A plain value in a metric's unit.
pub fn value(unit: MetricUnit, number: f64) -> String {
    match unit {
        MetricUnit::Ns => duration(number),
        MetricUnit::Count => count(number),
        MetricUnit::Share => share(number),
        MetricUnit::Rate => rate(number),
    }
}

/// A sample in its unit; a lower bound is written `≥ 8.10 s`.
pub fn sample(unit: MetricUnit, sample: Sample) -> String {
    match sample {
        Sample::Exact(number) => value(unit, number),
        Sample::AtLeast(number) => format!("≥ {}", value(unit, number)),
    }
}

/// `1 trial`, `5 trials`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number as f64), if number == 1 { one } else { many })
}

fn three_digits(number: f64) -> String {
    let digits = match number {
        n if n < 9.995 => 2,
        n if n < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Seconds keep two decimals below ten, so that values under each other line up.
fn seconds(number: f64) -> String {
    if number < 9.995 { format!("{number:.2}") } else { format!("{number:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_digits_and_change_unit_where_people_do() {
        let cases = [
            (0.0, "0 s"),
            (850.0, "850 ns"),
            (999.6, "1 µs"),
            (12_400.0, "12.4 µs"),
            (1_500_000.0, "1.5 ms"),
            (340e6, "340 ms"),
            (999.6e6, "1.00 s"),
            (2.214e9, "2.21 s"),
            (9.999e9, "10.0 s"),
            (31.34e9, "31.3 s"),
            (125e9, "2 min 05 s"),
            (3_720e9, "1 h 02 min"),
            (-12e6, "-12 ms"),
            (f64::NAN, "unknown"),
        ];
        for (nanos, text) in cases {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn instants_count_from_the_zero_of_the_schedule() {
        assert_eq!(instant(9_000_000_000, 5_000_000_000), "T+4.000 s");
        assert_eq!(instant(4_488_000_000, 5_000_000_000), "T-0.512 s");
    }

    #[test]
    fn counts_rates_shares_and_bounds_read_like_prose() {
        assert_eq!(count(12_345.0), "12,345");
        assert_eq!(count(999.0), "999");
        assert_eq!(count(-1_000.0), "-1,000");
        assert_eq!(rate(2_150.4), "2,150/s");
        assert_eq!(rate(0.25), "0.2/s");
        assert_eq!(share(0.125), "12.5 %");
        assert_eq!(share(1.0), "100 %");
        assert_eq!(share(0.000_5), "0.050 %");
        assert_eq!(bytes(16_750_000_000), "15.6 GiB");
        assert_eq!(sample(MetricUnit::Ns, Sample::AtLeast(8.1e9)), "≥ 8.10 s");
        assert_eq!(plural(1, "trial", "trials"), "1 trial");
    }
}
