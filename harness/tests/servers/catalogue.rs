//! Every experiment that comes with the tool does what it says, wherever servers run.

use crate::support::{self, finish};

use redquake_experiments::catalogue;

#[test]
fn every_experiment_of_the_catalogue_passes_in_docker() {
    let Some(bench) = support::bench() else { return };
    every_experiment_passes(&bench, "docker");
}

#[test]
fn every_experiment_of_the_catalogue_passes_without_docker() {
    every_experiment_passes(&support::bench_without_docker(), "process");
}

fn every_experiment_passes(bench: &support::Bench, runtime: &str) {
    for entry in catalogue::entries() {
        let ended = finish(&mut bench.run(&[entry.name, "--trials", "2", "--jobs", "2", "--seed", "3", "--runtime", runtime]));
        assert_eq!(ended.code, Some(0), "{} in {runtime}: {}{}", entry.name, ended.stdout, ended.stderr);
    }
}
