//! Every rule.

use super::{
    Finding, actions, assertions, cluster, databases, directives, jitter, limiters, locks, names, network, payments, recovery, registers,
    reshard, schedule, selectors, sentinels, sides, timing, topology, waits, zones,
};
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
    cluster::fits_a_lab,
    cluster::slots_are_covered_once,
    cluster::directives_are_what_servers_take,
    cluster::a_majority_survives_a_loss,
    cluster::workloads_fit_the_topology,
    directives::are_for_the_file,
    directives::have_values_servers_can_read,
    directives::of_sentinel_are_numbers,
    schedule::each_has_one_instant,
    schedule::waiting_ends_inside_the_run,
    schedule::repetitions_have_room,
    schedule::each_follows_another,
    schedule::there_are_not_too_many,
    jitter::covers_the_timers,
    timing::lengths_are_not_zero,
    timing::faults_happen_inside_the_run,
    timing::failover_can_finish,
    selectors::name_one_thing,
    selectors::match_something,
    selectors::shards_are_there,
    selectors::pick_what_is_there,
    network::partitions_say_once_what_they_cut,
    network::every_word_means_something,
    network::shapes_have_something_to_cut,
    network::sides_differ,
    sides::somebody_is_on_each,
    sides::nobody_is_left_between,
    network::jitter_is_part_of_the_delay,
    network::last_long_enough_to_be_seen,
    zones::are_inhabited,
    zones::are_cut_and_not_killed,
    zones::are_not_named_like_nodes,
    actions::crash_clients_that_hold_something,
    actions::ask_sentinels_what_sentinels_do,
    actions::ask_servers_what_servers_do,
    actions::set_directives_that_can_be_set,
    reshard::goes_from_one_primary_to_another,
    reshard::moves_slots_that_are_there,
    sentinels::publish_what_is_waited_for,
    sentinels::have_led_before_they_are_named,
    locks::lease_outlasts_hold,
    locks::drift_leaves_a_core,
    locks::expiry_does_not_hide_a_second_holder,
    locks::options_go_together,
    locks::quorums_can_be_reached,
    payments::lifetimes_are_whole_milliseconds,
    payments::a_lock_is_there_to_be_used,
    waits::are_for_replicas_that_are_there,
    databases::agree_on_one_server,
    databases::times_make_sense,
    limiters::windows_are_whole_milliseconds,
    limiters::bursts_fit_their_period,
    limiters::transactions_have_no_clock,
    limiters::windows_are_inside_the_run,
    registers::are_used,
    assertions::name_a_metric,
    assertions::fit_the_unit,
    assertions::have_enough_trials,
    assertions::are_not_repeated,
    assertions::exist,
    recovery::someone_is_left_to_recover,
    recovery::pauses_do_what_is_asserted,
    locks::crashed_clients_free_them,
];

/// Runs every rule.
pub(crate) fn check(experiment: &Experiment) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in RULES {
        rule(experiment, &mut found);
    }
    found
}
