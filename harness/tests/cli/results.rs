//! `redquake analyze` and `redquake report`, on histories that were forged.

use std::fs;
use std::path::Path;

use redquake_reports::testing::{FailoverParams, failover_history, stored};
use serde_json::Value;

use crate::support::{Ended, folder, history, record, results, results_of, tell, write_record};

const REPORTS: [&str; 6] = ["result.json", "report.html", "junit.xml", "summary.md", "metrics.txt", "metrics.prom"];

fn on(command: &str, folder: &Path) -> Ended {
    tell(&[command, folder.to_str().unwrap()])
}

fn result(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("result.json")).unwrap()).unwrap()
}

#[test]
fn a_run_that_ended_in_order_is_analysed_and_told_on_stdout() {
    let run = results();
    let ended = on("analyze", run.path());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    for report in REPORTS {
        assert!(run.path().join(report).metadata().unwrap().len() > 100, "{report}");
    }
    assert!(ended.stdout.starts_with("PASS  sentinel-primary-kill"), "{}", ended.stdout);
    assert!(ended.stdout.contains(&format!("{}/report.html", run.path().display())), "{}", ended.stdout);
}

#[test]
fn analysing_twice_gives_the_same_bytes_and_report_renders_them_from_the_result_alone() {
    let run = results();
    let first = on("analyze", run.path());
    let bytes = || REPORTS.map(|report| fs::read(run.path().join(report)).unwrap());
    let written = bytes();
    assert_eq!(on("analyze", run.path()).stdout, first.stdout);
    assert_eq!(bytes(), written);

    for trial in 1..=2 {
        fs::remove_file(history(run.path(), trial)).unwrap();
    }
    fs::remove_file(run.path().join("run.json")).unwrap();
    for report in &REPORTS[1..] {
        fs::remove_file(run.path().join(report)).unwrap();
    }
    let ended = on("report", run.path());
    assert_eq!((ended.code, ended.stdout.as_str()), (first.code, first.stdout.as_str()));
    assert_eq!(bytes(), written);
}

#[test]
fn a_folder_that_is_no_run_is_told_so() {
    let folder = folder(&[]);
    let ended = on("analyze", folder.path());
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    let path = folder.path().display();
    assert_eq!(
        ended.stderr,
        format!("redquake: {path}/run.json: No such file or directory (os error 2); is this the folder of one run?\n")
    );
    let ended = on("report", folder.path());
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("`redquake analyze` recomputes it"), "{}", ended.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn a_damaged_history_is_told_with_its_line_and_changes_no_report() {
    let run = results();
    on("analyze", run.path());
    let before = fs::read(run.path().join("result.json")).unwrap();
    let path = history(run.path(), 2);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 16].fill(0xff);
    fs::write(&path, bytes).unwrap();

    let ended = on("analyze", run.path());
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    let told = ended.stderr.strip_prefix(&format!("redquake: {}: line ", path.display())).expect(&ended.stderr);
    assert!(told.split_once(" is damaged: ").is_some_and(|(line, _)| line.parse::<u64>().unwrap() > 1), "{}", ended.stderr);
    assert_eq!(fs::read(run.path().join("result.json")).unwrap(), before);
}

#[test]
fn a_run_that_was_cut_off_still_gives_a_report_and_proves_nothing() {
    let run = results_of(3, 2);
    let path = history(run.path(), 2);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let mut killed = record(run.path());
    killed["ended_at"] = Value::Null;
    write_record(run.path(), &killed);

    let ended = on("analyze", run.path());
    assert_eq!((ended.code, ended.stderr.as_str()), (3, ""), "{}", ended.stdout);
    let result = result(run.path());
    assert_eq!(result["exit_code"], 3);
    assert_eq!(result["trials"][0]["status"], "conclusive");
    assert_eq!(result["trials"][1]["status"], "inconclusive");
    assert_eq!(result["trials"].as_array().unwrap().len(), 2);
    for report in REPORTS {
        assert!(run.path().join(report).exists(), "{report}");
    }
    assert!(ended.stdout.starts_with("INCONCLUSIVE  sentinel-primary-kill"), "{}", ended.stdout);
    assert!(ended.stdout.contains("cut off"), "{}", ended.stdout);
}

#[test]
fn a_history_that_ends_within_its_first_line_is_told() {
    let run = results();
    fs::write(history(run.path(), 1), b"").unwrap();
    let ended = on("analyze", run.path());
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("not a history: it ends before its first line does"), "{}", ended.stderr);
}

#[test]
fn results_of_another_version_are_refused_by_name() {
    let run = results();
    on("analyze", run.path());
    let mut future = result(run.path());
    future["schema_version"] = 99.into();
    fs::write(run.path().join("result.json"), future.to_string()).unwrap();
    let ended = on("report", run.path());
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("schema version 99"), "{}", ended.stderr);

    let mut future = record(run.path());
    future["format"] = 99.into();
    write_record(run.path(), &future);
    let ended = on("analyze", run.path());
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("format 99"), "{}", ended.stderr);
}

#[test]
fn every_anomaly_is_in_a_file_beside_its_history_as_often_as_the_result_counts_it() {
    let lossy = FailoverParams {
        lag: 400_000_000,
        hold: 4_000_000_000,
        ttl: 10_000_000_000,
        keys: 400,
        duration: 20_000_000_000,
        ..FailoverParams::default()
    };
    let run = results();
    fs::write(history(run.path(), 1), stored(&failover_history(&lossy))).unwrap();
    on("analyze", run.path());
    let trials = result(run.path())["trials"].as_array().unwrap().clone();
    let file = run.path().join(trials[0]["anomalies_file"].as_str().unwrap());
    let lines = zstd_lines(&file);
    let told: u64 = trials[0]["anomaly_counts"].as_array().unwrap().iter().map(|one| one["total"].as_u64().unwrap()).sum();
    assert!(told > 50, "more than a result lists of one kind: {told}");
    assert_eq!(lines.len() as u64, told);
    for line in &lines {
        let one: Value = serde_json::from_str(line).unwrap();
        assert!(one["kind"].is_string() && one["text"].is_string(), "{line}");
    }
    // A trial without any has no file, also where an earlier analysis left one.
    assert!(trials[1].get("anomalies_file").is_none());
    fs::write(history(run.path(), 1), stored(&failover_history(&FailoverParams::default()))).unwrap();
    on("analyze", run.path());
    assert!(!file.exists() || result(run.path())["trials"][0].get("anomalies_file").is_some());
}

fn zstd_lines(file: &Path) -> Vec<String> {
    let bytes = zstd::decode_all(fs::File::open(file).unwrap()).unwrap();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}
