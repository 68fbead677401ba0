//! What `redquake run` refuses before anything is started.

use std::path::Path;

use crate::support::{Ended, VALID, broken, folder, percentile, within};

/// A run that must not begin: it would leave a results folder.
fn refused(folder: &Path, arguments: &[&str]) -> Ended {
    let ended = within(folder, &[&["run"], arguments].concat());
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
    assert!(!folder.join("results").exists(), "something was started");
    ended
}

#[test]
fn a_mistake_in_the_last_file_stops_the_first_from_running() {
    let folder = folder(&[("good.yaml", VALID), ("bad.yaml", &broken())]);
    let ended = refused(folder.path(), &["good.yaml", "bad.yaml"]);
    assert_eq!(ended.stderr.matches("bad.yaml:4:11").count(), 1, "told once: {}", ended.stderr);
}

#[test]
fn fewer_trials_than_one_file_needs_stop_all_of_them() {
    let folder = folder(&[("good.yaml", VALID), ("percentile.yaml", &percentile())]);
    let ended = refused(folder.path(), &["good.yaml", "percentile.yaml", "--trials", "1"]);
    insta::assert_snapshot!(ended.stderr);
}

#[test]
fn a_folder_with_nothing_to_run_is_bad_usage() {
    let folder = folder(&[("empty/notes.md", "x")]);
    refused(folder.path(), &["empty"]);
}

#[test]
fn a_precision_of_a_metric_nobody_has_or_in_other_words_is_bad_usage() {
    let folder = folder(&[("good.yaml", VALID)]);
    let ended = refused(folder.path(), &["good.yaml", "--until", "failover.wirte_gap median ±5%"]);
    assert!(ended.stderr.contains("did you mean `failover.write_gap`?"), "{}", ended.stderr);
    let ended = refused(folder.path(), &["good.yaml", "--until", "failover.write_gap ±5%"]);
    assert!(ended.stderr.contains("write `<metric> median ±<percent>`"), "{}", ended.stderr);
    let ended = refused(folder.path(), &["good.yaml", "--budget", "5m"]);
    assert!(ended.stderr.contains("--until"), "{}", ended.stderr);
}
