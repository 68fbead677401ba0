//! `matrix` from the command line, without servers.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{VALID, folder, history, results_of, tell, within};

fn varied() -> String {
    format!("{VALID}matrix:\n  topology.config.sentinel.down-after-milliseconds: [1000, 2000]\n  topology.replicas: [1, 2]\n")
}

/// The results of a matrix of two cells, each a forged run of two trials.
fn results() -> tempfile::TempDir {
    let whole = tempfile::tempdir().unwrap();
    let cell = |number: u32| json!({ "folder": format!("0{number}-cell"), "label": format!("down-after={number}"), "values": [number.to_string()] });
    let record = json!({
        "format": 1, "name": "varied", "description": "", "seed": 7, "repro": "redquake run varied.yaml --seed 7",
        "source": { "path": "varied.yaml", "sha256": "0".repeat(64) },
        "axes": [{ "path": "down-after", "values": ["1", "2"] }], "cells": [cell(1), cell(2)],
        "started_at": "2025-01-01T00:00:00Z", "ended_at": "2025-01-01T00:02:00Z",
    });
    fs::write(whole.path().join("matrix.json"), record.to_string()).unwrap();
    for number in 1..=2 {
        let to = whole.path().join(format!("0{number}-cell"));
        fs::rename(results_of(2, 2).keep(), &to).unwrap();
    }
    whole
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

const REPORTS: [&str; 6] = ["report.html", "junit.xml", "summary.md", "metrics.txt", "metrics.prom", "result.json"];

#[test]
fn validate_says_how_many_cells_a_file_has() {
    let folder = folder(&[("varied.yaml", &varied())]);
    let ended = within(folder.path(), &["validate", "varied.yaml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "varied.yaml: a matrix of 4 cells\n1 of 1 file is valid\n"), "{}", ended.stderr);
}

#[test]
fn plan_lists_the_cells_with_their_predictions_and_the_same_seed() {
    let folder = folder(&[("varied.yaml", &varied())]);
    let ended = within(folder.path(), &["plan", "varied.yaml", "--seed", "5", "--runtime", "process"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.starts_with("valid: a matrix of 4 cells\n"), "{}", ended.stdout);
    let json = within(folder.path(), &["plan", "varied.yaml", "--seed", "5", "--runtime", "process", "--json"]);
    let plan: Value = serde_json::from_str(&json.stdout).unwrap();
    let cells = plan["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 4);
    assert_eq!(cells[3]["label"], "down-after-milliseconds=2000, replicas=2");
    assert!(cells.iter().all(|cell| cell["plan"]["seed"] == 5 && cell["plan"]["trials"] == cells[0]["plan"]["trials"]));
}

#[test]
fn a_problem_of_one_cell_points_into_the_matrix_and_nothing_is_run() {
    let folder = folder(&[("varied.yaml", &varied().replace("[1, 2]", "[1, 99]"))]);
    let ended = within(folder.path(), &["run", "varied.yaml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("varied.yaml:11:26") && ended.stderr.contains("replicas=99"), "{}", ended.stderr);
    assert!(!folder.path().join("results").exists());
}

#[test]
fn analyze_recomputes_every_cell_and_the_whole_and_report_renders_them_again() {
    let run = results();
    let path = run.path().to_str().unwrap();
    let ended = tell(&["analyze", path]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    assert!(ended.stdout.starts_with("PASS  varied  (2 cells, 4 trials, seed 7)"), "{}", ended.stdout);
    let whole = read(&run.path().join("result.json"));
    assert_eq!(whole["cells"].as_array().unwrap().len(), 2);
    let mut before = Vec::new();
    for folder in ["", "01-cell", "02-cell"] {
        for report in REPORTS {
            let file = run.path().join(folder).join(report);
            before.push((file.clone(), fs::read(&file).unwrap()));
            if report != "result.json" {
                fs::remove_file(file).unwrap();
            }
        }
    }
    let again = tell(&["report", path]);
    assert_eq!((again.code, again.stdout), (0, ended.stdout));
    for (file, bytes) in before {
        assert!(fs::read(&file).unwrap() == bytes, "{}", file.display());
    }
    // A cell is an ordinary results folder.
    assert_eq!(tell(&["analyze", run.path().join("02-cell").to_str().unwrap()]).code, 0);
}

#[test]
fn a_cell_that_proves_nothing_makes_the_whole_prove_nothing() {
    let run = results();
    let cell = run.path().join("02-cell");
    for trial in 1..=2 {
        let bytes = fs::read(history(&cell, trial)).unwrap();
        fs::write(history(&cell, trial), &bytes[..bytes.len() / 3]).unwrap();
    }
    let ended = tell(&["analyze", run.path().to_str().unwrap()]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    assert!(ended.stdout.starts_with("INCONCLUSIVE  varied"), "{}", ended.stdout);
}

#[test]
fn a_cell_that_lies_elsewhere_is_refused_and_nothing_is_written_there() {
    let victim = tempfile::tempdir().unwrap();
    fs::rename(results_of(1, 1).keep(), victim.path().join("run")).unwrap();
    let elsewhere = victim.path().join("run");
    let before = fs::read_dir(&elsewhere).unwrap().count();
    let whole = results();
    assert!(matches!(tell(&["analyze", whole.path().to_str().unwrap()]).code, 0 | 1 | 3));
    std::os::unix::fs::symlink(&elsewhere, whole.path().join("linked")).unwrap();
    let absolute = elsewhere.to_str().unwrap().to_owned();
    for folder in [absolute.as_str(), "../run", "01-cell/../01-cell", ".", "", "linked", "01-cell/"] {
        for (command, file) in [("analyze", "matrix.json"), ("report", "result.json")] {
            let path = whole.path().join(file);
            let (text, mut altered) = (fs::read(&path).unwrap(), read(&path));
            altered["cells"][0]["folder"] = folder.into();
            fs::write(&path, altered.to_string()).unwrap();
            let ended = tell(&[command, whole.path().to_str().unwrap()]);
            assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{command} {folder}");
            assert!(ended.stderr.contains("is not one of this folder's own"), "{}", ended.stderr);
            fs::write(&path, text).unwrap();
        }
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), before);
}
