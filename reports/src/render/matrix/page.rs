//! `report.html` of a matrix: one page that compares the cells and leads to the report of each.

use askama::Template;
use redquake_experiments::shown;

use super::figures::{Figure, figure, interval_words, signed};
use super::{plane, words};
use crate::render::html::svg::{self, Html, prose};
use crate::render::html::tables::sign;
use crate::render::{facts, number};
use crate::result::{Difference, MatrixCell, MatrixDocument};

const STYLE: &str = concat!(include_str!("../../../templates/report.css"), include_str!("../../../templates/matrix.css"));
const SCRIPT: &str = include_str!("../../../templates/matrix.js");

/// So many cells have room beside each other, and so many metrics.
const MOST_BESIDE: usize = 3;
const MOST_ACROSS: usize = 5;

struct Row {
    number: usize,
    label: String,
    /// Its servers, where they differ from cell to cell.
    topology: String,
    report: String,
    verdict: &'static str,
    sign: &'static str,
    trials: String,
    figures: Vec<Figure>,
    missed: Vec<String>,
    precision: String,
}

/// A metric of every cell.
struct Metric<'a> {
    name: &'a str,
    figures: Vec<Figure>,
}

struct Apart {
    cell: String,
    metric: String,
    of: &'static str,
    first: String,
    here: String,
    difference: String,
    interval: String,
    conclusion: &'static str,
    shown: bool,
}

#[derive(Template)]
#[template(path = "matrix.html")]
struct Page<'a> {
    document: &'a MatrixDocument,
    style: &'static str,
    script: &'static str,
    verdict: &'static str,
    sign: &'static str,
    sentence: Html,
    /// How the verdict is coloured.
    tone: &'static str,
    warnings: Vec<Html>,
    subtitle: Vec<String>,
    rows: Vec<Row>,
    /// Whether the cells stand beside each other, a row a metric: what a row a cell has no room for.
    beside: bool,
    metrics: Vec<Metric<'a>>,
    plot: Option<String>,
    why: String,
    first: String,
    apart: Vec<Apart>,
    meanings: Vec<(String, Html)>,
    reasons: Vec<Html>,
}

/// The document as one self-contained page.
///
/// # Panics
/// Never: the template contains nothing that can fail to be written into memory.
pub fn render(document: &MatrixDocument) -> String {
    let page = Page {
        document,
        style: STYLE,
        script: SCRIPT,
        verdict: crate::render::words::verdict(document.verdict),
        sign: sign(words::tone(document)),
        sentence: prose(&words::sentence(document)),
        tone: words::tone(document),
        warnings: words::warnings(document).iter().map(|warning| prose(warning)).collect(),
        subtitle: subtitle(document),
        rows: document.cells.iter().enumerate().map(|(index, cell)| row(document, index, cell)).collect(),
        beside: document.cells.len() <= MOST_BESIDE && document.compared.len() > MOST_ACROSS,
        metrics: document.compared.iter().map(|name| metric(document, name)).collect(),
        plot: document.trade_off.as_ref().map(|trade| plane::draw(document, trade)),
        why: why(document),
        first: document.cells.first().map(|cell| cell.label.clone()).unwrap_or_default(),
        apart: document.differences.iter().filter_map(|one| apart(document, one)).collect(),
        meanings: document.compared.iter().filter_map(|name| Some((name.clone(), prose(meaning(document, name)?)))).collect(),
        reasons: document.reasons.iter().map(|reason| prose(reason)).collect(),
    };
    let page = page.render().expect("writing a page into memory does not fail");
    shown::lines(&page).into_owned()
}

fn metric<'a>(document: &MatrixDocument, name: &'a str) -> Metric<'a> {
    Metric { name, figures: document.cells.iter().map(|cell| figure(cell, name)).collect() }
}

fn row(document: &MatrixDocument, index: usize, cell: &MatrixCell) -> Row {
    let of = number::plural(u64::from(cell.trials), "trial", "trials");
    let missed = cell.assertions.iter().filter(|one| matches!(facts::verdict_word(one), "fail" | "warn"));
    Row {
        number: index + 1,
        label: cell.label.clone(),
        topology: if words::topologies_differ(document) { cell.topology.clone() } else { String::new() },
        report: svg::link(&format!("{}/report.html", cell.folder)),
        verdict: cell.verdict.as_str(),
        sign: sign(cell.verdict.as_str()),
        trials: if cell.conclusive == cell.trials { of } else { format!("{} of {of} conclusive", cell.conclusive) },
        precision: cell.precision.as_ref().map(facts::precision_text).unwrap_or_default(),
        figures: document.compared.iter().map(|name| figure(cell, name)).collect(),
        missed: missed.map(|one| format!("{}: {} {}", facts::verdict_word(one), one.metric, one.expect)).collect(),
    }
}

fn apart(document: &MatrixDocument, one: &Difference) -> Option<Apart> {
    let cell = document.cells.get(one.cell as usize)?;
    let show = |sample| number::sample(one.unit, sample);
    Some(Apart {
        cell: cell.label.clone(),
        metric: one.metric.clone(),
        of: one.of.as_str(),
        first: show(one.first),
        here: show(one.here),
        difference: signed(one),
        interval: one.interval.map(|interval| interval_words(one.unit, interval)).unwrap_or_default(),
        conclusion: match (one.interval.is_some(), one.shown) {
            (false, _) => "too few trials to tell",
            (true, false) => "includes zero: no difference shown",
            (true, true) => "differs",
        },
        shown: one.shown,
    })
}

fn why(document: &MatrixDocument) -> String {
    let Some(trade) = &document.trade_off else {
        return "The cells do not differ in harm, nor in what clients were refused, so there is nothing to trade.".to_owned();
    };
    let chosen = if trade.y.ends_with(".error_rate") {
        "because the cells do not differ in harm that was done"
    } else {
        "because of all harm that was done it differs most between the cells"
    };
    format!(
        "Upwards: {}, chosen {chosen} ({} of its variance lies between them). Towards the lower left is better.",
        trade.y,
        number::share((trade.y_between * 1e3).round() / 1e3)
    )
}

fn meaning<'a>(document: &'a MatrixDocument, name: &str) -> Option<&'a str> {
    document.cells.iter().find_map(|cell| cell.metrics.get(name)).map(|metric| metric.meaning.as_str())
}

fn subtitle(document: &MatrixDocument) -> Vec<String> {
    let trials: u64 = document.cells.iter().map(|cell| u64::from(cell.trials)).sum();
    let proved: u64 = document.cells.iter().map(|cell| u64::from(cell.conclusive)).sum();
    let mut list = vec![number::plural(trials, "trial", "trials")];
    if proved < trials {
        list.push(format!("{proved} of them conclusive"));
    }
    let mut servers: Vec<String> = document.cells.iter().map(|cell| cell.server.clone()).collect();
    servers.dedup();
    list.extend(servers.into_iter().take(4));
    list.extend([document.runtime.clone(), format!("seed {}", document.seed)]);
    let instant = |text: &str| text.parse::<jiff::Timestamp>();
    if let (Ok(start), Ok(end)) = (instant(&document.started_at), instant(&document.ended_at)) {
        let took = number::duration(end.duration_since(start).as_nanos() as f64);
        list.push(format!("{} UTC, took {took}", start.strftime("%Y-%m-%d %H:%M")));
    }
    list.retain(|text| !text.is_empty());
    list
}
