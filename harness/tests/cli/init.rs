//! `redquake init`.

use crate::support::{folder, within};

#[test]
fn a_written_experiment_is_valid_where_it_was_written() {
    let folder = folder(&[]);
    let ended = within(folder.path(), &["init", "sentinel/lost-locks"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.starts_with("wrote lost-locks.yaml; next: redquake validate lost-locks.yaml"), "{}", ended.stdout);
    let ended = within(folder.path(), &["validate", "."]);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "1 of 1 file is valid\n", ""));
}

#[test]
fn every_listed_experiment_can_be_written_and_names_no_schema_that_is_not_there() {
    let folder = folder(&[]);
    let list = within(folder.path(), &["list"]).stdout;
    assert!(list.lines().count() >= 2);
    for line in list.lines() {
        let name = line.split_whitespace().next().unwrap();
        let file = format!("{}.yaml", name.replace('/', "-"));
        assert_eq!(within(folder.path(), &["init", name, "--out", &file]).code, 0);
        assert!(!std::fs::read_to_string(folder.path().join(&file)).unwrap().contains("schema"), "{name}");
        assert_eq!(within(folder.path(), &["validate", &file]).stderr, "");
    }
}

#[test]
fn without_a_name_the_main_experiment_is_written() {
    let folder = folder(&[]);
    assert_eq!(within(folder.path(), &["init"]).code, 0);
    assert!(folder.path().join("primary-kill.yaml").exists());
}

#[test]
fn a_file_that_exists_is_left_alone() {
    let folder = folder(&[("primary-kill.yaml", "mine")]);
    let ended = within(folder.path(), &["init"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_eq!(ended.stderr, "redquake: primary-kill.yaml: it exists already; choose another file with --out\n");
    assert_eq!(std::fs::read_to_string(folder.path().join("primary-kill.yaml")).unwrap(), "mine");
}

#[test]
fn a_name_that_is_not_listed_is_bad_usage() {
    let folder = folder(&[]);
    let ended = within(folder.path(), &["init", "nothing"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (2, "redquake: nothing: no experiment of that name in `redquake list`\n"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
