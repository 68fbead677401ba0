//! JUnit, Markdown, terminal and OpenMetrics, as they are read.

use redquake_reports::render::{junit, metrics, summary, terminal};
use redquake_reports::result::Document;

use crate::fixture;

fn documents() -> [(&'static str, Document); 4] {
    [
        ("pass", fixture::passing()),
        ("fail", fixture::failing()),
        ("inconclusive", fixture::inconclusive()),
        ("interrupted", fixture::interrupted()),
    ]
}

#[test]
fn junit_reads_like_this() {
    for (name, document) in documents() {
        insta::assert_snapshot!(format!("junit_{name}"), junit::render(&document));
    }
}

#[test]
fn the_summary_reads_like_this() {
    for (name, document) in documents() {
        insta::assert_snapshot!(format!("summary_{name}"), summary::render(&document));
    }
}

#[test]
fn the_terminal_reads_like_this() {
    for (name, document) in documents() {
        let options = terminal::Options { color: false, folder: Some("results/sentinel-primary-kill-20260302T091500Z-42") };
        insta::assert_snapshot!(format!("terminal_{name}"), terminal::render(&document, &options));
    }
}

#[test]
fn open_metrics_read_like_this() {
    for (name, document) in documents() {
        insta::assert_snapshot!(format!("metrics_{name}"), metrics::render(&document));
    }
}
