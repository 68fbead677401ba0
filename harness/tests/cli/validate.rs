//! `redquake validate`.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{VALID, broken, folder, repository, tell, within};

/// File, line, column and code.
type Mark = (String, u64, u64, String);

/// Mistakes marked in a file: `# ! RQ0104 @12`, or with the place in full, `@parts/production.conf:3:1`.
fn planted(root: &Path, file: &str) -> Vec<Mark> {
    let text = String::from_utf8_lossy(&std::fs::read(root.join(file)).unwrap()).into_owned();
    let mut marks = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((_, marked)) = line.split_once("! RQ") else { continue };
        let words: Vec<&str> = marked.split_whitespace().collect();
        for pair in words.chunks(2) {
            let mut place = pair[1].trim_start_matches('@').rsplit(':');
            let column = place.next().unwrap().parse().unwrap();
            let line = place.next().map_or(index as u64 + 1, |line| line.parse().unwrap());
            let file = place.next().unwrap_or(file);
            marks.push((file.to_owned(), line, column, format!("RQ{}", pair[0].trim_start_matches("RQ"))));
        }
    }
    marks
}

fn reported(json: &str) -> Vec<Mark> {
    let problems: Vec<Value> = serde_json::from_str(json).unwrap();
    let mark = |problem: &Value| {
        let (place, text) = (&problem["place"], |value: &Value| value.as_str().unwrap().to_owned());
        (text(&place["file"]), place["line"].as_u64().unwrap(), place["column"].as_u64().unwrap(), text(&problem["code"]))
    };
    problems.iter().map(mark).collect()
}

#[test]
fn every_planted_mistake_of_a_folder_is_reported_once_at_its_line_and_column() {
    let root = repository("experiments/tests/broken");
    let mut files: Vec<String> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|name| name.ends_with(".yaml"));
    files.extend(["parts/production.conf".to_owned(), "parts/wrong-topology.yaml".to_owned()]);
    let planted: Vec<Mark> = files.iter().flat_map(|file| planted(&root, file)).collect();

    let ended = within(&root, &["validate", ".", "--format", "json"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (2, ""));
    let reported = reported(&ended.stdout);
    let (wanted, found): (BTreeSet<_>, BTreeSet<_>) = (planted.iter().collect(), reported.iter().collect());
    assert_eq!(wanted.difference(&found).collect::<Vec<_>>(), Vec::<&&Mark>::new(), "missed");
    assert_eq!(found.difference(&wanted).collect::<Vec<_>>(), Vec::<&&Mark>::new(), "invented");
    assert_eq!(reported.len(), planted.len());
    assert!(planted.len() > 100, "only {} mistakes were planted", planted.len());
}

#[test]
fn problems_are_told_on_stderr_and_the_count_on_stdout() {
    let folder = folder(&[("bad.yaml", &broken()), ("good.yaml", VALID)]);
    let ended = within(folder.path(), &["validate", "bad.yaml", "good.yaml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, "1 of 2 files are valid\n"));
    insta::assert_snapshot!(ended.stderr);
}

#[test]
fn github_gets_one_annotation_a_problem() {
    let folder = folder(&[("bad.yaml", &broken()), ("good.yaml", VALID)]);
    let ended = within(folder.path(), &["validate", ".", "--format", "github"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (2, ""));
    insta::assert_snapshot!(ended.stdout);
}

#[test]
fn valid_files_give_0_and_no_problem_in_every_format() {
    let folder = folder(&[("good.yaml", VALID)]);
    for (format, stdout) in [("human", "1 of 1 file is valid\n"), ("json", "[]\n"), ("github", "")] {
        let ended = within(folder.path(), &["validate", "good.yaml", "--format", format]);
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, stdout, ""));
    }
}

#[test]
fn the_shipped_experiments_are_valid() {
    let ended = tell(&["validate", repository("experiments/sentinel").to_str().unwrap()]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn a_warning_is_told_and_does_not_fail() {
    let folder = folder(&[("warned.yaml", &VALID.replace("duration: 20s", "duration: 5s"))]);
    let ended = within(folder.path(), &["validate", "warned.yaml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "1 of 1 file is valid\n"));
    assert!(ended.stderr.starts_with("warning[RQ0309]"), "{}", ended.stderr);
}

#[test]
fn a_folder_named_twice_or_in_two_ways_is_looked_at_once() {
    let folder = folder(&[("mine/a.yaml", VALID), ("mine/deeper/b.yml", VALID)]);
    std::os::unix::fs::symlink("a.yaml", folder.path().join("mine/link.yaml")).unwrap();
    let ended = within(folder.path(), &["validate", "mine", "mine/", "./mine/a.yaml", "mine/deeper", "lost-locks", "sentinel/lost-locks"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "3 of 3 files are valid\n"));
}

#[test]
fn a_folder_leaves_out_topology_files_other_files_results_of_runs_and_hidden_folders() {
    let topology = "version: 1\nkind: sentinel\n";
    let experiment = VALID.replace("{ kind: sentinel, config: { sentinel: { down-after-milliseconds: 1000 } } }", "set.yaml");
    let folder = folder(&[
        ("a.yaml", &experiment),
        ("set.yaml", topology),
        (".git/b.yaml", "x"),
        ("notes.md", "x"),
        ("results/a-1/run.json", "{}"),
        ("results/a-1/experiment.yaml", VALID),
        ("results/b-1/matrix.json", "{}"),
        ("results/b-1/experiment.yaml", VALID),
    ]);
    let ended = within(folder.path(), &["validate", "."]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "1 of 1 file is valid\n"), "{}", ended.stderr);
    let ended = within(folder.path(), &["validate", "set.yaml"]);
    assert_eq!(ended.code, 2, "named itself, it is held to be an experiment");
}

#[test]
fn a_folder_without_experiments_is_bad_usage() {
    let folder = folder(&[("empty/notes.md", "x"), ("parts/set.yaml", "version: 1\nkind: sentinel\n")]);
    for (name, why) in [("empty", "no .yaml or .yml file in this folder"), ("parts", "nothing but topology files")] {
        let ended = within(folder.path(), &["validate", name]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
        assert_eq!(ended.stderr, format!("redquake: {name}: {why}\n"));
    }
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_the_problems_of_others() {
    let folder = folder(&[("bad.yaml", &broken())]);
    std::os::unix::fs::symlink("nowhere", folder.path().join("dangling.yaml")).unwrap();
    for arguments in [&["validate", "."][..], &["validate", "dangling.yaml", "bad.yaml"]] {
        let ended = within(folder.path(), arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, "0 of 2 files are valid\n"));
        assert!(
            ended.stderr.contains("the file cannot be read: it is a link that leads out of the experiment's folder, or nowhere"),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains("bad.yaml:4:11"), "{}", ended.stderr);
    }
}

#[test]
fn a_binary_file_is_told_to_be_no_text() {
    let folder = folder(&[]);
    std::fs::write(folder.path().join("program.yaml"), std::fs::read(env!("CARGO_BIN_EXE_redquake")).unwrap().split_at(4096).0).unwrap();
    let ended = within(folder.path(), &["validate", "program.yaml"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.starts_with("error[RQ000"), "{}", ended.stderr);
    assert!(ended.stderr.chars().all(|c| c == '\n' || !c.is_control()), "control characters reach the terminal");
}

#[test]
fn ten_megabytes_are_refused_within_a_second() {
    let folder = folder(&[("large.yaml", &format!("{VALID}# {}\n", "x".repeat(10 << 20)))]);
    let begun = Instant::now();
    let ended = within(folder.path(), &["validate", "large.yaml"]);
    assert!(begun.elapsed() < Duration::from_secs(1), "took {:?}", begun.elapsed());
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.starts_with("error[RQ0001]") && ended.stderr.len() < 1000, "{}", ended.stderr);
}
