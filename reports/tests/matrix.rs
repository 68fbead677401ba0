//! The cells of a matrix side by side.

use proptest::prelude::*;
use redquake_experiments::spec::Aggregate;
use redquake_reports::analysis::stats::difference;
use redquake_reports::analysis::{CellDocument, MatrixAssembly, assemble, assemble_matrix};
use redquake_reports::render::{matrix, terminal};
use redquake_reports::result::{Document, MatrixAxis, MatrixDocument, Middle, Sample, Source, TrialStatus, Verdict, matrix_schema};
use redquake_reports::testing::{FailoverParams, assembly};

const MS: u64 = 1_000_000;
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/matrix.schema.json");

fn cell(index: usize, down_after: u64, lag: u64, trials: u32, change: impl Fn(&mut Document)) -> CellDocument {
    let params =
        FailoverParams { down_after: down_after * MS, lag: lag * MS, ttl: 8_000 * MS, hold: 5_000 * MS, ..FailoverParams::default() };
    let mut run = assembly(&params, trials);
    let label = format!("down-after-milliseconds={down_after}, lag={lag}ms");
    run.cell = Some(label.clone());
    let mut document = assemble(run);
    change(&mut document);
    CellDocument { folder: format!("0{index}-cell"), label, values: vec![down_after.to_string(), format!("{lag}ms")], document }
}

fn of(cells: Vec<CellDocument>) -> MatrixDocument {
    let axis = |path: &str, values: &[&str]| MatrixAxis { path: path.to_owned(), values: values.iter().map(|v| (*v).to_owned()).collect() };
    assemble_matrix(MatrixAssembly {
        tool_version: "0.1.0".to_owned(),
        name: "varied".to_owned(),
        description: "Shorter is better.".to_owned(),
        source: Source { path: "varied.yaml".to_owned(), sha256: "9f2c".repeat(16) },
        seed: 7,
        repro: "redquake run varied.yaml --seed 7".to_owned(),
        started_at: "2026-03-02T09:15:00Z".to_owned(),
        ended_at: Some("2026-03-02T09:17:08Z".to_owned()),
        axes: vec![axis("topology.config.sentinel.down-after-milliseconds", &["1000", "2000"]), axis("lag", &["0ms", "40ms"])],
        cells,
    })
}

/// Three cells of six trials: the first twice under other names, and one with another down-after and with harm.
fn three() -> MatrixDocument {
    of(vec![cell(1, 1000, 0, 6, |_| {}), cell(2, 1000, 1, 6, |_| {}), cell(3, 2000, 900, 6, |_| {})])
}

#[test]
fn the_committed_schema_is_that_of_the_types_and_a_document_fits_it() {
    let text = format!("{:#}\n", matrix_schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(COMMITTED, &text).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(committed == text, "schema/matrix.schema.json is out of date; run the tests with UPDATE_SCHEMA=1 and commit it");
    let document = three();
    let value = serde_json::to_value(&document).unwrap();
    let validator = jsonschema::validator_for(&matrix_schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(serde_json::from_value::<MatrixDocument>(value).unwrap(), document);
}

#[test]
fn a_second_more_of_down_after_is_shown_as_a_second_more_without_writes() {
    let document = three();
    let gap = document.differences.iter().find(|one| one.cell == 2 && one.metric == "failover.write_gap").unwrap();
    assert!(gap.shown);
    let interval = gap.interval.unwrap();
    assert!(interval.low.unwrap() > 0.8e9 && interval.high.unwrap() < 1.2e9, "{interval:?}");
    assert!((gap.difference.unwrap() - 1e9).abs() < 0.15e9);
}

#[test]
fn a_cell_is_not_shown_to_differ_from_one_with_the_same_trials() {
    let same = of(vec![cell(1, 1000, 0, 6, |_| {}), cell(2, 1000, 0, 6, |_| {})]);
    assert!(!same.differences.is_empty());
    for one in &same.differences {
        assert!(!one.shown, "{one:?}");
        assert_eq!(one.difference, Some(0.0));
    }
    assert!(matrix::html(&same).contains("includes zero: no difference shown"));
}

#[test]
fn fewer_than_five_trials_show_no_difference() {
    let few = of(vec![cell(1, 1000, 0, 4, |_| {}), cell(2, 3000, 0, 4, |_| {})]);
    assert!(few.differences.iter().all(|one| one.interval.is_none() && !one.shown));
    assert!(matrix::summary(&few).contains("too few to tell"));
}

#[test]
fn the_plane_is_of_the_client_gap_and_the_harm_that_differs_most_between_the_cells() {
    let document = three();
    let trade = document.trade_off.unwrap();
    assert_eq!(trade.x, "failover.client_gap");
    assert_eq!(trade.y_of, Middle::Mean, "{}", trade.y);
    assert!(document.compared.contains(&trade.y), "{}", trade.y);
    assert!(trade.y_between > 0.3, "{}", trade.y_between);
    assert_eq!(trade.points.iter().map(|point| point.trials.len()).collect::<Vec<_>>(), [6, 6, 6]);
    assert!(trade.points[2].y.value() > trade.points[0].y.value());
}

#[test]
fn the_worst_cell_decides_the_verdict_and_tells_its_reasons() {
    let failing = |document: &mut Document| {
        document.verdict = Verdict::Fail;
        document.exit_code = 1;
        document.reasons = vec!["`failover.write_gap max < 1s`: max is 1.4 s".to_owned()];
    };
    let unsure = |document: &mut Document| (document.verdict, document.exit_code) = (Verdict::Inconclusive, 3);
    let document = of(vec![cell(1, 1000, 0, 2, unsure), cell(2, 2000, 0, 2, failing), cell(3, 3000, 0, 2, |_| {})]);
    assert_eq!((document.verdict, document.exit_code), (Verdict::Fail, 1));
    assert_eq!(document.reasons, ["down-after-milliseconds=2000, lag=0ms: `failover.write_gap max < 1s`: max is 1.4 s"]);
    let interrupted = of(vec![cell(1, 1000, 0, 2, |document| document.exit_code = 130), cell(2, 2000, 0, 2, failing)]);
    assert_eq!(interrupted.exit_code, 130);
}

#[test]
fn a_cell_without_a_trial_that_counts_is_shown_and_compared_with_nothing() {
    let mut empty = assembly(&FailoverParams::default(), 2);
    for trial in &mut empty.trials {
        trial.status = TrialStatus::Inconclusive;
        trial.reasons = vec!["the machine was busy".to_owned()];
    }
    let empty =
        CellDocument { folder: "02".to_owned(), label: "nothing".to_owned(), values: vec!["1".to_owned()], document: assemble(empty) };
    let document = of(vec![cell(1, 1000, 0, 5, |_| {}), empty]);
    assert_eq!(document.exit_code, 3);
    assert!(document.differences.is_empty() && document.trade_off.is_none());
    assert!(matrix::html(&document).contains("not measured"));
}

#[test]
fn summary_terminal_metrics_and_junit_read_as_in_the_snapshots() {
    let document = three();
    insta::assert_snapshot!("summary", matrix::summary(&document));
    insta::assert_snapshot!("terminal", matrix::terminal(&document, &terminal::Options { color: false, folder: Some("results/x") }));
    insta::assert_snapshot!("junit", matrix::junit(&document));
    let metrics = matrix::metrics(&document);
    let gap: Vec<&str> = metrics.lines().filter(|line| line.contains("failover_write_gap")).collect();
    insta::assert_snapshot!("metrics", gap.join("\n"));
    let heads = metrics.lines().filter(|line| line.starts_with("# TYPE")).collect::<Vec<_>>();
    let mut once = heads.clone();
    once.dedup();
    assert_eq!(heads.len(), once.len(), "a family stands twice");
    assert!(metrics.ends_with("# EOF\n"));
}

#[test]
fn the_page_leads_to_every_cell_asks_the_network_for_nothing_and_escapes_names() {
    let mut document = three();
    document.cells[1].label = "server=<script>alert(1)</script>".to_owned();
    let page = matrix::html(&document);
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/matrix.html"), &page).unwrap();
    for cell in &document.cells {
        assert!(page.contains(&format!("href=\"{}/report.html\"", cell.folder)));
    }
    assert!(!page.contains("<script>alert"));
    for forbidden in ["@import", "fetch(", "src=", "http://", "https://"] {
        let found = page.match_indices(forbidden).filter(|(at, _)| !page[*at..].starts_with("http://www.w3.org/2000/svg")).count();
        assert_eq!(found, 0, "{forbidden}");
    }
    assert_eq!(page.matches("<table").count(), page.matches("<caption").count());
    assert!(page.contains("role=\"img\"") && page.contains("<desc id=\"trade-off-plot-d\">"));
    // Every trial is a dot, every cell a numbered point.
    assert_eq!(page.matches("fill-opacity=\"0.3\"").count(), 18);
    assert_eq!(page.matches(" pm\"").count(), 3);
}

#[test]
fn a_cells_own_report_names_the_cell() {
    let one = cell(1, 1000, 0, 2, |_| {}).document;
    assert!(redquake_reports::render::html::render(&one).contains("down-after-milliseconds=1000, lag=0ms"));
    assert!(redquake_reports::render::metrics::render(&one).contains("cell=\"down-after-milliseconds=1000, lag=0ms\""));
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let sample = (0..1_000_u32, prop::bool::weighted(0.1))
        .prop_map(|(value, open)| if open { Sample::AtLeast(f64::from(value)) } else { Sample::Exact(f64::from(value)) });
    prop::collection::vec(sample, 5..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_interval_of_a_difference_turns_round_with_its_sides_and_moves_with_a_shift(
        before in samples(), after in samples(), shift in 0..500_u32
    ) {
        let interval = difference(Aggregate::Median, &before, &after).unwrap();
        if let (Some(low), Some(high)) = (interval.low, interval.high) {
            prop_assert!(low <= high);
        }
        let moved: Vec<Sample> = after.iter().map(|sample| match sample {
            Sample::Exact(value) => Sample::Exact(value + f64::from(shift)),
            Sample::AtLeast(value) => Sample::AtLeast(value + f64::from(shift)),
        }).collect();
        let shifted = difference(Aggregate::Median, &before, &moved).unwrap();
        prop_assert_eq!(shifted.low, interval.low.map(|low| low + f64::from(shift)));
        prop_assert_eq!(shifted.high, interval.high.map(|high| high + f64::from(shift)));
        let open = |samples: &[Sample]| samples.iter().any(|sample| matches!(sample, Sample::AtLeast(_)));
        prop_assert!(interval.low.is_some() || open(&before));
        prop_assert!(interval.high.is_some() || open(&after));
    }
}
