//! Metrics and their limits.

use super::Finding;
use crate::spec::metrics::{self, Unit};
use crate::spec::{Aggregate, Experiment, Limit, WorkloadKind};

pub(super) fn name_a_metric(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, assertion) in experiment.assertions.iter().enumerate() {
        if metrics::find(&assertion.metric, experiment).is_some() {
            continue;
        }
        let help = match metrics::closest(&assertion.metric, experiment) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                let prefixes: Vec<String> = experiment.workloads.iter().map(|workload| format!("`{}.`", workload.name)).collect();
                let workloads = if prefixes.is_empty() { String::new() } else { format!(" and {}", prefixes.join(", ")) };
                format!("metrics begin with `failover.`{workloads}; docs/experiment-reference.md lists them")
            }
        };
        let mut finding = Finding::error("RQ0220", format!("assert[{index}].metric"), format!("unknown metric `{}`", assertion.metric));
        if !assertion.metric.starts_with("failover.") {
            finding = finding.uses("workloads");
            for workload in 0..experiment.workloads.len() {
                finding = finding.uses(format!("workloads[{workload}].name")).uses(format!("workloads[{workload}].kind"));
            }
        }
        found.push(finding.help(help));
    }
}

pub(super) fn fit_the_unit(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, assertion) in experiment.assertions.iter().enumerate() {
        let Some(metric) = metrics::find(&assertion.metric, experiment) else { continue };
        let path = format!("assert[{index}].expect");
        let expect = &assertion.expect;
        if expect.aggregate == Aggregate::Count && metric.unit != Unit::Count {
            found.push(
                Finding::error(
                    "RQ0222",
                    path.clone(),
                    format!("`count` sums up events, and `{}` is {}", assertion.metric, words(metric.unit)),
                )
                .related(format!("assert[{index}].metric"), words(metric.unit))
                .help("use `max`, `median`, `mean`, `min` or `p(95)`"),
            );
        }
        let example = match (metric.unit, expect.limit) {
            (Unit::Ns, Limit::Time(_))
            | (Unit::Count | Unit::Rate, Limit::Number(_))
            | (Unit::Share, Limit::Share(_))
            | (Unit::Rate, Limit::Rate(_)) => continue,
            (Unit::Share, Limit::Number(share)) if (0.0..=1.0).contains(&share) => continue,
            (Unit::Ns, _) => "a duration, like `max < 5s`",
            (Unit::Count, _) => "a plain number, like `count == 0`",
            (Unit::Rate, _) => "a rate, like `min > 150/s`",
            (Unit::Share, _) => "a percentage, like `max < 1%`",
        };
        found.push(
            Finding::error("RQ0221", path, format!("`{}` cannot be compared with `{}`", assertion.metric, expect.limit))
                .related(format!("assert[{index}].metric"), words(metric.unit))
                .help(format!("compare it with {example}")),
        );
    }
}

pub(super) fn have_enough_trials(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, assertion) in experiment.assertions.iter().enumerate() {
        let Aggregate::Percentile(percent) = assertion.expect.aggregate else { continue };
        let needed = assertion.expect.aggregate.trials_needed();
        if u64::from(experiment.trials) < needed {
            found.push(
                Finding::error("RQ0223", format!("assert[{index}].expect"), format!("`p({percent})` wants {needed} trials or more"))
                    .related("trials", format!("there {} {}", if experiment.trials == 1 { "is" } else { "are" }, experiment.trials))
                    .help(format!("set `trials: {needed}`, or use `max`")),
            );
        }
    }
}

pub(super) fn are_not_repeated(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, assertion) in experiment.assertions.iter().enumerate() {
        let same = |other: &&crate::spec::Assertion| other.metric == assertion.metric && other.expect == assertion.expect;
        if let Some(first) = experiment.assertions[..index].iter().position(|other| same(&other)) {
            found.push(
                Finding::warning("RQ0314", format!("assert[{index}].metric"), "this is asserted already")
                    .label("again here")
                    .related(format!("assert[{first}].metric"), "first here")
                    .uses(format!("assert[{index}].expect"))
                    .uses(format!("assert[{first}].expect")),
            );
        }
    }
}

/// Whether something is asserted of a workload that can show what it claims without a fault: what a limiter admits, how often a job is paid.
fn measures_a_limit(experiment: &Experiment) -> bool {
    experiment.workloads.iter().any(|workload| {
        let kind = &workload.kind;
        let shows =
            matches!(kind, WorkloadKind::FixedWindowLimiter(_) | WorkloadKind::SlidingWindowLimiter(_) | WorkloadKind::PaymentJob(_));
        let own = format!("{}.", workload.name);
        shows && experiment.assertions.iter().any(|assertion| assertion.metric.starts_with(&own))
    })
}

pub(super) fn exist(experiment: &Experiment, found: &mut Vec<Finding>) {
    if experiment.faults.is_empty() && !measures_a_limit(experiment) {
        let finding = Finding::warning("RQ0301", "faults", "nothing is broken: the experiment has no fault").on_key();
        found.push(finding.help("add one under `faults`; without any, this measures a healthy set"));
    }
    if experiment.assertions.is_empty() {
        let finding = Finding::warning("RQ0302", "assert", "nothing is asserted: every run passes").on_key();
        found.push(finding.help("add a limit under `assert`, for example `{ metric: failover.write_gap, expect: \"max < 5s\" }`"));
    }
    if experiment.workloads.is_empty() {
        let clients = ["failover.client_gap", "failover.library_cost", "failover.rediscovery"];
        for (index, assertion) in experiment.assertions.iter().enumerate() {
            if clients.contains(&assertion.metric.as_str()) {
                let message = format!("`{}` is seen by clients, and there are none", assertion.metric);
                let finding = Finding::warning("RQ0303", format!("assert[{index}].metric"), message);
                found.push(finding.uses("workloads").help("add a workload; without one the assertion is inconclusive"));
            }
        }
    }
}

fn words(unit: Unit) -> &'static str {
    match unit {
        Unit::Ns => "a time",
        Unit::Count => "a count",
        Unit::Share => "a share",
        Unit::Rate => "a rate per second",
    }
}
