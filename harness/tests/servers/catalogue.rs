//! Every experiment that comes with the tool does what it says, wherever servers run.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{self, Bench, finish};

use redquake_experiments::{catalogue, spec};

#[test]
#[ignore = "one after the other in Docker: ci/test --all"]
fn every_experiment_of_the_catalogue_passes_in_docker() {
    for (name, _) in longest_first() {
        let Some(bench) = support::bench() else { return };
        passes(&bench, name, "docker");
    }
}

#[test]
fn the_shortest_experiment_of_each_question_passes_without_docker() {
    let (short, long) = by_default();
    let seconds: u64 = long.iter().map(|(_, length)| length.as_secs()).sum();
    support::not_done(&format!("{} others, which measure {seconds} s in all: ci/test --all", long.len()));
    support::each(short, |(name, _)| without_docker(name));
}

#[test]
#[ignore = "a quarter of an hour: ci/test --all"]
fn every_other_experiment_of_the_catalogue_passes_without_docker() {
    support::each(by_default().1, |(name, _)| without_docker(name));
}

type Lengths = Vec<(&'static str, Duration)>;

/// Folders of which other tests perform an experiment by default.
const ELSEWHERE: [&str; 2] = ["sentinel", "cluster"];

/// The shortest experiment of each folder, and all others.
fn by_default() -> (Lengths, Lengths) {
    let mut seen = BTreeSet::from(ELSEWHERE);
    let mut shortest: BTreeSet<&str> = BTreeSet::new();
    for (name, _) in longest_first().into_iter().rev() {
        let folder = name.split_once('/').map_or("", |(folder, _)| folder);
        if seen.insert(folder) {
            shortest.insert(name);
        }
    }
    longest_first().into_iter().partition(|(name, _)| shortest.contains(name))
}

fn without_docker(name: &str) {
    // 45 servers, or a database that is to be overloaded, leave no room for others.
    let bench =
        if name == "cluster/large" || name.starts_with("cache/") { support::bench_alone() } else { support::bench_without_docker() };
    passes(&bench, name, "process");
}

fn passes(bench: &Bench, name: &str, runtime: &str) {
    let ended = finish(&mut bench.run(&[name, "--trials", "1", "--seed", "3", "--runtime", runtime]));
    assert_eq!(ended.code, Some(0), "{name} in {runtime}: {}{}", ended.stdout, ended.stderr);
}

/// Names of all ready experiments and how long a trial of all their cells measures. Begun in this order, several at once, they are
/// done soonest.
fn longest_first() -> Lengths {
    let length = |entry: &catalogue::Entry| {
        let loaded = spec::load(entry.name, entry.text.as_bytes(), &|_| Err("a ready experiment needs no other file".to_owned()));
        let cells = u32::try_from(loaded.cells.len().max(1)).expect("a number of cells");
        loaded.experiment.expect("a valid experiment").duration.to_std() * cells
    };
    let mut entries: Lengths = catalogue::entries().map(|entry| (entry.name, length(&entry))).collect();
    entries.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    entries
}
