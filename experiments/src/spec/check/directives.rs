//! Directives of the servers' configuration files.

use super::Finding;
use crate::spec::directive_rules::{self, KNOWN_CLUSTER, KNOWN_REDIS, Refusal, SENTINEL};
use crate::spec::{Experiment, structure};

const REDIS: &str = "topology.config.redis";
const SENTINEL_PATH: &str = "topology.config.sentinel";

pub(super) fn are_for_the_file(experiment: &Experiment, found: &mut Vec<Finding>) {
    let cluster = experiment.topology.cluster().is_some();
    let redis = experiment.topology.redis().names().map(|name| (REDIS, name, directive_rules::redis(name, cluster)));
    let sentinel = experiment.topology.sentinel().into_iter().flat_map(|topology| topology.config.sentinel.names());
    let sentinel = sentinel.map(|name| (SENTINEL_PATH, name, directive_rules::sentinel(name)));
    for (section, name, refusal) in redis.chain(sentinel) {
        let path = format!("{section}.{name}");
        match refusal {
            None => {}
            Some(Refusal::Owned(reason)) => found.push(
                Finding::error("RQ0213", path, format!("`{name}` is set by the tool itself")).on_key().label(reason).help("leave it out"),
            ),
            Some(Refusal::Unsupported(reason)) => {
                found.push(
                    Finding::error("RQ0214", path, format!("`{name}` is not supported yet")).on_key().label(reason).help("leave it out"),
                );
            }
        }
    }
}

pub(super) fn are_known(experiment: &Experiment, found: &mut Vec<Finding>) {
    let cluster = experiment.topology.cluster().is_some();
    let known: Vec<&str> = KNOWN_REDIS.iter().chain(if cluster { KNOWN_CLUSTER } else { &[] }).copied().collect();
    for name in experiment.topology.redis().names() {
        let lower = name.to_ascii_lowercase();
        if directive_rules::redis(&lower, cluster).is_some() || known.contains(&lower.as_str()) {
            continue;
        }
        let meant = structure::closest(&lower, known.iter().copied()).map(|found| format!("did you mean `{found}`?"));
        found.push(
            Finding::warning("RQ0311", format!("{REDIS}.{name}"), format!("no Redis directive named `{name}` is known"))
                .on_key()
                .help("a server that does not know it either will not start")
                .maybe_help(meant),
        );
    }
    for name in experiment.topology.sentinel().into_iter().flat_map(|topology| topology.config.sentinel.names()) {
        let lower = name.to_ascii_lowercase();
        if directive_rules::sentinel(&lower).is_some() || SENTINEL.contains(&lower.as_str()) {
            continue;
        }
        found.push(
            Finding::error("RQ0215", format!("{SENTINEL_PATH}.{name}"), format!("no Sentinel directive named `{name}` is known"))
                .on_key()
                .help(structure::help(&lower, SENTINEL)),
        );
    }
}

pub(super) fn of_sentinel_are_numbers(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (name, value) in experiment.topology.sentinel().into_iter().flat_map(|topology| topology.config.sentinel.iter()) {
        let lower = name.to_ascii_lowercase();
        if !SENTINEL.contains(&lower.as_str()) {
            continue;
        }
        // 0 switches the reboot rule off; for the others Sentinel refuses it (sentinel.c, `sentinelHandleConfiguration`).
        let least = u64::from(lower != "master-reboot-down-after-period");
        if value.parse::<i32>().ok().and_then(|number| u64::try_from(number).ok()).is_none_or(|number| number < least) {
            let unit = if lower == "parallel-syncs" { "replicas" } else { "milliseconds" };
            let message = format!("`{name}` must be a whole number of {unit}, at least {least}");
            let meant = value.parse::<crate::spec::Duration>().ok().filter(|_| unit == "milliseconds");
            let help = meant.map(|duration| format!("`{value}` is `{}`", duration.as_millis()));
            found.push(Finding::error("RQ0216", format!("{SENTINEL_PATH}.{name}"), message).maybe_help(help));
        }
    }
}
