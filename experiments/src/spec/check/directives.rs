//! Directives of the servers' configuration files.

use super::Finding;
use crate::spec::directive_rules::{self, Refusal};
use crate::spec::{Experiment, conf, directive_lists, structure};

const REDIS: &str = "topology.config.redis";
const SENTINEL_PATH: &str = "topology.config.sentinel";

pub(super) fn are_for_the_file(experiment: &Experiment, found: &mut Vec<Finding>) {
    let cluster = experiment.topology.cluster().is_some();
    let mut guesses = structure::Guesses::default();
    for name in experiment.topology.redis().names() {
        if let Err(refusal) = directive_rules::redis(name, cluster) {
            let meant = || guesses.closest(name, directive_rules::allowed(cluster));
            found.push(refused(format!("{REDIS}.{name}"), name, refusal, meant));
        }
    }
    for name in experiment.topology.sentinel().into_iter().flat_map(|topology| topology.config.sentinel.names()) {
        let path = format!("{SENTINEL_PATH}.{name}");
        match directive_rules::sentinel(name) {
            Ok(()) => {}
            Err(Refusal::Unknown) => {
                let finding = Finding::error("RQ0215", path, format!("no Sentinel directive named `{name}` is known")).on_key();
                found.push(finding.help(structure::help(name, directive_lists::SENTINEL)));
            }
            Err(refusal) => found.push(refused(path, name, refusal, || None)),
        }
    }
}

/// A directive that is not for the file, and why; of an unknown one also what may have been `meant`.
pub(super) fn refused(path: String, name: &str, refusal: Refusal, meant: impl FnOnce() -> Option<&'static str>) -> Finding {
    let error = |code, what: &str, reason: &'static str| Finding::error(code, path.clone(), format!("`{name}` {what}")).label(reason);
    let finding = match refusal {
        Refusal::Owned(reason) => error("RQ0213", "is set by the tool itself", reason).help("leave it out"),
        Refusal::Unsupported(reason) => error("RQ0214", "is not supported yet", reason).help("leave it out"),
        Refusal::Harmful(reason) => error("RQ0281", "is not for an experiment to set", reason).help("leave it out"),
        Refusal::Unknown => {
            let finding = Finding::error("RQ0282", path, format!("`{name}` is none of the directives a file may set"));
            let help = "leave it out; docs/experiment-reference.md says which are allowed";
            finding.help(meant().map_or_else(|| help.to_owned(), |meant| format!("did you mean `{meant}`?")))
        }
    };
    finding.on_key()
}

pub(super) fn have_values_servers_can_read(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (name, value) in experiment.topology.redis().iter() {
        let path = format!("{REDIS}.{name}");
        if let Err(why) = conf::quotes_close(value) {
            let finding = Finding::error("RQ0283", path, format!("the server cannot read this value of `{name}`: {why}"));
            found.push(finding.help("write the arguments as they stand in a configuration file"));
        } else if directive_rules::names_a_file(name) && !is_plain(value) {
            let finding = Finding::error("RQ0283", path, format!("`{name}` is the name of a file in the node's own folder"));
            found.push(finding.help("use letters, digits, `.`, `-` and `_` only"));
        }
    }
}

/// A name of a file that leads to no other folder, however it is read.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) && !name.starts_with('.')
}

pub(super) fn of_sentinel_are_numbers(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (name, value) in experiment.topology.sentinel().into_iter().flat_map(|topology| topology.config.sentinel.iter()) {
        if directive_rules::sentinel(name).is_err() {
            continue;
        }
        // 0 switches the reboot rule off; for the others Sentinel refuses it (sentinel.c, `sentinelHandleConfiguration`).
        let least = u64::from(name != "master-reboot-down-after-period");
        if value.parse::<i32>().ok().and_then(|number| u64::try_from(number).ok()).is_none_or(|number| number < least) {
            let unit = if name == "parallel-syncs" { "replicas" } else { "milliseconds" };
            let message = format!("`{name}` must be a whole number of {unit}, at least {least}");
            let meant = value.parse::<crate::spec::Duration>().ok().filter(|_| unit == "milliseconds");
            let help = meant.map(|duration| format!("`{value}` is `{}`", duration.as_millis()));
            found.push(Finding::error("RQ0216", format!("{SENTINEL_PATH}.{name}"), message).maybe_help(help));
        }
    }
}
