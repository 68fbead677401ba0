//! `junit.xml` of a matrix: a suite a cell, a case an assertion, and one for whether the trials prove anything.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use redquake_experiments::shown;
use redquake_experiments::spec::Severity;

use super::figures::figure;
use crate::result::{AssertionResult, MatrixCell, MatrixDocument, Verdict};

/// The document as JUnit XML.
pub fn render(document: &MatrixDocument) -> String {
    let mut report = Report::new("redquake");
    for cell in &document.cells {
        let mut suite = TestSuite::new(format!("{} [{}]", document.name, cell.label));
        suite.timestamp = document.started_at.parse().ok();
        for (axis, value) in document.axes.iter().zip(&cell.values) {
            suite.add_property(Property::new(axis.path.as_str(), value.as_str()));
        }
        suite.add_property(Property::new("seed", document.seed.to_string()));
        suite.add_property(Property::new("server", cell.server.as_str()));
        for name in &document.compared {
            let figure = figure(cell, name);
            suite.add_property(Property::new(name.as_str(), format!("{} ({})", figure.value, figure.sure)));
        }
        for assertion in &cell.assertions {
            suite.add_test_case(asserted(document, cell, assertion));
        }
        suite.add_test_case(proved(document, cell));
        report.add_test_suite(suite);
    }
    report.timestamp = document.started_at.parse().ok();
    report.set_time(took(document));
    let mut xml = report.to_string().expect("writing XML into memory does not fail");
    if !xml.ends_with('\n') {
        xml.push('\n');
    }
    shown::lines(&xml).into_owned()
}

fn asserted(document: &MatrixDocument, cell: &MatrixCell, one: &AssertionResult) -> TestCase {
    let message = format!("{}; limit {}", one.actual_text, one.expect);
    let status = match one.verdict {
        Verdict::Fail if one.severity == Severity::Error => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("assertion").set_message(message.as_str()).set_description(described(document, one));
            status
        }
        Verdict::Pass | Verdict::Fail => TestCaseStatus::success(),
        Verdict::Inconclusive if one.severity == Severity::Warn => {
            let mut status = TestCaseStatus::skipped();
            status.set_type("inconclusive").set_message(format!("{message}: {}", one.reason));
            status
        }
        Verdict::Inconclusive | Verdict::Error => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("inconclusive").set_message(format!("{message}: {}", one.reason)).set_description(described(document, one));
            status
        }
    };
    let mut case = TestCase::new(format!("{} {}", one.metric, one.expect), status);
    case.set_classname(format!("{}.{}.assert", document.name, cell.folder));
    if one.verdict == Verdict::Fail && one.severity == Severity::Warn {
        case.set_system_out(format!("warning: {message}. {}", one.reason));
    } else if one.verdict == Verdict::Pass {
        let vacuous = one.vacuous.as_ref().map_or_else(String::new, |why| format!("\nwarning: vacuous, it could not have failed: {why}"));
        case.set_system_out(format!("{message}{vacuous}"));
    }
    if let Some(location) = &one.location {
        case.extra.insert("file".into(), location.file.as_str().into());
        case.extra.insert("line".into(), location.line.to_string().into());
    }
    case
}

fn described(document: &MatrixDocument, one: &AssertionResult) -> String {
    let place = one.location.as_ref().map(|at| format!("{}:{}:{}\n", at.file, at.line, at.column)).unwrap_or_default();
    format!("{place}{}\nrepeat with: {}", one.reason, document.repro)
}

/// A cell that passes or fails has proved something; any other has not, whatever it asserts.
fn proved(document: &MatrixDocument, cell: &MatrixCell) -> TestCase {
    let status = match cell.verdict {
        Verdict::Pass | Verdict::Fail if matches!(cell.exit_code, 0 | 1) => TestCaseStatus::success(),
        _ => {
            let own = document.reasons.iter().filter_map(|reason| reason.strip_prefix(&format!("{}: ", cell.label)));
            let own: Vec<&str> = own.collect();
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            let first = own.first().copied().unwrap_or("the trials prove nothing");
            status.set_type(cell.verdict.as_str()).set_message(first).set_description(own.join("\n"));
            status
        }
    };
    let mut case = TestCase::new(format!("{} of {} trials conclusive", cell.conclusive, cell.trials), status);
    case.set_classname(format!("{}.{}.trials", document.name, cell.folder));
    case
}

fn took(document: &MatrixDocument) -> Duration {
    let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
    match (instant(&document.started_at), instant(&document.ended_at)) {
        (Some(start), Some(end)) => Duration::try_from(end.duration_since(start)).unwrap_or_default(),
        _ => Duration::ZERO,
    }
}
