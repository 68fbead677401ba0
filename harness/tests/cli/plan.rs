//! `redquake plan`.

use serde_json::Value;

use crate::support::{VALID, broken, folder, percentile, tell, within};

const FIXED: [&str; 4] = ["--seed", "42", "--runtime", "docker"];

#[test]
fn a_plan_for_people_is_on_stdout() {
    let ended = tell(&[&["plan", "sentinel/primary-kill"], &FIXED[..]].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ended.stdout);
}

#[test]
fn a_plan_for_programs_is_one_json_document_with_what_was_typed() {
    let ended = tell(&[&["plan", "sentinel/primary-kill", "--json", "--trials", "3"], &FIXED[..]].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(json["plan"]["seed"], 42);
    assert_eq!(json["plan"]["trials"].as_array().unwrap().len(), 3);
    assert_eq!(json["steps"][0]["at"], 4_000_000_000_u64);
}

#[test]
fn the_same_seed_gives_the_same_plan_and_none_gives_another_each_time() {
    let plan = |arguments: &[&str]| tell(&[&["plan", "sentinel/primary-kill", "--json", "--runtime", "docker"], arguments].concat()).stdout;
    assert_eq!(plan(&["--seed", "7"]), plan(&["--seed", "7"]));
    let drawn: Vec<String> = (0..4).map(|_| plan(&[])).collect();
    assert!(drawn.iter().any(|other| *other != drawn[0]), "four plans with one drawn seed");
}

#[test]
fn a_file_with_an_error_gives_no_plan() {
    let folder = folder(&[("bad.yaml", &broken())]);
    let ended = within(folder.path(), &["plan", "bad.yaml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("bad.yaml:4:11"), "{}", ended.stderr);
}

#[test]
fn a_plan_is_of_one_experiment() {
    let folder = folder(&[("a.yaml", VALID), ("b.yaml", VALID)]);
    let ended = within(folder.path(), &["plan", "."]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_eq!(ended.stderr, "redquake: .: 2 files; a plan is of one experiment\n");
}

#[test]
fn too_few_trials_for_a_percentile_are_a_mistake_of_the_command() {
    let folder = folder(&[("a.yaml", &percentile())]);
    let ended = within(folder.path(), &["plan", "a.yaml", "--trials", "5", "--runtime", "docker"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(ended.stderr);
}
