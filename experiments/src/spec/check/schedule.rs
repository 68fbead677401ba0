//! When faults happen: one instant each, and only what can come true.

use super::Finding;
use super::instants::{self, Instants};
use crate::spec::{Experiment, Timing, structure};

/// The ways to say when that are written, in the order of the documentation.
fn written(timing: &Timing) -> Vec<&'static str> {
    let ways = [("at", timing.at.is_some()), ("after", timing.after.is_some()), ("when", timing.when.is_some())];
    ways.into_iter().filter_map(|(way, there)| there.then_some(way)).collect()
}

pub(super) fn each_has_one_instant(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        match written(&fault.timing).as_slice() {
            [_] => {}
            [] => found.push(
                Finding::error("RQ0224", format!("faults[{index}].name"), format!("fault `{}` does not say when", fault.name))
                    .uses(format!("faults[{index}]"))
                    .help("add `at: 4s`, `after: <fault> + 500ms` or `when: event +odown`"),
            ),
            [first, others @ ..] => {
                for other in others {
                    found.push(
                        Finding::error("RQ0224", format!("faults[{index}].{other}"), format!("`{other}` beside `{first}`"))
                            .label("says when again")
                            .related(format!("faults[{index}].{first}"), "says when")
                            .help("a fault is injected at one instant: keep one of `at`, `after` and `when`"),
                    );
                }
            }
        }
    }
}

pub(super) fn waiting_ends_inside_the_run(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Some(within) = fault.timing.within else { continue };
        let path = format!("faults[{index}].within");
        if fault.timing.when.is_none() {
            let finding = Finding::error("RQ0225", path, "`within` without `when`").uses(format!("faults[{index}]"));
            found.push(finding.help("it limits how long `when` may take; leave it out, or say what is waited for"));
        } else if within >= experiment.duration {
            let finding = Finding::error("RQ0225", path, "`within` is no limit: the run is over by then").label(format!("until {within}"));
            let finding = finding.related("duration", format!("the run ends at {}", experiment.duration));
            found.push(finding.help("use less than `duration`, or leave it out to wait until the run ends"));
        }
    }
}

pub(super) fn repetitions_have_room(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let at = |field: &str| format!("faults[{index}].{field}");
        match (fault.timing.every, fault.timing.times) {
            (Some(_), None) => found.push(
                Finding::error("RQ0226", at("every"), "`every` without `times`")
                    .uses(format!("faults[{index}]"))
                    .help("say how often in all, for example `times: 3`"),
            ),
            (None, Some(times)) => found.push(
                Finding::error("RQ0226", at("times"), "`times` without `every`")
                    .uses(format!("faults[{index}]"))
                    .help(format!("say how far apart the {times} times are, for example `every: 4s`")),
            ),
            (Some(every), Some(_)) => {
                let Some(lasts) = fault.lasts().filter(|lasts| every <= *lasts) else { continue };
                found.push(
                    Finding::error("RQ0226", at("every"), format!("`{}` would begin again before it is over", fault.name))
                        .label(format!("again after {every}"))
                        .related(instants::length_path(index, fault), format!("over after {lasts}"))
                        .help("`every` counts from one injection to the next; make it longer"),
                );
            }
            (None, None) => {}
        }
    }
}

pub(super) fn each_follows_another(experiment: &Experiment, found: &mut Vec<Finding>) {
    let instants = Instants::of(experiment);
    let names: Vec<&str> = experiment.faults.iter().map(|fault| fault.name.as_str()).collect();
    for (index, (fault, follows)) in experiment.faults.iter().zip(&instants.follows).enumerate() {
        let Some(after) = fault.timing.after.as_ref().filter(|_| follows.is_none()) else { continue };
        let others: Vec<&str> = names.iter().copied().filter(|name| *name != fault.name).collect();
        let help = if others.is_empty() {
            "there is no other fault; use `at`".to_owned()
        } else {
            structure::help_among(&after.fault, &others).unwrap_or_else(|| "write the `name` of another fault".to_owned())
        };
        let finding = Finding::error("RQ0227", format!("faults[{index}].after"), format!("no fault is named `{}`", after.fault));
        found.push(finding.uses_each("faults", "name", names.len()).help(help));
    }
    for circle in instants.circles() {
        let Some(index) = circle.first().copied() else { continue };
        let path = format!("faults[{index}].after");
        let name = |index: &usize| names.get(*index).copied().unwrap_or_default();
        let Some(next) = circle.get(1) else {
            let finding = Finding::error("RQ0227", path, format!("fault `{}` waits for itself", name(&index)));
            found.push(finding.help("it would never happen; name another fault, or use `at`"));
            continue;
        };
        let message = match circle.len() {
            ..=5 => {
                let around: Vec<String> = circle.iter().chain([&index]).map(|index| format!("`{}`", name(index))).collect();
                format!("these faults wait for each other: {}", around.join(" after "))
            }
            many => format!("{many} faults wait for each other, from `{}` back to it", name(&index)),
        };
        let finding = Finding::error("RQ0227", path, message).related(format!("faults[{next}].after"), "which waits in turn");
        found.push(finding.help("none of them would ever happen; give one of them `at` or `when`"));
    }
}

/// Most injections of one trial: more than a run could hold apart, and few enough to plan.
const MOST_INJECTIONS: u64 = 10_000;

pub(super) fn there_are_not_too_many(experiment: &Experiment, found: &mut Vec<Finding>) {
    let mut sum = 0_u64;
    for (index, fault) in experiment.faults.iter().enumerate() {
        let times = fault.timing.every.and(fault.timing.times);
        sum += u64::from(times.unwrap_or(1));
        if sum > MOST_INJECTIONS {
            let field = if times.is_some() { "times" } else { "name" };
            let finding = Finding::error("RQ0259", format!("faults[{index}].{field}"), format!("more than {MOST_INJECTIONS} injections"));
            found.push(finding.label("with all the faults before it").help("use fewer `times`, or several experiments"));
            return;
        }
    }
}
