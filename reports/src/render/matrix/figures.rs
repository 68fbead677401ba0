//! One metric of one cell, and one cell against the first, in words.

use redquake_experiments::spec::metrics::{CLUSTER_METRICS, SHARD};

use crate::render::{facts, number, phase};
use crate::result::{Difference, MatrixCell, MatrixDocument, MetricSummary, MetricUnit, Middle, OpenInterval, Prediction, Sample};

/// A metric of a cell.
pub struct Figure {
    /// The value that stands for it: the median, or the sum of a count.
    pub value: String,
    /// How sure it is, and of how many trials.
    pub sure: String,
    /// What the configuration predicts; empty where there is no formula.
    pub predicted: String,
    /// `bad` where an assertion on it does not hold, `warn` where a warning does not, else empty.
    pub tone: &'static str,
}

/// A metric of a cell; dashes where it has none.
pub fn figure(cell: &MatrixCell, name: &str) -> Figure {
    let Some(metric) = cell.metrics.get(name) else {
        let sure = if cell.lacks.iter().any(|lacked| lacked == name) { lacking(name) } else { "not measured" };
        return Figure { value: "–".to_owned(), sure: sure.to_owned(), predicted: String::new(), tone: "" };
    };
    let (value, mut sure) = match metric.unit {
        MetricUnit::Count => counted(metric),
        _ => (number::sample(metric.unit, metric.median), measured(metric)),
    };
    if let Some(told) = &metric.phase {
        sure = format!("{sure}; by phase {}", phase::range(metric, told));
    }
    Figure { value, sure, predicted: cell.predictions.get(name).map(predicted).unwrap_or_default(), tone: tone(cell, name) }
}

/// Why a cell has no such metric.
pub fn lacking(name: &str) -> &'static str {
    let of_cluster = CLUSTER_METRICS.iter().any(|metric| name.strip_prefix("failover.") == Some(metric.name));
    if of_cluster || name.starts_with(SHARD) { "only a Cluster has it" } else { "no such metric here" }
}

fn counted(metric: &MetricSummary) -> (String, String) {
    let n = metric.samples.len();
    let each = number::count(metric.total / n.max(1) as f64);
    let some = metric.samples.iter().filter(|(_, sample)| sample.value() > 0.0).count();
    (number::count(metric.total), format!("{each} per trial, in {some} of {}", number::plural(n as u64, "trial", "trials")))
}

fn measured(metric: &MetricSummary) -> String {
    let n = number::plural(metric.samples.len() as u64, "trial", "trials");
    match facts::interval_text(metric) {
        Some(interval) => format!("{interval} at 95 %, {n}"),
        None if metric.samples.len() > 1 => format!("{}, {n}", facts::range_text(metric)),
        None => n,
    }
}

fn predicted(prediction: &Prediction) -> String {
    format!("predicted {} to {}", number::duration(prediction.low as f64), number::duration(prediction.high as f64))
}

fn tone(cell: &MatrixCell, name: &str) -> &'static str {
    let words: Vec<&str> = cell.assertions.iter().filter(|one| one.metric == name).map(facts::verdict_word).collect();
    if words.contains(&"fail") {
        "bad"
    } else if words.contains(&"warn") {
        "warn"
    } else {
        ""
    }
}

/// Whether the cells show that a metric differs, in a sentence's end: `980 ms more (950 ms to 1.02 s at 95 %)`.
pub fn verdict_of(one: &Difference) -> String {
    let apart = |value: f64| number::value(one.unit, value.abs());
    let interval = one.interval.map(|interval| interval_words(one.unit, interval));
    match (one.difference, interval) {
        (_, None) => "too few trials to tell".to_owned(),
        (_, Some(interval)) if !one.shown => format!("no difference shown ({interval} at 95 %)"),
        (Some(difference), Some(interval)) => {
            let word = if difference < 0.0 { "less" } else { "more" };
            format!("{} {word} ({interval} at 95 %)", apart(difference))
        }
        (None, Some(interval)) => format!("more: it had not ended ({interval} at 95 %)"),
    }
}

/// The difference with its sign; `not ended` where a value is only a lower bound.
pub fn signed(one: &Difference) -> String {
    match one.difference {
        None => "not known: not ended".to_owned(),
        Some(0.0) => number::value(one.unit, 0.0),
        Some(difference) => {
            let sign = if difference < 0.0 { "−" } else { "+" };
            format!("{sign}{}", number::value(one.unit, difference.abs()))
        }
    }
}

/// `−12 ms to +35 ms`, or one open end.
pub fn interval_words(unit: MetricUnit, interval: OpenInterval) -> String {
    let end = |value: f64| {
        let sign = if value < 0.0 {
            "−"
        } else if value > 0.0 {
            "+"
        } else {
            ""
        };
        format!("{sign}{}", number::value(unit, value.abs()))
    };
    match (interval.low, interval.high) {
        (Some(low), Some(high)) => format!("{} to {}", end(low), end(high)),
        (Some(low), None) => format!("{} or more", end(low)),
        (None, Some(high)) => format!("{} or less", end(high)),
        (None, None) => "anything".to_owned(),
    }
}

/// A value on an axis of the plane: counts are per trial.
pub fn on_axis(unit: MetricUnit, of: Middle, sample: Sample) -> String {
    match of {
        Middle::Mean => format!("{} per trial", number::sample(unit, round(sample))),
        Middle::Median => number::sample(unit, sample),
    }
}

fn round(sample: Sample) -> Sample {
    let two = |value: f64| (value * 100.0).round() / 100.0;
    match sample {
        Sample::Exact(value) => Sample::Exact(two(value)),
        Sample::AtLeast(value) => Sample::AtLeast(two(value)),
    }
}

/// Unit of a metric, from any cell that has it.
pub fn unit_of(document: &MatrixDocument, name: &str) -> MetricUnit {
    document.cells.iter().find_map(|cell| cell.metrics.get(name)).map_or(MetricUnit::Count, |metric| metric.unit)
}
