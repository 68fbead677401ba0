//! Every rule.

use super::{Finding, assertions, directives, locks, names, recovery, selectors, timing, topology};
use crate::spec::Experiment;

/// A rule adds what it finds.
type Rule = fn(&Experiment, &mut Vec<Finding>);

const RULES: &[Rule] = &[
    names::are_unique,
    names::do_not_collide,
    topology::quorum_can_be_reached,
    topology::sentinels_can_outvote_one_another,
    topology::something_can_be_promoted,
    topology::replicas_suffice_for_writes,
    topology::failover_timeout_outlasts_detection,
    directives::are_for_the_file,
    directives::are_known,
    directives::of_sentinel_are_numbers,
    timing::lengths_are_not_zero,
    timing::faults_happen_inside_the_run,
    timing::failover_can_finish,
    selectors::name_one_thing,
    selectors::match_something,
    selectors::pick_what_is_there,
    selectors::sides_differ,
    locks::lease_outlasts_hold,
    locks::drift_leaves_a_core,
    locks::expiry_does_not_hide_a_second_holder,
    assertions::name_a_metric,
    assertions::fit_the_unit,
    assertions::have_enough_trials,
    assertions::are_not_repeated,
    assertions::exist,
    recovery::someone_is_left_to_recover,
];

/// Runs every rule.
pub(crate) fn check(experiment: &Experiment) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in RULES {
        rule(experiment, &mut found);
    }
    found
}
