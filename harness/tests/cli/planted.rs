//! Results folders in which somebody has planted links and places to write to: nothing beyond the folder is read or changed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{history, results, results_of, tell};

const WORDS: &str = "of somebody else";

/// A file and a folder that are none of the tool's business.
struct Outside(tempfile::TempDir);

impl Outside {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), WORDS).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn is_untouched(&self) {
        assert_eq!(fs::read_to_string(self.path("file")).unwrap(), WORDS);
        assert_eq!(fs::read_dir(self.path("folder")).unwrap().count(), 0);
        assert_eq!(fs::read_dir(self.0.path()).unwrap().count(), 2);
    }
}

fn on(command: &str, folder: &Path) -> (i32, String) {
    let ended = tell(&[command, folder.to_str().unwrap()]);
    (ended.code, format!("{}{}", ended.stdout, ended.stderr))
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().unwrap().is_file()
}

#[test]
fn links_in_place_of_reports_are_replaced_and_not_followed() {
    let (run, outside) = (results(), Outside::new());
    let reports = ["report.html", "junit.xml", "summary.md", "metrics.txt", "metrics.prom", "result.json"];
    let plant = |names: &[&str]| {
        for name in names {
            let _ = fs::remove_file(run.path().join(name));
            symlink(outside.path("file"), run.path().join(name)).unwrap();
        }
    };
    plant(&reports);
    plant(&[".report.html.part", ".result.json.part"]);
    assert_eq!(on("analyze", run.path()).0, 0);
    assert!(reports.iter().all(|name| is_file(&run.path().join(name))));
    outside.is_untouched();
    plant(&reports[..5]);
    assert_eq!(on("report", run.path()).0, 0);
    assert!(reports.iter().all(|name| is_file(&run.path().join(name))));
    outside.is_untouched();
}

#[test]
fn links_in_place_of_a_history_a_trial_or_a_record_are_not_read() {
    let outside = Outside::new();
    let run = results();
    fs::rename(history(run.path(), 1), outside.path("moved")).unwrap();
    symlink(outside.path("moved"), history(run.path(), 1)).unwrap();
    let folder = history(run.path(), 2).parent().unwrap().to_owned();
    fs::rename(&folder, outside.path("trial")).unwrap();
    symlink(outside.path("trial"), &folder).unwrap();
    let (code, output) = on("analyze", run.path());
    assert_eq!(code, 4, "{output}");
    assert!(output.contains("trial 1: the history cannot be read: it is a link"), "{output}");
    assert!(output.contains("1 of 2 planned trials was never begun"), "{output}");
    assert_eq!(fs::read_dir(outside.path("trial")).unwrap().count(), 1, "something was written beside the history");

    for record in ["run.json", "result.json"] {
        let run = results();
        fs::write(run.path().join("result.json"), "{}").unwrap();
        fs::remove_file(run.path().join(record)).unwrap();
        symlink("/proc/self/environ", run.path().join(record)).unwrap();
        let (code, output) = on(if record == "run.json" { "analyze" } else { "report" }, run.path());
        assert_eq!(code, 2, "{output}");
        assert!(!output.contains("PATH="), "{output}");
    }
}

#[test]
fn a_matrix_names_no_cell_beyond_its_folder() {
    let outside = Outside::new();
    let place = tempfile::tempdir().unwrap();
    let cell = place.path().join("cell");
    fs::rename(results_of(2, 2).keep(), &cell).unwrap();
    let whole = place.path().join("whole");
    fs::create_dir_all(whole.join("deeper")).unwrap();
    symlink(&cell, whole.join("linked")).unwrap();
    symlink(outside.path("folder"), whole.join("empty")).unwrap();
    for named in ["../cell", "deeper/../../cell", cell.to_str().unwrap(), "linked", "empty", "", ".", "..", "no-such-cell"] {
        let record = json!({
            "format": 1, "name": "varied", "description": "", "seed": 7, "repro": "redquake run varied.yaml --seed 7",
            "source": { "path": "varied.yaml", "sha256": "0".repeat(64) },
            "axes": [{ "path": "lag", "values": ["1"] }], "cells": [{ "folder": named, "label": "lag=1", "values": ["1"] }],
            "started_at": "2025-01-01T00:00:00Z", "ended_at": "2025-01-01T00:02:00Z",
        });
        fs::write(whole.join("matrix.json"), record.to_string()).unwrap();
        let (code, output) = on("analyze", &whole);
        assert_ne!(code, 0, "{named:?}: {output}");
        assert_ne!(code, 70, "{named:?}: {output}");
        assert!(!cell.join("report.html").exists(), "{named:?} was written to");
        outside.is_untouched();
    }
}
