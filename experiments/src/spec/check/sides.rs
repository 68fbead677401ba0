//! Who is on which side of a cut: nobody by oversight on both, and somebody on each.

use super::Finding;
use crate::spec::sides::{Member, groups, listed, sides};
use crate::spec::{Action, Experiment, Group, Pick, Selector, WantedRole};

/// A partition that divides servers and clients into camps leaves nobody between them without a word: whoever is in no group reaches all.
pub(super) fn nobody_is_left_between(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let Action::Partition(partition) = &fault.action else { continue };
        let groups = groups(partition);
        let divides = partition.groups.is_some()
            || groups.iter().any(|group| kinds(group) > 1 && group.all().iter().any(|selector| selector.zone.is_some()))
            || (!groups.is_empty() && groups.iter().all(|group| kinds(group) > 1));
        let outside = sides(experiment, partition).outside;
        if !divides || groups.len() < 2 || partition.shape.is_some() || outside.is_empty() {
            continue;
        }
        let field = if partition.groups.is_some() { "groups" } else { "to" };
        let verb = if outside.len() == 1 && matches!(outside[0], Member::Node(_)) { "is" } else { "are" };
        let message = format!("{} {verb} in no group of `{}`", listed(&outside), fault.name);
        let zoneless = outside.iter().any(|member| matches!(member, Member::Clients(_)));
        let help = if zoneless {
            "who is in no group reaches all of them; clients are cut off by giving their workload a `zone` and naming it in a group"
        } else {
            "who is in no group reaches all of them; name them in a group, for example with `{ role: any }` in the last one"
        };
        found.push(
            Finding::warning("RQ0321", format!("faults[{index}].{field}"), message)
                .on_key()
                .label("on both sides of the cut")
                .uses("topology")
                .uses_each("workloads", "zone", experiment.workloads.len())
                .help(help),
        );
    }
}

/// A node belongs to the first group that names it, so a later group of the same nodes is empty.
pub(super) fn somebody_is_on_each(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, fault) in experiment.faults.iter().enumerate() {
        let mut groups = fault.action.groups();
        groups.retain(|(path, _)| path != "of");
        for (place, (path, group)) in groups.iter().enumerate() {
            let earlier: Vec<&Selector> = groups[..place].iter().flat_map(|(_, group)| group.all()).collect();
            let taken = |selector: &Selector| earlier.iter().any(|earlier| covers(earlier, selector) && *earlier != selector);
            if group.all().is_empty() || !group.all().iter().all(taken) {
                continue;
            }
            let finding =
                Finding::error("RQ0228", format!("faults[{index}].{path}"), format!("nobody is left for this side of `{}`", fault.name));
            let finding = finding
                .label("all of them are in an earlier group")
                .related(format!("faults[{index}].{}", groups[0].0), "who is here is on no later side");
            found.push(finding.help("write the smaller group first: `{ role: any }` after it means everybody else"));
        }
    }
}

/// Whether the first surely takes everybody the second does.
fn covers(first: &Selector, second: &Selector) -> bool {
    if first.pick != Pick::All || first.in_one_shard() || second.zone.is_some() {
        return false;
    }
    match (first.role, second.role) {
        (Some(WantedRole::Any), _) => true,
        (Some(WantedRole::Data), Some(WantedRole::Primary | WantedRole::Replica | WantedRole::Data)) => true,
        (Some(WantedRole::Sentinel), Some(WantedRole::Sentinel | WantedRole::LeaderSentinel)) => true,
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// How many kinds of members a group puts together: data nodes, Sentinels, independent primaries, clients.
fn kinds(group: &Group) -> usize {
    let kind = |selector: &Selector| match (&selector.zone, selector.role, &selector.node) {
        (Some(_), ..) => "clients",
        (_, Some(WantedRole::Sentinel | WantedRole::LeaderSentinel), _) => "sentinels",
        (_, Some(WantedRole::Independent), _) => "independent",
        (_, Some(WantedRole::Any), _) => "any",
        (_, _, Some(node)) if node.starts_with("sentinel-") => "sentinels",
        (_, _, Some(node)) if node.starts_with("independent-") => "independent",
        _ => "data",
    };
    let mut kinds: Vec<&str> = group.all().iter().map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    // `any` is several at once.
    if kinds.contains(&"any") { kinds.len().max(2) } else { kinds.len() }
}
