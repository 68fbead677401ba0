//! Faults of links: what they cut, and whether that can be seen.

use super::topology::plural;
use super::{Finding, selectors};
use crate::spec::{Action, Direction, Duration, Experiment, Group, Link, Partition, Selector, Shape, WantedRole};

/// Every partition with its place.
fn partitions(experiment: &Experiment) -> impl Iterator<Item = (usize, &str, &Partition)> {
    experiment.faults.iter().enumerate().filter_map(|(index, fault)| match &fault.action {
        Action::Partition(partition) => Some((index, fault.name.as_str(), partition)),
        _ => None,
    })
}

pub(super) fn partitions_say_once_what_they_cut(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, name, partition) in partitions(experiment) {
        let at = |field: &str| format!("faults[{index}].{field}");
        let sides = partition.from.as_ref().map(|_| "from").or(partition.to.as_ref().map(|_| "to"));
        let ways = [sides, partition.groups.as_ref().map(|_| "groups"), partition.shape.map(|_| "shape")];
        let ways: Vec<&str> = ways.into_iter().flatten().collect();
        match ways.as_slice() {
            [] => found.push(
                Finding::error("RQ0228", at("action"), format!("partition `{name}` does not say what it cuts"))
                    .uses(format!("faults[{index}]"))
                    .help("add `from` and `to`, `groups` of two or more, or a `shape`"),
            ),
            [first, others @ ..] => {
                for other in others {
                    let finding = Finding::error("RQ0228", at(other), format!("`{other}` beside `{first}`"));
                    let finding = finding.label("says again what is cut").related(at(first), "says what is cut");
                    found.push(finding.help("keep `from` with `to`, `groups` or `shape`"));
                }
            }
        }
        let missing = match (&partition.from, &partition.to) {
            (Some(_), None) => Some(("from", "to")),
            (None, Some(_)) => Some(("to", "from")),
            _ => None,
        };
        if let Some((there, missing)) = missing {
            let finding = Finding::error("RQ0228", at(there), format!("`{there}` without `{missing}`")).uses(format!("faults[{index}]"));
            found.push(finding.help(format!("add the other side, for example `{missing}: {{ role: sentinel }}`")));
        }
        if let Some(groups) = partition.groups.as_ref().filter(|groups| groups.len() < 2) {
            let finding = Finding::error("RQ0228", at("groups"), "a partition takes two groups or more");
            let has = if groups.is_empty() { "none" } else { "only one" };
            found.push(
                finding.label(has).help("each group is cut off from all others; to cut one off from everybody else use `from` and `to`"),
            );
        }
    }
}

pub(super) fn shapes_have_something_to_cut(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, _, partition) in partitions(experiment) {
        let Some(shape) = partition.shape else { continue };
        // A bridge has a side on either end of it, and of three on a ring each is the neighbour of both others.
        let (least, word) = match shape {
            Shape::Ring => (4, "ring"),
            Shape::Bridge => (3, "bridge"),
            Shape::Isolate => (2, "isolate"),
            Shape::Halves => (2, "halves"),
            Shape::MajorityMinority => (2, "majority-minority"),
            Shape::Random => (2, "random"),
        };
        let there = match &partition.of {
            Some(of) => selectors::members(&experiment.topology, &of.all().iter().collect::<Vec<_>>()),
            None => selectors::members(&experiment.topology, &[&Selector::role(WantedRole::Any)]),
        };
        if there < least {
            let path = if partition.of.is_some() { "of" } else { "shape" };
            let message = format!("`{word}` cuts nothing among {there} member{}", plural(there));
            let finding = Finding::error("RQ0228", format!("faults[{index}].{path}"), message).uses(format!("faults[{index}].shape"));
            found.push(finding.label(format!("at most {there}")).help(format!("name {least} members or more, or another shape")));
        }
    }
}

pub(super) fn every_word_means_something(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, _, partition) in partitions(experiment) {
        let at = |field: &str| format!("faults[{index}].{field}");
        let sides = partition.from.is_some() || partition.to.is_some();
        let other = if partition.groups.is_some() { "groups" } else { "shape" };
        if partition.direction != Direction::Both && !sides && (partition.groups.is_some() || partition.shape.is_some()) {
            let finding = Finding::error("RQ0229", at("direction"), "`direction` means nothing without `from` and `to`");
            found.push(finding.related(at(other), "cuts both ways").help("leave it out, or write the two sides as `from` and `to`"));
        }
        if partition.of.is_some() && partition.shape.is_none() {
            let finding = Finding::error("RQ0229", at("of"), "`of` means nothing without `shape`").uses(format!("faults[{index}]"));
            found.push(finding.help("it says whom a shape is drawn over; leave it out, or add `shape: halves`"));
        }
        if partition.link != Link::All && experiment.topology.cluster().is_none() {
            let word = if partition.link == Link::Bus { "bus" } else { "client" };
            let finding = Finding::error("RQ0229", at("link"), format!("`link: {word}` is for a Cluster"));
            let finding = finding.related("topology.kind", "servers here speak over one port");
            found.push(finding.help("only nodes of a Cluster have a bus beside the port of their clients; leave it out"));
        }
    }
}

pub(super) fn sides_differ(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let mut groups = fault.action.groups();
        groups.retain(|(path, _)| path != "of");
        for (place, (path, group)) in groups.iter().enumerate() {
            let earlier = groups.iter().take(place).find_map(|(other, earlier)| Some((other, shared(earlier, group)?)));
            let Some((other, both)) = earlier else { continue };
            let whole = groups.len() == 2 && fault.action.groups().iter().filter(|(_, one)| *one == *group).count() > 1;
            let message = if whole {
                format!("both sides of `{}` are the same nodes", fault.name)
            } else {
                format!("{both} is on two sides of `{}`", fault.name)
            };
            let label = if whole { format!("the same as `{other}`") } else { "again here".to_owned() };
            found.push(
                Finding::error("RQ0207", format!("faults[{index}].{path}"), message)
                    .label(label)
                    .related(format!("faults[{index}].{other}"), "one side")
                    .help("links are between members of different groups; name another role, node or zone"),
            );
        }
    }
}

/// What two groups have in common by its name, in words.
fn shared(one: &Group, other: &Group) -> Option<String> {
    one.all().iter().find_map(|left| other.all().iter().find_map(|right| same(left, right)))
}

fn same(left: &Selector, right: &Selector) -> Option<String> {
    if let Some(node) = left.node.as_ref().filter(|node| right.node.as_ref() == Some(node)) {
        return Some(format!("node `{node}`"));
    }
    if let Some(zone) = left.zone.as_ref().filter(|zone| right.zone.as_ref() == Some(zone)) {
        return Some(format!("zone `{zone}`"));
    }
    let role = left.role.filter(|_| left.node.is_none() && left.zone.is_none() && left == right)?;
    Some(format!("every {}", role.as_str()))
}

pub(super) fn jitter_is_part_of_the_delay(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Action::Delay(delay) = &fault.action else { continue };
        if delay.jitter > delay.delay && !delay.delay.is_zero() {
            found.push(
                Finding::error("RQ0256", format!("faults[{index}].jitter"), "the jitter is larger than the delay")
                    .label(format!("plus or minus {}", delay.jitter))
                    .related(format!("faults[{index}].delay"), format!("late by {}", delay.delay))
                    .help(format!("a packet cannot arrive before it was sent; use `jitter: {}` or less", delay.delay)),
            );
        }
    }
}

pub(super) fn last_long_enough_to_be_seen(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let (least, reason) = match &fault.action {
            // A handshake is given 300 ms before it counts as cut off, from both ends of every link.
            Action::Partition(_) => (Duration::from_millis(500), "no packet for some 300 ms is the sign that a link is cut"),
            Action::Loss(_) => (Duration::from_secs(2), "the share of lost packets is measured, which takes hundreds of them"),
            Action::Delay(_) => (Duration::from_secs(2), "round trips are measured before and after it sets in"),
            Action::Bandwidth(_) => (Duration::from_secs(2), "the rate is measured by sending for a while"),
            _ => continue,
        };
        let Some(lasts) = fault.timing.lasts.filter(|lasts| *lasts < least && !lasts.is_zero()) else { continue };
        let finding = Finding::error("RQ0255", format!("faults[{index}].for"), format!("`{}` is over before it can be proved", fault.name))
            .label(format!("reverted after {lasts}"))
            .uses(format!("faults[{index}].action"));
        found.push(finding.help(format!("{reason}; use `for: {least}` or more")));
    }
}
