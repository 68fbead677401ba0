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
    assert_eq!(ended.stderr, format!("redquake: {path}: not the results folder of a run: it has no run.json\n"));
    let ended = on("report", folder.path());
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("no result.json in this folder; `redquake analyze` makes it"), "{}", ended.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}

/// The run is told, with a row for each of its two trials, and proves nothing: the second one has no whole history.
fn second_is_lost(run: &Path, status: &str, reason: &str) {
    let ended = on("analyze", run);
    assert_eq!((ended.code, ended.stderr.as_str()), (3, ""), "{}", ended.stdout);
    assert!(ended.stdout.starts_with("INCONCLUSIVE  sentinel-primary-kill"), "{}", ended.stdout);
    let result = result(run);
    let trials = result["trials"].as_array().unwrap();
    assert_eq!((trials.len(), &trials[0]["status"], &trials[1]["status"]), (2, &"conclusive".into(), &status.into()));
    let damage = trials[1]["damage"].as_str().unwrap();
    assert!(damage.starts_with(reason), "{damage}");
    assert!(ended.stdout.contains(reason), "{}", ended.stdout);
    for report in REPORTS {
        assert!(run.join(report).exists(), "{report}");
    }
}

#[test]
fn a_damaged_history_is_a_row_with_its_line_and_stops_no_other_trial() {
    let run = results();
    let path = history(run.path(), 2);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 16].fill(0xff);
    fs::write(&path, bytes).unwrap();
    second_is_lost(run.path(), "inconclusive", "the history is damaged at line ");
}

#[test]
fn an_empty_history_is_a_row() {
    let run = results();
    fs::write(history(run.path(), 2), b"").unwrap();
    second_is_lost(run.path(), "error", "the history has no beginning: it ends before its first line does");
}

#[test]
fn a_missing_history_is_a_row_whether_or_not_the_trial_left_a_folder() {
    let run = results();
    fs::remove_file(history(run.path(), 2)).unwrap();
    second_is_lost(run.path(), "error", "the history is missing");
    fs::remove_dir_all(history(run.path(), 2).parent().unwrap()).unwrap();
    second_is_lost(run.path(), "error", "the history is missing");
    let mut begun = record(run.path());
    begun["begun"] = vec![1, 2].into();
    write_record(run.path(), &begun);
    second_is_lost(run.path(), "error", "the history is missing");
}

#[test]
fn a_history_of_another_trial_is_a_row() {
    let run = results();
    fs::copy(history(run.path(), 1), history(run.path(), 2)).unwrap();
    second_is_lost(run.path(), "error", "the history is of another trial: number 1 of ");
}

#[test]
fn trials_that_never_began_are_counted_and_have_no_row() {
    let run = results_of(5, 1);
    let mut interrupted = record(run.path());
    interrupted["begun"] = vec![1].into();
    interrupted["interrupted"] = "SIGINT".into();
    write_record(run.path(), &interrupted);
    let ended = on("analyze", run.path());
    assert_eq!(ended.code, 130, "{}", ended.stdout);
    let result = result(run.path());
    assert_eq!((result["trials"].as_array().unwrap().len(), &result["not_begun"]), (1, &vec![2, 3, 4, 5].into()));
    assert!(ended.stdout.contains("4 of 5 planned trials were never begun"), "{}", ended.stdout);
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
        lag: 600_000_000,
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

#[test]
fn a_result_of_wrong_types_is_refused_in_a_short_line() {
    let run = results();
    on("analyze", run.path());
    let path = run.path().join("result.json");
    let whole = result(run.path());
    let attack = format!("\u{1b}]0;x\u{7}\n::error::x {}", "y".repeat(100_000));
    for (field, value) in [("verdict", attack.clone().into()), ("seed", attack.into()), ("trials", Value::Null), ("metrics", "x".into())] {
        let mut altered = whole.clone();
        altered[field] = value;
        fs::write(&path, altered.to_string()).unwrap();
        let ended = on("report", run.path());
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{field}");
        assert!(
            ended.stderr.contains("result.json: ") && ended.stderr.contains("`redquake analyze` recomputes it"),
            "{field}: {}",
            ended.stderr
        );
        assert!(ended.stderr.len() < 800, "{field}: {} bytes", ended.stderr.len());
        assert!(!ended.stderr.contains(['\u{1b}', '\u{7}']) && ended.stderr.lines().count() == 1, "{field}: {:?}", ended.stderr);
    }
}

#[test]
fn what_a_result_says_in_commands_and_colours_is_printed_as_text() {
    let run = results();
    on("analyze", run.path());
    let mut altered = result(run.path());
    altered["name"] = "\u{202e}\u{1b}[2J\r\n::error::name ##[error]x".into();
    altered["repro"] = "\n::set-output name=a::b".into();
    altered["residue"] = vec!["::warning::x"].into();
    fs::write(run.path().join("result.json"), altered.to_string()).unwrap();
    let ended = on("report", run.path());
    let mut written = vec![ended.stdout.clone(), ended.stderr];
    written.extend(REPORTS.map(|report| fs::read_to_string(run.path().join(report)).unwrap()));
    for text in written {
        assert!(!text.contains(['\u{202e}', '\u{1b}', '\r']), "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")) && !text.contains("##["), "{text}");
    }
    assert!(ended.stdout.contains("error::name"), "it is told all the same: {}", ended.stdout);
}
