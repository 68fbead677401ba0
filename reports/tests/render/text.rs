//! JUnit, Markdown, terminal and OpenMetrics, as they are read.

use redquake_reports::analysis::fallback::ASSUMES;
use redquake_reports::analysis::stats::summarise;
use redquake_reports::render::{html, junit, metrics, sentence, summary, terminal};
use redquake_reports::result::{
    CacheResult, Document, LimiterResult, MetricUnit, PaymentCounts, Projection, Sample, TrialStatus, WorkloadResult,
};

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

/// A run whose database load was extrapolated.
fn extrapolated() -> Document {
    let mut document = fixture::passing();
    for (trial, peak) in document.trials.iter_mut().zip([48_000.0, 50_000.0, 49_000.0, 50_000.0, 50_000.0]) {
        let projection = Projection {
            offered: 50_000.0,
            hit_ratio: 0.97,
            fell_through: 1.0,
            baseline: 1_500.0,
            peak,
            multiplier: Some(peak / 1_500.0),
            extra: 97_000.0,
            assumes: ASSUMES.to_owned(),
        };
        trial.workloads[0].cache = Some(CacheResult { projection: Some(projection), ..CacheResult::default() });
    }
    document
}

#[test]
fn every_report_calls_an_extrapolation_one_and_says_what_it_assumes() {
    let document = extrapolated();
    let said = "Extrapolated, not measured: at 50,000/s reads and a hit ratio of 97 %, the database behind locks would take 1,500/s in calm and \
                50,000/s at the peak, 33.3 times as much, and 97,000 queries more in all.";
    let terminal = terminal::render(&document, &terminal::Options::default());
    let reports = [
        ("terminal", terminal),
        ("summary", summary::render(&document)),
        ("junit", junit::render(&document)),
        ("metrics", metrics::render(&document)),
        ("html", html::render(&document)),
        ("json", serde_json::to_string(&document).unwrap()),
    ];
    for (name, text) in reports {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // Of several trials the page shows one, and the document has the figures.
        assert!(name == "html" || name == "json" || flat.contains(said), "{name}: {flat}");
        assert!(name == "json" || flat.contains("Extrapolated, not measured"), "{name}");
        assert!(flat.contains("reads are spread over items alike"), "{name}: {flat}");
    }
    let without = fixture::passing();
    assert!(!html::render(&without).contains("Extrapolated") && !summary::render(&without).contains("Extrapolated"));
}

/// A run in which users of limiters, payments and a cache felt something, or nothing.
fn felt(over: u64, twice: u64, peak: f64) -> Document {
    let mut document = fixture::passing();
    let like = document.trials[0].workloads[0].clone();
    let of = |name: &str, kind: &str| WorkloadResult { name: name.to_owned(), kind: kind.to_owned(), locks: None, ..like.clone() };
    let limiter = LimiterResult {
        admitted_redis: 900,
        admitted_open: 100,
        over_admitted: over,
        limit: 100,
        window: 3_000_000_000,
        ..LimiterResult::default()
    };
    document.trials[0].workloads = vec![
        WorkloadResult { limiter: Some(limiter), ..of("quota", "fixed-window-limiter") },
        WorkloadResult {
            payments: Some(PaymentCounts { paid: 40, charged_twice: twice, ..PaymentCounts::default() }),
            ..of("pay", "payment-job")
        },
        WorkloadResult { cache: Some(CacheResult { baseline: Some(50.0), peak, ..CacheResult::default() }), ..of("reads", "cache-aside") },
    ];
    let all = [
        ("quota.over_admitted", over as f64),
        ("quota.admitted", 1_000.0),
        ("pay.charged_twice", twice as f64),
        ("reads.db_peak_multiplier", peak / 50.0),
    ];
    for (name, value) in all {
        let metric = summarise(name, MetricUnit::Count, "", vec![(1, Sample::Exact(value))]).expect("a summary");
        document.metrics.insert(name.to_owned(), metric);
    }
    document
}

#[test]
fn what_users_of_limiters_payments_and_caches_felt_is_in_the_sentence_and_among_the_key_figures() {
    let document = felt(137, 2, 1_145.0);
    let said = "2 payments were charged twice, and 137 of 1,000 requests admitted were beyond a limit. The database took up to 22.9 times its usual load";
    assert!(sentence(&document).contains(said), "{}", sentence(&document));
    let page = html::render(&document);
    for tile in ["requests beyond limits", "charged twice", "database load", "× 22.9"] {
        assert!(page.contains(tile), "{tile}");
    }
    let calm = sentence(&felt(0, 0, 60.0));
    assert!(
        calm.contains("No limit was overrun, no job was charged twice, and the database behind `reads` took up to 1.2 times"),
        "{calm}"
    );
    assert!(!sentence(&fixture::passing()).contains("limit was overrun"));
}

/// A run whose gaps are no more than hiccups.
fn hiccups() -> Document {
    let mut document = fixture::passing();
    for trial in &mut document.trials {
        for failover in &mut trial.failovers {
            failover.parts.clear();
            for gap in [&mut failover.write_gap, &mut failover.client_gap].into_iter().flatten() {
                gap.to = Some(gap.from + 40_000_000);
                gap.length = Sample::Exact(40e6);
            }
        }
    }
    let gap = document.metrics.get_mut("failover.write_gap").expect("a gap");
    (gap.min, gap.median, gap.max) = (Sample::Exact(40e6), Sample::Exact(40e6), Sample::Exact(40e6));
    document
}

#[test]
fn a_hiccup_is_not_called_an_outage() {
    let document = hiccups();
    let text = terminal::render(&document, &terminal::Options::default());
    assert!(text.contains("Writes were never down: the longest time without one was 40 ms"), "{text}");
    let page = html::render(&document);
    assert!(!page.contains("close-up of the outage") && !page.contains("anatomy-chart"));
}

#[test]
fn a_value_that_had_not_ended_has_no_distance_to_its_limit() {
    let mut document = fixture::passing();
    let assertion = &mut document.assertions[0];
    assertion.verdict = redquake_reports::result::Verdict::Inconclusive;
    (assertion.actual, assertion.margin) = (Some(Sample::AtLeast(5e9)), Some(1e9));
    let text = terminal::render(&document, &terminal::Options::default());
    assert!(text.contains(", not decided") && !text.contains("1.00 s to spare"), "{text}");
}

#[test]
fn two_primaries_are_told_in_the_first_sentence() {
    let mut document = hiccups();
    let mut split = document.metrics["failover.write_gap"].clone();
    split.max = Sample::AtLeast(13e9);
    document.metrics.insert("failover.split_brain".to_owned(), split);
    let text = terminal::render(&document, &terminal::Options::default());
    let sentence = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(sentence.contains("Two nodes took writes at the same time for up to ≥ 13.0 s"), "{text}");
}

#[test]
fn what_a_split_brain_and_a_reset_took_is_told_first() {
    let text = terminal::render(&fixture::split(), &terminal::Options::default());
    insta::assert_snapshot!("terminal_split", text);
}

#[test]
fn the_end_of_a_servers_log_keeps_its_lines() {
    let mut document = fixture::inconclusive();
    document.reasons = vec!["0 of 1 planned trial conclusive".to_owned(), "trial 1: redis-1 ended\n\n>>> 'appendonly maybe'\n".to_owned()];
    let text = terminal::render(&document, &terminal::Options::default());
    assert!(text.contains("  - trial 1: redis-1 ended\n    >>> 'appendonly maybe'\n"), "{text}");
}

#[test]
fn open_metrics_read_like_this() {
    for (name, document) in documents() {
        insta::assert_snapshot!(format!("metrics_{name}"), metrics::render(&document));
    }
}

#[test]
fn a_summary_fits_into_a_comment_however_much_went_wrong() {
    for document in [fixture::crowded(), fixture::hostile()] {
        let text = summary::render(&document);
        assert!(text.len() <= summary::MAX_BYTES, "{} bytes", text.len());
        assert!(text.contains("Repeat with"));
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }
    assert!(summary::render(&fixture::crowded()).contains("Anomalies: 20 of 24,680"));
}

#[test]
fn hostile_names_are_neither_markup_nor_mentions_in_the_summary() {
    let mut document = fixture::hostile();
    document.reasons = vec!["@everyone <img src=x> | **bold**".to_owned()];
    // What stands as code is shown as it is; it is no markup there.
    document.assertions.clear();
    document.metrics.retain(|_, metric| metric.rare.is_none());
    document.residue.clear();
    document.repro = "redquake run".to_owned();
    document.verdict = redquake_reports::result::Verdict::Pass;
    let text = summary::render(&document);
    assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("@everyone") && !text.contains("**bold**"), "{text}");
}

#[test]
fn hostile_names_send_no_control_characters_to_a_terminal() {
    let text = terminal::render(&fixture::hostile(), &terminal::Options::default());
    let control: Vec<_> = text.chars().filter(|c| c.is_control() && *c != '\n').collect();
    assert!(control.is_empty(), "{control:?}");
}

#[test]
fn colours_are_used_only_when_asked_for() {
    let document = fixture::failing();
    let plain = terminal::render(&document, &terminal::Options::default());
    let coloured = terminal::render(&document, &terminal::Options { color: true, folder: None });
    assert!(!plain.contains('\u{1b}') && coloured.contains("\u{1b}[1;31mFAIL\u{1b}[0m"));
}

#[test]
fn junit_of_hostile_names_can_be_read_back() {
    for document in [fixture::hostile(), fixture::failing(), fixture::interrupted()] {
        let report = quick_junit::Report::deserialize_from_str(&junit::render(&document)).unwrap();
        let suite = &report.test_suites[0];
        assert_eq!(suite.test_cases.len(), document.assertions.len() + document.trials.len().max(1) + 1);
    }
}

#[test]
fn metrics_whose_names_differ_only_in_punctuation_share_a_family() {
    let mut document = fixture::passing();
    let metric = document.metrics["locks.lost"].clone();
    document.metrics.insert("locks-lost".to_owned(), metric);
    let text = metrics::render(&document);
    assert_eq!(text.matches("# TYPE redquake_locks_lost gauge").count(), 1);
    assert!(text.contains("metric=\"locks-lost\",stat=\"total\"") && text.contains("metric=\"locks.lost\",stat=\"total\""));
    let lines: Vec<_> = text.lines().collect();
    let mut unique = lines.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), lines.len(), "a sample stands twice");
}

/// Trial 2 proved nothing, and trial 5 repeats it.
fn repeated() -> Document {
    let mut document = fixture::passing();
    document.trials[1].status = TrialStatus::Inconclusive;
    document.trials[1].disturbed = true;
    document.trials[1].reasons = vec!["the machine was too busy".to_owned()];
    document.trials[4].repeats = Some(2);
    document
}

#[test]
fn a_repeated_trial_and_its_repeat_are_told() {
    let document = repeated();
    let text = terminal::render(&document, &terminal::Options::default());
    assert!(text.contains("(5 trials, 1 inconclusive, 1 repeated, seed 42)"), "{text}");
    assert!(text.contains("  - trial 5 repeats trial 2, which proved nothing: the machine was too busy\n"), "{text}");
    assert!(summary::render(&document).contains("- trial 2 (repeated as trial 5): the machine was too busy"));
    let page = crate::html::parse(&html::render(&document)).text;
    assert!(page.contains("Trial 5 (repeats trial 2, which proved nothing)"), "the heading of the repeat");
    assert!(page.contains("1 proved nothing and was repeated"));
}

#[test]
fn overlaps_that_are_only_possible_are_no_anomalies() {
    let document = fixture::passing();
    let possible = &document.trials[0].possible[0].text;
    let page = crate::html::parse(&html::render(&document)).text;
    let summary = summary::render(&document);
    let text = terminal::render(&document, &terminal::Options::default());
    assert!(page.contains("None was found") && page.contains("Overlaps that are only possible: 3") && page.contains(possible.as_str()));
    assert!(summary.contains("3 overlaps that are only possible") && !summary.contains("anomalies</summary>"), "{summary}");
    assert!(text.contains("3 lock requests got no reply: a double hold is possible") && !text.contains("anomal"), "{text}");
}

#[test]
fn many_trials_say_how_sure_they_are() {
    let document = fixture::twenty();
    let text = terminal::render(&document, &terminal::Options::default());
    assert!(text.contains("median of 20 trials (") && text.contains(" at 95 %), ") && text.contains(", p95 "), "{text}");
    let mut clean = fixture::passing();
    let metric = &clean.metrics["locks.double_acquired"];
    let samples = (1..=200).map(|trial| (trial, Sample::Exact(0.0))).collect();
    let metric = summarise("locks.double_acquired", metric.unit, &metric.meaning, samples).unwrap();
    clean.metrics.insert("locks.double_acquired".to_owned(), metric);
    let told = "in 0 of 200 trials: below 1.5 % of trials at 95 %";
    assert!(terminal::render(&clean, &terminal::Options::default()).contains(told));
    assert!(summary::render(&clean).contains(told));
    assert!(crate::html::parse(&html::render(&clean)).text.contains("below 1.5 % of trials at 95 %"));
    assert!(metrics::render(&clean).contains("metric=\"locks.double_acquired\",stat=\"high95\"} 0.01486"), "{}", metrics::render(&clean));
}
