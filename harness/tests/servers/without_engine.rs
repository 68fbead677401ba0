//! A machine on which no Docker engine answers.

use std::path::PathBuf;

use crate::support::{self, finish};

#[test]
fn an_experiment_succeeds_where_no_engine_answers_and_says_where_servers_run() {
    let bench = support::bench_without_docker();
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut command = bench.run(&[&bench.experiment(&support::quick("max < 3s"))]);
    // Nothing of the user's settings leads to an engine either; servers that were fetched before are used again.
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    if let Some(cache) = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))) {
        command.env("XDG_CACHE_HOME", cache);
    }
    let ended = finish(command.env("DOCKER_HOST", "unix:///no/such/engine.sock").env("HOME", home.path()));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.starts_with("no Docker engine answers: servers run as child processes"), "{}", ended.stderr);
    assert!(bench.document().environment.runtime.starts_with("process"), "{}", bench.document().environment.runtime);
    assert!(bench.results().join("report.html").exists());
}
