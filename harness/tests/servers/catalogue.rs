//! Every experiment that comes with the tool does what it says, wherever servers run.

use std::time::Duration;

use crate::support::{self, Bench, finish};

use redquake_experiments::{catalogue, spec};

/// Experiments that measure for longer are not tried by default, which is to end in a few minutes.
const SHORT: Duration = Duration::from_secs(14);

#[test]
#[ignore = "one after the other in Docker: ci/test --all"]
fn every_experiment_of_the_catalogue_passes_in_docker() {
    for (name, _) in longest_first() {
        let Some(bench) = support::bench() else { return };
        passes(&bench, name, "docker");
    }
}

#[test]
fn every_short_experiment_of_the_catalogue_passes_without_docker() {
    let (short, long): (Vec<_>, Vec<_>) = longest_first().into_iter().partition(|(_, length)| *length <= SHORT);
    for (name, length) in long {
        support::not_done(&format!("{name} measures {} s: ci/test --all", length.as_secs()));
    }
    support::each(short, |(name, _)| without_docker(name));
}

#[test]
#[ignore = "half a minute each: ci/test --all"]
fn every_long_experiment_of_the_catalogue_passes_without_docker() {
    let long = longest_first().into_iter().filter(|(_, length)| *length > SHORT);
    support::each(long, |(name, _)| without_docker(name));
}

fn without_docker(name: &str) {
    // 45 servers leave no room for others.
    let bench = if name == "cluster/large" { support::bench_alone() } else { support::bench_without_docker() };
    passes(&bench, name, "process");
}

fn passes(bench: &Bench, name: &str, runtime: &str) {
    let ended = finish(&mut bench.run(&[name, "--trials", "1", "--seed", "3", "--runtime", runtime]));
    assert_eq!(ended.code, Some(0), "{name} in {runtime}: {}{}", ended.stdout, ended.stderr);
}

/// Names of all ready experiments and how long they measure. Begun in this order, several at once, they are done soonest.
fn longest_first() -> Vec<(&'static str, Duration)> {
    let length = |entry: &catalogue::Entry| {
        let loaded = spec::load(entry.name, entry.text.as_bytes(), &|_| Err("a ready experiment needs no other file".to_owned()));
        loaded.experiment.expect("a valid experiment").duration.to_std()
    };
    let mut entries: Vec<_> = catalogue::entries().map(|entry| (entry.name, length(&entry))).collect();
    entries.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    entries
}
