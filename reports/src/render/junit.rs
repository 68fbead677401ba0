//! `junit.xml`: what CI systems read. Suite = experiment; a case per assertion, per trial, and one for clean-up.
//!
//! `<failure>` means an assertion does not hold, `<error>` that the run proves nothing or the environment failed, `<skipped>` a trial that counts for
//! nothing in a run that was decided without it. Missed warnings go to `system-out`, so that they never turn a suite red. Characters that XML forbids are removed.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use redquake_experiments::shown;
use redquake_experiments::spec::Severity;

use super::anomalies;
use super::{facts, number, projection, words};
use crate::result::{AnomalyKind, AssertionResult, Document, Trial, TrialStatus, Verdict};

/// The document as JUnit XML.
pub fn render(document: &Document) -> String {
    let mut suite = TestSuite::new(facts::title(document));
    // The field's type comes from a crate that is not ours to name; parsing infers it.
    suite.timestamp = document.started_at.parse().ok();
    let time = run_time(document);
    suite.set_time(time);
    for (name, value) in properties(document) {
        suite.add_property(Property::new(name, value));
    }
    for warning in words::warnings(document) {
        suite.add_property(Property::new("warning", warning));
    }
    for projection in projection::sentences(document) {
        suite.add_property(Property::new("projection", projection));
    }
    for assertion in &document.assertions {
        suite.add_test_case(assertion_case(document, assertion));
    }
    for trial in &document.trials {
        suite.add_test_case(trial_case(document, trial));
    }
    if document.trials.is_empty() {
        let reason = document.reasons.first().map_or("no trial was completed", String::as_str);
        suite.add_test_case(case(document, "trial", "at least one trial was completed", error("environment", reason, &document.reasons)));
    }
    suite.add_test_case(case(document, "cleanup", "nothing was left behind", residue_status(&document.residue)));

    let mut report = Report::new("redquake");
    report.timestamp = suite.timestamp;
    report.set_time(time);
    report.add_test_suite(suite);
    let mut xml = report.to_string().expect("writing XML into memory does not fail");
    if !xml.ends_with('\n') {
        xml.push('\n');
    }
    shown::lines(&xml).into_owned()
}

fn properties(document: &Document) -> Vec<(&'static str, String)> {
    let environment = &document.environment;
    let mut list = vec![
        ("verdict", document.verdict.as_str().to_owned()),
        ("exit_code", document.exit_code.to_string()),
        ("seed", document.seed.to_string()),
        ("repro", document.repro.clone()),
        ("server", environment.server.clone()),
        ("server_source", environment.server_source.clone()),
        ("runtime", environment.runtime.clone()),
        ("kernel", environment.kernel.clone()),
        ("tool", format!("{} {}", document.tool.name, document.tool.version)),
        ("source", document.source.path.clone()),
        ("source_sha256", document.source.sha256.clone()),
    ];
    for name in [facts::WRITE_GAP, facts::CLIENT_GAP] {
        if let Some(metric) = document.metrics.get(name) {
            list.push((name, format!("{} ({})", number::sample(metric.unit, metric.median), facts::spread_text(metric))));
        }
    }
    list
}

fn assertion_case(document: &Document, assertion: &AssertionResult) -> TestCase {
    let actual = facts::actual(document, assertion);
    let message = format!("{actual}; limit {}", assertion.expect);
    let status = match assertion.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail if assertion.severity == Severity::Warn => TestCaseStatus::success(),
        Verdict::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("assertion").set_message(message.as_str()).set_description(evidence(document, assertion));
            status
        }
        // What is only a warning turns no suite red.
        Verdict::Inconclusive if assertion.severity == Severity::Warn => {
            skipped("inconclusive", &format!("{message}: {}", assertion.reason))
        }
        Verdict::Inconclusive => error("inconclusive", &format!("{message}: {}", assertion.reason), &[evidence(document, assertion)]),
        Verdict::Error => error("environment", &format!("{message}: {}", assertion.reason), &[evidence(document, assertion)]),
    };
    let mut case = case(document, "assert", &format!("{} {}", assertion.metric, assertion.expect), status);
    if facts::verdict_word(assertion) == "warn" {
        case.set_system_out(format!("warning: {message}. {}", assertion.reason));
    } else if assertion.verdict == Verdict::Pass {
        let vacuous =
            assertion.vacuous.as_ref().map_or_else(String::new, |why| format!("\nwarning: vacuous, it could not have failed: {why}"));
        case.set_system_out(format!("{message}{vacuous}"));
    }
    if let Some(location) = &assertion.location {
        case.extra.insert("file".into(), location.file.as_str().into());
        case.extra.insert("line".into(), location.line.to_string().into());
    }
    case
}

/// What stands behind a missed assertion: the reason, every trial's value and the parts of the gap.
fn evidence(document: &Document, assertion: &AssertionResult) -> String {
    let mut lines = Vec::new();
    if !assertion.reason.is_empty() {
        lines.push(assertion.reason.clone());
    }
    if let Some(location) = &assertion.location {
        lines.push(format!("{}:{}:{}", location.file, location.line, location.column));
    }
    if let Some(metric) = document.metrics.get(&assertion.metric) {
        let values: Vec<_> =
            metric.samples.iter().map(|(trial, sample)| format!("trial {trial}: {}", number::sample(metric.unit, *sample))).collect();
        lines.push(values.join(", "));
        lines.push(format!("measured as: {}", metric.meaning));
    }
    if [facts::WRITE_GAP, facts::CLIENT_GAP, facts::LIBRARY_COST].contains(&assertion.metric.as_str()) {
        let wanted = |name: &str| match assertion.metric.as_str() {
            facts::WRITE_GAP => facts::is_server_part(name),
            facts::LIBRARY_COST => !facts::is_server_part(name),
            _ => true,
        };
        let parts = facts::parts(document);
        let parts: Vec<_> = parts.iter().filter(|part| wanted(&part.name)).collect();
        let parts: Vec<_> = parts.iter().map(|part| format!("{} {}", part.name, part.median())).collect();
        if !parts.is_empty() {
            lines.push(format!("parts (median): {}", parts.join(", ")));
        }
    }
    lines.push(format!("repeat with: {}", document.repro));
    lines.join("\n")
}

fn trial_case(document: &Document, trial: &Trial) -> TestCase {
    let again = document.trials.iter().find(|other| other.repeats == Some(trial.index));
    let decided = matches!(document.verdict, Verdict::Pass | Verdict::Fail);
    let status = match trial.status {
        TrialStatus::Conclusive => TestCaseStatus::success(),
        // It counts for nothing, and the run has an answer without it.
        _ if again.is_some() || decided => {
            let repeat = again.map_or_else(String::new, |again| format!(", repeated as trial {}", again.index));
            skipped("not judged", &format!("not judged{repeat}: {}", first(&trial.reasons, "the trial proves nothing")))
        }
        TrialStatus::Inconclusive => error("inconclusive", &first(&trial.reasons, "the trial proves nothing"), &trial.reasons),
        TrialStatus::Error => error("environment", &first(&trial.reasons, "the environment failed"), &trial.reasons),
    };
    let mut case =
        case(document, "trial", &format!("trial {}: steady state reached, every fault proved and reverted", trial.index), status);
    case.set_time(Duration::from_nanos(trial.end));
    let mut lines: Vec<String> = trial
        .faults
        .iter()
        .map(|fault| format!("fault {} ({} {}): {}", fault.name, fault.action, fault.targets.join(", "), fault.proof))
        .collect();
    lines.extend(trial.remarks.iter().map(|remark| format!("remark: {remark}")));
    for one in anomalies::counts(trial) {
        let (total, kind) = (number::count(one.total as f64), facts::anomaly_name(one.kind));
        let (first, last) = (number::instant(one.first, trial.zero), number::instant(one.last, trial.zero));
        let what = if one.kind == AnomalyKind::PossibleDouble { "no anomaly" } else { "anomalies" };
        lines.push(format!("{what}: {total} {kind} of {}, {first} to {last}", one.workload));
    }
    if !trial.anomalies_file.is_empty() {
        lines.push(format!("all of them: {}", trial.anomalies_file));
    }
    if !lines.is_empty() {
        case.set_system_out(lines.join("\n"));
    }
    case
}

fn residue_status(residue: &[String]) -> TestCaseStatus {
    if residue.is_empty() {
        return TestCaseStatus::success();
    }
    let left = number::plural(residue.len() as u64, "object could not be removed", "objects could not be removed");
    error("residue", &format!("{left}; run `redquake clean`"), residue)
}

fn case(document: &Document, group: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("{}.{group}", document.name));
    case
}

fn skipped(kind: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_type(kind).set_message(message);
    status
}

fn error(kind: &str, message: &str, lines: &[String]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(kind).set_message(message).set_description(lines.join("\n"));
    status
}

fn first(reasons: &[String], otherwise: &str) -> String {
    reasons.first().cloned().unwrap_or_else(|| otherwise.to_owned())
}

fn run_time(document: &Document) -> Duration {
    let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
    match (instant(&document.started_at), instant(&document.ended_at)) {
        (Some(start), Some(end)) => Duration::try_from(end.duration_since(start)).unwrap_or_default(),
        _ => Duration::ZERO,
    }
}
