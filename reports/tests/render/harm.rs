//! Harm is told first, and called what it is: expected, limited, or asserted by nothing.

use std::collections::BTreeSet;

use redquake_experiments::spec::Severity;
use redquake_experiments::spec::metrics::{
    CACHE_METRICS, CLUSTER_METRICS, COUNTER_METRICS, FAILOVER_METRICS, FENCED_METRICS, GUARDED_METRICS, LIMITER_METRICS, LOCK_METRICS,
    Metric, PAYMENT_METRICS, REGISTER_METRICS, RESHARD_METRICS, SET_METRICS, Unit, WORKLOAD_METRICS,
};
use redquake_reports::analysis::stats::summarise;
use redquake_reports::render::harm::{HARMS, NO_HARM, OUTAGES, done};
use redquake_reports::render::{html, junit, sentence, summary, terminal};
use redquake_reports::result::{AssertionResult, Document, LimiterResult, MetricUnit, NodeInfo, Sample, Verdict, WorkloadResult};

use crate::fixture;
use crate::html::parse;

const S: f64 = 1e9;

/// Every metric, by the kind it belongs to.
fn catalogue() -> Vec<(&'static str, &'static Metric)> {
    let all: [(&str, &[&'static [Metric]]); 9] = [
        ("failover", &[FAILOVER_METRICS, CLUSTER_METRICS, RESHARD_METRICS]),
        ("lock", &[LOCK_METRICS, GUARDED_METRICS, FENCED_METRICS]),
        ("set", &[SET_METRICS]),
        ("counter", &[COUNTER_METRICS]),
        ("register", &[REGISTER_METRICS]),
        ("limiter", &[LIMITER_METRICS]),
        ("cache-aside", &[CACHE_METRICS]),
        ("payment-job", &[PAYMENT_METRICS]),
        ("any", &[WORKLOAD_METRICS]),
    ];
    all.into_iter().flat_map(|(kind, lists)| lists.iter().flat_map(|list| list.iter()).map(move |metric| (kind, metric))).collect()
}

#[test]
fn every_metric_is_harm_with_words_or_listed_as_none() {
    for (kind, metric) in catalogue() {
        let harm = HARMS.iter().filter(|harm| harm.kind == kind && harm.metric == metric.name).count();
        let outage = usize::from(kind == "failover" && OUTAGES.contains(&metric.name));
        let none = NO_HARM.iter().filter(|(of, names)| *of == kind && names.contains(&metric.name)).count();
        assert_eq!(harm + outage + none, 1, "{kind}.{} stands in one of the lists", metric.name);
    }
}

/// A run with one workload `w` of a kind, and the value of one of its metrics, or of one of the servers.
fn with(kind: &str, metric: &str, value: f64, unit: MetricUnit) -> Document {
    let mut document = fixture::passing();
    document.metrics.clear();
    document.assertions.clear();
    let full = if kind == "limiter" { "fixed-window-limiter" } else { kind };
    for trial in &mut document.trials {
        trial.failovers.clear();
        let like = trial.workloads[0].clone();
        let limiter = LimiterResult { limit: 100, window: 3_000_000_000, ..LimiterResult::default() };
        trial.workloads = vec![WorkloadResult {
            name: "w".to_owned(),
            kind: full.to_owned(),
            locks: None,
            limiter: (kind == "limiter").then_some(limiter),
            ..like
        }];
    }
    let of = if kind == "failover" { "failover" } else { "w" };
    put(&mut document, &format!("{of}.{metric}"), unit, value);
    document
}

fn put(document: &mut Document, name: &str, unit: MetricUnit, value: f64) {
    let metric = summarise(name, unit, "", vec![(1, Sample::Exact(value))]).expect("a summary");
    document.metrics.insert(name.to_owned(), metric);
}

fn unit_of(kind: &str, name: &str) -> MetricUnit {
    let known = catalogue().into_iter().find(|(of, metric)| *of == kind && metric.name == name);
    match known.map(|(_, metric)| metric.unit) {
        Some(Unit::Ns) => MetricUnit::Ns,
        Some(Unit::Share) => MetricUnit::Share,
        Some(Unit::Rate) => MetricUnit::Rate,
        _ => MetricUnit::Count,
    }
}

#[test]
fn every_harm_that_was_done_is_in_the_first_sentence_or_among_the_key_figures() {
    let mut told = BTreeSet::new();
    for harm in HARMS {
        let unit = unit_of(harm.kind, harm.metric);
        let value = if unit == MetricUnit::Ns { 7.0 * S } else { 777.0 };
        let document = with(harm.kind, harm.metric, value, unit);
        let number = if unit == MetricUnit::Ns { "7.00 s" } else { "777" };
        let first = sentence(&document);
        let page = parse(&html::render(&document)).text;
        let figures = &page[page.find("Key figures").unwrap()..page.find("The experiment asserts nothing").unwrap()];
        let (said, shown) = (first.contains(number), figures.contains(number) && figures.contains(harm.label));
        assert!(said || shown, "{}.{}: {first} {figures}", harm.kind, harm.metric);
        if said {
            told.insert((harm.kind, harm.metric));
        }
        let none = with(harm.kind, harm.metric, 0.0, unit);
        assert!(done(&none).is_empty(), "{}.{} of none", harm.kind, harm.metric);
    }
    let silent: Vec<_> = HARMS.iter().map(|harm| (harm.kind, harm.metric)).filter(|one| !told.contains(one)).collect();
    assert_eq!(silent, [], "the sentence tells all of it");
}

#[test]
fn every_outage_is_in_the_first_sentence_or_among_the_key_figures() {
    for name in OUTAGES {
        let document = with("failover", name, 7.0 * S, MetricUnit::Ns);
        let page = parse(&html::render(&document)).text;
        let figures = &page[page.find("Key figures").unwrap()..page.find("The experiment asserts nothing").unwrap()];
        assert!(sentence(&document).contains("7.00 s") || figures.contains("7.00 s"), "{name}: {}", sentence(&document));
    }
}

fn asserting(document: &mut Document, metric: &str, expect: &str, verdict: Verdict) {
    document.assertions.push(AssertionResult {
        implicit: false,
        metric: metric.to_owned(),
        expect: expect.to_owned(),
        severity: Severity::Error,
        verdict,
        actual: None,
        actual_text: String::new(),
        margin: None,
        location: None,
        reason: String::new(),
        vacuous: None,
    });
}

#[test]
fn harm_that_nothing_asserts_is_called_so_and_a_green_banner_turns_amber() {
    let mut document = with("set", "lost", 11_345.0, MetricUnit::Count);
    put(&mut document, "w.acknowledged", MetricUnit::Count, 20_838.0);
    let said = "Harm that nothing asserts: `w.lost` 11,345";
    assert!(sentence(&document).starts_with("11,345 of 20,838 acknowledged writes were lost"), "{}", sentence(&document));
    let page = html::render(&document);
    assert!(page.contains("badge warn") && parse(&page).text.contains("Harm that nothing asserts: w.lost 11,345"));
    assert!(terminal::render(&document, &terminal::Options::default()).contains(said));
    assert!(summary::render(&document).contains("## ⚠️ PASS") && junit::render(&document).contains(said));
    asserting(&mut document, "w.lost_share", "max < 60%", Verdict::Pass);
    assert!(html::render(&document).contains("badge pass"), "somebody has thought of it");
    document.assertions.clear();
    document.verdict = Verdict::Fail;
    assert!(html::render(&document).contains("badge fail"), "what fails is red in any case");
}

#[test]
fn harm_that_the_experiment_expects_is_called_expected() {
    for (expect, expected) in
        [("min > 0", true), ("count >= 5", true), ("count == 9", true), ("count != 0", true), ("max < 10", false), ("count >= 0", false)]
    {
        let mut document = with("lock", "double_acquired", 9.0, MetricUnit::Count);
        asserting(&mut document, "w.double_acquired", expect, Verdict::Pass);
        let first = sentence(&document);
        assert_eq!(first.contains("As this experiment expects, 9 times a lock had two holders at once"), expected, "{expect}: {first}");
        assert!(html::render(&document).contains("badge pass"), "{expect} asserts it");
    }
    let mut missed = with("lock", "double_acquired", 9.0, MetricUnit::Count);
    asserting(&mut missed, "w.double_acquired", "min > 20", Verdict::Fail);
    missed.verdict = Verdict::Fail;
    assert!(!sentence(&missed).contains("expects"), "less than was expected is not as expected");
}

#[test]
fn a_peak_beyond_the_limit_comes_first_though_no_window_was_overrun() {
    let mut document = with("limiter", "peak", 200.0, MetricUnit::Count);
    put(&mut document, "w.over_admitted", MetricUnit::Count, 0.0);
    let first = sentence(&document);
    assert!(first.starts_with("Up to 200 requests of one subject passed within one window of 3.00 s, where the limit is 100"), "{first}");
    assert!(!first.contains("no limit was overrun") && !first.contains("No limit was overrun"), "{first}");
    put(&mut document, "w.peak", MetricUnit::Count, 100.0);
    assert!(sentence(&document).contains("no limit was overrun"), "{}", sentence(&document));
}

#[test]
fn harm_that_had_not_ended_is_at_least_so_much() {
    let mut document = with("register", "violations", 3.0, MetricUnit::Count);
    let open = summarise("w.violations", MetricUnit::Count, "", vec![(1, Sample::AtLeast(3.0)), (2, Sample::Exact(1.0))]).unwrap();
    document.metrics.insert("w.violations".to_owned(), open);
    assert!(sentence(&document).contains("≥ 4 registers answered as no single one would"), "{}", sentence(&document));
}

#[test]
fn of_several_workloads_of_a_kind_each_is_named() {
    let mut document = with("payment-job", "charged_twice", 0.0, MetricUnit::Count);
    let mut other = document.trials[0].workloads[0].clone();
    other.name = "plain".to_owned();
    document.trials[0].workloads.push(other);
    put(&mut document, "plain.charged_twice", MetricUnit::Count, 495.0);
    assert!(sentence(&document).starts_with("495 payments were charged twice (`plain`)"), "{}", sentence(&document));
    put(&mut document, "w.charged_twice", MetricUnit::Count, 5.0);
    let first = sentence(&document);
    assert!(first.starts_with("500 payments were charged twice (`plain` 495, `w` 5)"), "{first}");
}

/// Clients of one zone were cut off, and the servers took writes.
fn cut_off() -> Document {
    let mut document = fixture::passing();
    for (trial, length) in document.trials.iter_mut().zip([6.3, 6.5, 6.6, 6.8, 7.0]) {
        for failover in &mut trial.failovers {
            failover.parts.clear();
            failover.client_gap_of = Some("pay in zone b".to_owned());
            for (gap, length) in [(&mut failover.write_gap, 0.098), (&mut failover.client_gap, length)] {
                let gap = gap.as_mut().expect("a gap");
                gap.length = Sample::Exact(length * S);
                gap.to = Some(gap.from + (length * S) as u64);
            }
        }
    }
    let samples = |length: f64| (1..=5).map(|trial| (trial, Sample::Exact(length * S))).collect();
    let gap = summarise("failover.write_gap", MetricUnit::Ns, "", samples(0.098)).expect("a summary");
    document.metrics.insert("failover.write_gap".to_owned(), gap);
    document
}

#[test]
fn clients_without_service_are_told_though_the_servers_took_writes() {
    let mut document = cut_off();
    let first = sentence(&document);
    let said = "Clients of `pay` in zone b were without service for 6.30 s to 7.00 s while the servers took writes";
    assert!(first.starts_with(said), "{first}");
    asserting(&mut document, "failover.client_gap", "min > 6s", Verdict::Pass);
    assert!(sentence(&document).contains("As this experiment expects, clients of `pay` in zone b"), "{}", sentence(&document));
}

#[test]
fn a_pause_in_which_the_tool_was_late_is_called_that() {
    let mut document = with("set", "lost", 0.0, MetricUnit::Count);
    put(&mut document, "failover.write_gap", MetricUnit::Ns, 0.0818 * S);
    assert!(sentence(&document).contains("the longest time without one was 81.8 ms"));
    document.trials[0].late_in_pause = Some(71_400_000);
    let told = "writes were never down (longest pause of the probes 81.8 ms, in which the tool itself was 71.4 ms late)";
    assert!(sentence(&document).to_lowercase().contains(told), "{}", sentence(&document));
    document.trials[0].late_in_pause = Some(30_000_000);
    assert!(!sentence(&document).contains("late"), "less than half of it explains nothing");
}

/// Three shards: a fault took hold of the first, which was down for 4 s, the others for as long as given.
fn sharded(others: f64) -> Document {
    let mut document = fixture::passing();
    for trial in &mut document.trials {
        let node = |shard: u32| NodeInfo { name: format!("redis-{shard}"), shard: Some(shard), ..trial.nodes[0].clone() };
        trial.nodes = (1..=3).map(node).collect();
        let like = trial.failovers[0].clone();
        trial.failovers = (1..=3)
            .map(|shard| {
                let length = if shard == 1 { 4.07 * S } else { others * S };
                let mut one = like.clone();
                one.shard = Some(shard);
                if let Some(gap) = &mut one.write_gap {
                    gap.length = Sample::Exact(length);
                }
                one
            })
            .collect();
    }
    let samples = |length: f64| (1..=5).map(|trial| (trial, Sample::Exact(length * S))).collect();
    for (name, length) in [
        ("failover.write_gap", 4.07),
        ("failover.blast_radius", if others < 0.25 { 0.0 } else { others }),
        ("shard-1.write_gap", 4.07),
        ("shard-2.write_gap", others),
        ("shard-3.write_gap", others),
    ] {
        let metric = summarise(name, MetricUnit::Ns, "", samples(length)).expect("a summary");
        document.metrics.insert(name.to_owned(), metric);
    }
    document
}

#[test]
fn a_cluster_speaks_of_shards_and_its_blast_radius_is_a_key_figure() {
    let first = sentence(&sharded(0.9));
    assert!(first.starts_with("1 of 3 shards was down for 4.07 s (the same in all 5 trials), the others for 900 ms"), "{first}");
    let first = sentence(&sharded(0.02));
    assert!(first.starts_with("1 of 3 shards was down for 4.07 s (the same in all 5 trials), the others took writes"), "{first}");
    let page = parse(&html::render(&sharded(0.9))).text;
    let figures = &page[page.find("Key figures").unwrap()..page.find("Assertions\n").unwrap_or(page.len())];
    assert!(
        figures.contains("blast radius") && figures.contains("no node of the shard that was down longest acknowledged a write"),
        "{figures}"
    );
    assert!(!figures.contains("no data node acknowledged a write"));
}

#[test]
fn a_caption_of_a_short_pause_calls_it_no_outage() {
    let page = parse(&html::render(&cut_off())).text;
    assert!(page.contains("no outage: the longest pause between two writes") && !page.contains("no data node acknowledged a write"));
}

#[test]
fn an_assertion_that_could_not_fail_is_called_vacuous_everywhere() {
    let mut document = fixture::passing();
    let why = "no subject asked more than 3 times within a window of at most 100; 1 of 32,207 requests were denied";
    document.assertions[0].vacuous = Some(why.to_owned());
    let page = html::render(&document);
    assert!(page.contains("badge warn") && parse(&page).text.contains("1 assertion is vacuous, it could not have failed"));
    assert!(parse(&page).text.contains(&format!("Vacuous, it could not have failed: {why}")));
    let text = terminal::render(&document, &terminal::Options::default());
    assert!(text.contains("1 assertion is vacuous") && text.contains(", vacuous\n"), "{text}");
    assert!(summary::render(&document).contains("## ⚠️ PASS") && summary::render(&document).contains("vacuous |"));
    assert!(junit::render(&document).contains(&format!("warning: vacuous, it could not have failed: {why}")));
}
