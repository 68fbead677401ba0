//! Totals are totals, one kind takes no room from another, and trials that were not judged stand apart.

use redquake_reports::render::{html, junit, summary, terminal};
use redquake_reports::result::{Anomaly, AnomalyCount, AnomalyKind, Document, TrialStatus, Verdict};

use crate::fixture;
use crate::html::parse;

const MS: u64 = 1_000_000;

/// A kind of anomalies of one trial, of which 50 are listed.
fn add(document: &mut Document, place: usize, kind: AnomalyKind, total: u64) {
    let trial = &mut document.trials[place];
    let from = trial.zero + 4_000 * MS;
    let last = from + total * 60 * MS;
    let text = |n: u64| format!("{kind:?} number {n} of trial {}", trial.index);
    let one = |n: u64| Anomaly { kind, workload: "w".to_owned(), key: 1, from: from + n * 60 * MS, to: None, text: text(n) };
    let listed: Vec<Anomaly> = (0..total.min(50)).map(one).collect();
    trial.anomaly_counts.push(AnomalyCount {
        kind,
        workload: "w".to_owned(),
        total,
        listed: listed.len() as u64,
        first: from,
        last,
        spans: vec![[from, last, total]],
    });
    trial.anomalies_total += total;
    trial.anomalies_file = format!("trial-{:03}/anomalies.ndjson.zst", trial.index);
    trial.anomalies.extend(listed);
}

fn harmed() -> Document {
    let mut document = fixture::passing();
    add(&mut document, 0, AnomalyKind::ChargedTwice, 495);
    add(&mut document, 0, AnomalyKind::LostWrite, 11_345);
    add(&mut document, 1, AnomalyKind::OverAdmitted, 77);
    document.trials[1].status = TrialStatus::Inconclusive;
    document.trials[1].reasons = vec!["the machine was too busy".to_owned()];
    document
}

fn everywhere(document: &Document) -> [(&'static str, String); 3] {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    [
        ("terminal", flat(&terminal::render(document, &terminal::Options::default()))),
        ("summary", flat(&summary::render(document))),
        ("page", flat(&parse(&html::render(document)).text)),
    ]
}

#[test]
fn every_report_tells_true_totals_of_every_kind() {
    let document = harmed();
    for (name, text) in everywhere(&document) {
        assert!(text.contains("11,840"), "{name}: the total: {text}");
        assert!(text.contains("495") && text.contains("11,345"), "{name}: each kind: {text}");
        assert!(text.contains("anomalies.ndjson.zst"), "{name}: where all of them are");
    }
    let page = parse(&html::render(&document)).text;
    for kind in ["ChargedTwice number 0", "LostWrite number 0"] {
        assert!(page.contains(kind), "a row of each kind: {kind}");
    }
    assert!(page.contains("Evidence: 100 of 11,840"));
    let report = junit::render(&document);
    assert!(report.contains("anomalies: 495 charged twice of w") && report.contains("anomalies: 11,345 lost write of w"), "{report}");
}

#[test]
fn a_lane_reaches_to_the_last_anomaly_and_counts_all() {
    let document = harmed();
    let page = html::render(&document);
    let last = (4_000 + 495 * 60) as f64 / 1e3;
    assert!(page.contains(&format!("<title>495 charged twice of w, T+4.000 s to T+{last:.3} s</title>")), "the lane of all 495");
    assert!(
        parse(&page).text.contains("495 charged twice, 11,345 lost write")
            || parse(&page).text.contains("11,345 lost write, 495 charged twice")
    );
}

#[test]
fn trials_that_were_not_judged_stand_apart_and_count_for_nothing() {
    let document = harmed();
    for (name, text) in everywhere(&document) {
        assert!(!text.contains("11,917"), "{name}: nothing is added up");
        assert!(text.contains("not judged"), "{name}: {text}");
        assert!(text.contains("77"), "{name}: and nothing is hidden: {text}");
    }
    let page = parse(&html::render(&document)).text;
    let (judged, apart) = (page.find("Evidence: 100 of 11,840").unwrap(), page.find("Found in trials that were not judged: 77").unwrap());
    assert!(judged < apart && page.find("OverAdmitted number 0").unwrap() > apart, "what was not judged comes after what was");
    let trials = page.find("Trials that were not judged").unwrap();
    assert!(page.find("Trial 5").unwrap() < trials && trials < page.find("Trial 2").unwrap(), "judged trials come first");
    let clean = fixture::passing();
    assert!(everywhere(&clean).iter().all(|(_, text)| !text.contains("not judged")));
}

#[test]
fn a_run_that_was_decided_has_no_red_test_for_a_trial_that_was_not() {
    let mut document = harmed();
    let status = |document: &Document| {
        let report = junit::render(document);
        (report.matches("<error").count(), report.matches("<skipped").count())
    };
    assert_eq!(status(&document), (0, 1));
    assert!(junit::render(&document).contains("not judged: the machine was too busy"));
    document.trials[4].repeats = Some(2);
    assert!(junit::render(&document).contains("not judged, repeated as trial 5"));
    document.trials[4].repeats = None;
    document.verdict = Verdict::Inconclusive;
    assert_eq!(status(&document), (1, 0), "nobody repeated it, and the run proves nothing");
}
