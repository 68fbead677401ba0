//! Each cell against the first.

use redquake_experiments::spec::Aggregate;

use crate::analysis::stats::{Bounds, aggregate, difference};
use crate::result::{Difference, MatrixCell, MetricSummary, MetricUnit, Middle, OpenInterval, Sample};

/// The differences of every further cell from the first, in the metrics that both have.
pub(super) fn differences(cells: &[MatrixCell], compared: &[String]) -> Vec<Difference> {
    let Some((first, others)) = cells.split_first() else { return Vec::new() };
    let all = others.iter().zip(1_u32..).flat_map(|(cell, index)| {
        compared.iter().filter_map(move |name| {
            let (before, here) = (first.metrics.get(name)?, cell.metrics.get(name)?);
            one(name, before, here, index)
        })
    });
    all.collect()
}

fn one(name: &str, first: &MetricSummary, here: &MetricSummary, cell: u32) -> Option<Difference> {
    let of = middle(first.unit);
    let values = |metric: &MetricSummary| metric.samples.iter().map(|(_, sample)| *sample).collect::<Vec<Sample>>();
    let (before, now) = (values(first), values(here));
    let of_both = [&before, &now].map(|values| aggregate(how(of), values).map(Bounds::sample));
    let [Some(first_value), Some(here_value)] = of_both else { return None };
    let interval = difference(how(of), &before, &now);
    Some(Difference {
        metric: name.to_owned(),
        unit: first.unit,
        cell,
        of,
        first: first_value,
        here: here_value,
        difference: match (first_value, here_value) {
            (Sample::Exact(first), Sample::Exact(here)) => Some(here - first),
            _ => None,
        },
        shown: interval.is_some_and(|OpenInterval { low, high }| low.is_some_and(|low| low > 0.0) || high.is_some_and(|high| high < 0.0)),
        interval,
    })
}

/// The median of counts of rare events is zero whatever happens; their mean is not.
pub(super) fn middle(unit: MetricUnit) -> Middle {
    if unit == MetricUnit::Count { Middle::Mean } else { Middle::Median }
}

pub(super) fn how(of: Middle) -> Aggregate {
    match of {
        Middle::Median => Aggregate::Median,
        Middle::Mean => Aggregate::Mean,
    }
}
