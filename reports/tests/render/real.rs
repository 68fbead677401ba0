//! Pages of runs that were analysed from forged histories: what analysis says and what reports show fit together.

use redquake_reports::analysis::{Assembly, analyze_events, assemble};
use redquake_reports::history::Event;
use redquake_reports::render::{html, junit, metrics, summary, terminal};
use redquake_reports::result::{Document, Environment, Location, Source, Verdict};
use redquake_reports::testing::{FailoverParams, failover_history, plan};

const MS: u64 = 1_000_000;

/// Five trials of one course of events, each with choices of its own.
pub fn run(change: impl Fn(&mut FailoverParams)) -> Document {
    let params = |trial: u32| {
        let mut params = FailoverParams { trial, seed: u64::from(trial) * 100, ..FailoverParams::default() };
        change(&mut params);
        params
    };
    let trials = (1..=5).map(|trial| {
        let events = failover_history(&params(trial));
        let Some(Event::Header(header)) = events.first() else { panic!("a history begins with its header") };
        let mut trial = analyze_events(header, &events[1..]);
        trial.history = format!("trial-{:03}/history.ndjson.zst", trial.index);
        trial
    });
    let place = |line| Some(Location { file: "experiments/sentinel/primary-kill.yaml".to_owned(), line, column: 5 });
    assemble(Assembly {
        tool_version: "0.1.0".to_owned(),
        plan: plan(&params(1)),
        cell: None,
        until: None,
        source: Source { path: "experiments/sentinel/primary-kill.yaml".to_owned(), sha256: "9f2c".repeat(16) },
        locations: vec![place(24), place(25), place(26)],
        environment: Environment {
            runtime: "docker 20.10.24 (API 1.41)".to_owned(),
            server: "redis 7.0.15".to_owned(),
            server_source: "built from Debian bookworm packages".to_owned(),
            kernel: "6.1.0-21-amd64".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 4,
            memory: 16_777_216_000,
        },
        repro: "redquake run experiments/sentinel/primary-kill.yaml --seed 42".to_owned(),
        started_at: "2026-03-02T09:15:00Z".to_owned(),
        ended_at: Some("2026-03-02T09:17:08Z".to_owned()),
        interrupted: None,
        residue: Vec::new(),
        not_begun: Vec::new(),
        not_repeated: None,
        trials: trials.collect(),
    })
}

fn cases() -> Vec<(&'static str, Document)> {
    vec![
        ("real", run(|_| ())),
        (
            "real-double",
            run(|params| {
                params.lag = 300 * MS;
                params.hold = 3_000 * MS;
                params.ttl = 8_000 * MS;
                params.keys = 500;
                params.rate = 100;
            }),
        ),
        (
            "real-retry",
            run(|params| {
                params.failed_attempts = 1;
                params.failover_timeout = 2_000 * MS;
            }),
        ),
        ("real-stuck", run(|params| params.recovers = false)),
    ]
}

#[test]
fn an_analysed_run_becomes_every_report() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("render");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, document) in cases() {
        let page = html::render(&document);
        std::fs::write(folder.join(format!("{name}.html")), &page).unwrap();
        std::fs::write(folder.join(format!("{name}.json")), serde_json::to_string(&document).unwrap()).unwrap();
        let text = crate::html::parse(&page).text;
        for anomaly in document.trials.iter().flat_map(|trial| &trial.anomalies).take(20) {
            assert!(text.contains(&anomaly.text), "{name}: {}", anomaly.text);
        }
        for (metric, summary) in &document.metrics {
            assert!(text.contains(metric.as_str()) && text.contains(&summary.meaning.replace('`', "")), "{name}: {metric}");
        }
        for part in document.trials.iter().flat_map(|trial| &trial.failovers).flat_map(|failover| &failover.parts) {
            assert!(!page.contains("chip p7"), "{name}: no part is unknown to the page, {} neither", part.name);
        }
        let report = quick_junit::Report::deserialize_from_str(&junit::render(&document)).unwrap();
        assert_eq!(report.test_suites[0].test_cases.len(), document.assertions.len() + document.trials.len() + 1);
        assert!(summary::render(&document).len() <= summary::MAX_BYTES);
        assert!(metrics::render(&document).ends_with("# EOF\n"));
        println!("{}", terminal::render(&document, &terminal::Options::default()));
    }
}

#[test]
fn a_lock_with_two_holders_is_told_in_the_first_sentence() {
    let document = run(|params| {
        params.lag = 300 * MS;
        params.hold = 4_000 * MS;
        params.ttl = 8_000 * MS;
        params.keys = 64;
    });
    assert_eq!(document.verdict, Verdict::Fail);
    let sentence = redquake_reports::render::sentence(&document);
    assert!(sentence.contains("times a lock had two holders at once"), "{sentence}");
    assert!(sentence.contains("locks.double_acquired count == 0"), "{sentence}");
}
