//! Every text of a result is an attack, and every format is read back by a parser that others use: nothing of the attack has become
//! structure, no hidden character is left, and no line commands a CI system.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use redquake_reports::analysis::{CellDocument, MatrixAssembly, assemble_matrix};
use redquake_reports::render::{html, junit, matrix, metrics, summary, terminal};
use redquake_reports::result::{Document, MatrixAxis, MatrixDocument};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fixture;
use crate::html::parse;

/// Pieces of attacks on every format.
const PIECES: [&str; 44] = [
    "::error::x",
    "::set-output name=a::b",
    "##[error]x",
    "##vso[task.setvariable]x",
    "section_start:1:a\r\u{1b}[0K",
    "\n",
    "\r\n",
    "\r",
    "\u{1b}[31m",
    "\u{1b}]0;t\u{7}",
    "\u{9b}2J",
    "\u{202e}",
    "\u{2066}",
    "\u{200f}",
    "\u{feff}",
    "\u{2028}",
    "\u{0}",
    "\u{fffe}",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onload='x",
    "javascript:alert(1)",
    "</code></td>",
    "</details>",
    "]]>",
    "-->",
    "<!--",
    "&lt;",
    "&#58;",
    "`",
    "```",
    "|",
    "\\|",
    "# ",
    "- ",
    "1. ",
    "---",
    "===",
    "[a](javascript:x)",
    "![a](http://e)",
    "<http://e>",
    "\"} 1\nevil{a=\"",
    "# EOF",
];

fn attack() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![4 => piece, 1 => "[a-z :]{0,6}", 1 => any::<String>()], 0..5).prop_map(|pieces| pieces.concat())
}

/// Runs over all strings of a value, with their place: the names of the fields that lead to it.
fn strings(value: &mut Value, place: &str, visit: &mut impl FnMut(&str, &mut String)) {
    match value {
        Value::String(text) => visit(place, text),
        Value::Array(items) => items.iter_mut().for_each(|item| strings(item, place, visit)),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| strings(field, &format!("{place}/{name}"), visit)),
        _ => {}
    }
}

/// A document and the places of its texts: those that may be any text, which is not so of a verdict.
struct Victim {
    value: Value,
    free: BTreeSet<String>,
}

impl Victim {
    fn new<D: Serialize + DeserializeOwned>(document: &D) -> Self {
        let mut value = serde_json::to_value(document).unwrap();
        let mut places = BTreeSet::new();
        strings(&mut value, "", &mut |place, _| {
            places.insert(place.to_owned());
        });
        let free = |place: &String| {
            let mut probe = value.clone();
            strings(&mut probe, "", &mut |at, text| {
                if at == place {
                    *text = "any text".to_owned();
                }
            });
            serde_json::from_value::<D>(probe).is_ok()
        };
        let free: BTreeSet<String> = places.into_iter().filter(free).collect();
        Self { value, free }
    }

    /// The document with an attack at every such place, and in every name of a map whose keys may be any text.
    fn attacked<D: DeserializeOwned>(&self, attacks: &[String]) -> D {
        let mut value = self.value.clone();
        let mut next = attacks.iter().cycle();
        strings(&mut value, "", &mut |place, text| {
            if self.free.contains(place) {
                text.clone_from(next.next().unwrap());
            }
        });
        rename(&mut value, &mut next);
        serde_json::from_value(value).unwrap()
    }
}

/// Gives every second entry of the maps with free keys another name.
fn rename<'a>(value: &mut Value, attacks: &mut impl Iterator<Item = &'a String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, attacks)),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                rename(field, attacks);
                if let ("metrics" | "predictions", Value::Object(entries)) = (name.as_str(), field) {
                    let renamed = std::mem::take(entries).into_iter().enumerate().map(|(index, (key, entry))| {
                        if index % 2 == 0 { (key, entry) } else { (format!("{}{index}", attacks.next().unwrap()), entry) }
                    });
                    *entries = renamed.collect();
                }
            }
        }
        _ => {}
    }
}

fn matrix_document() -> MatrixDocument {
    let cell = |index: usize, document: Document| CellDocument {
        folder: format!("0{index}-cell"),
        label: format!("lag={index}ms"),
        values: vec![format!("{index}ms")],
        document: Document { cell: Some(format!("lag={index}ms")), ..document },
    };
    assemble_matrix(MatrixAssembly {
        tool_version: "0.1.0".to_owned(),
        name: "varied".to_owned(),
        description: "Shorter is better.".to_owned(),
        source: fixture::passing().source,
        seed: 7,
        repro: "redquake run varied.yaml --seed 7".to_owned(),
        started_at: "2026-03-02T09:15:00Z".to_owned(),
        ended_at: Some("2026-03-02T09:17:08Z".to_owned()),
        axes: vec![MatrixAxis { path: "lag".to_owned(), values: vec!["1ms".to_owned(), "2ms".to_owned()] }],
        cells: vec![cell(1, fixture::passing()), cell(2, fixture::failing()), cell(3, fixture::inconclusive())],
    })
}

static VICTIMS: LazyLock<Vec<Victim>> = LazyLock::new(|| {
    let documents = [fixture::failing(), fixture::split(), fixture::inconclusive(), fixture::interrupted()];
    documents.iter().map(Victim::new).collect()
});
static MATRIX: LazyLock<Victim> = LazyLock::new(|| Victim::new(&matrix_document()));

/// Whether a character must not be in anything that is written.
fn hidden(c: char) -> bool {
    let bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    (c.is_control() && c != '\n') || bidi || u32::from(c) & 0xfffe == 0xfffe
}

fn harmless(format: &str, text: &str) -> Result<(), TestCaseError> {
    let found: Vec<char> = text.chars().filter(|c| hidden(*c)).collect();
    prop_assert!(found.is_empty(), "{format}: {found:?}");
    for line in text.lines() {
        prop_assert!(!line.trim_start().starts_with("::"), "{format}: {line:?}");
        prop_assert!(!line.contains("##[") && !line.contains("##vso["), "{format}: {line:?}");
    }
    Ok(())
}

type Element = (String, Vec<(String, String)>);

/// Elements of a page, which is well-formed, with their attributes.
fn elements(page: &str) -> Vec<Element> {
    parse(page).elements
}

/// Elements of a piece of HTML within Markdown, which may open or close only some.
fn fragment(html: &str) -> Vec<Element> {
    let mut reader = quick_xml::Reader::from_str(html);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                let key = |one: quick_xml::events::attributes::Attribute<'_>| String::from_utf8(one.key.as_ref().to_vec()).unwrap();
                found.push((name, tag.attributes().map(|one| (key(one.unwrap()), String::new())).collect()));
            }
            quick_xml::events::Event::Eof => return found,
            _ => {}
        }
    }
}

/// Names of elements with names of attributes, as far as pages without attacks have them.
static KNOWN: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let ordinary =
        [fixture::failing(), fixture::split(), fixture::inconclusive(), fixture::interrupted(), fixture::twenty(), fixture::crowded()];
    let pages = ordinary.iter().map(html::render).chain([matrix::html(&matrix_document())]);
    let all = pages.flat_map(|page| elements(&page));
    all.flat_map(|(name, attributes)| {
        std::iter::once(name.clone()).chain(attributes.into_iter().map(move |(key, _)| format!("{name} {key}")))
    })
    .collect()
});

fn page_is_sound(page: &str, like: &str) -> Result<(), TestCaseError> {
    harmless("report.html", page)?;
    let found = elements(page);
    for (name, attributes) in &found {
        prop_assert!(KNOWN.contains(name), "an element <{name}>");
        for (key, value) in attributes {
            prop_assert!(KNOWN.contains(&format!("{name} {key}")), "an attribute {key}=\"{value}\" of <{name}>");
            if key == "href" || key == "src" {
                let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "./_-".contains(c));
                prop_assert!(
                    value == "data:," || value == "../report.html" || value.starts_with('#') || (plain && !value.contains("..")),
                    "{value}"
                );
            }
        }
    }
    let count = |list: &[Element], element: &str| list.iter().filter(|(name, _)| name == element).count();
    let ordinary = elements(like);
    for element in ["script", "style", "meta", "h1", "section", "main"] {
        prop_assert_eq!(count(&found, element), count(&ordinary, element), "<{}>", element);
    }
    Ok(())
}

/// Names of the elements of an XML document, in their order.
fn xml(text: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut names = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                assert!(tag.attributes().all(|one| one.is_ok()), "attributes");
                names.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
            }
            quick_xml::events::Event::Eof => return names,
            _ => {}
        }
    }
}

/// What Markdown may consist of here.
fn markdown_is_sound(text: &str) -> Result<(), TestCaseError> {
    harmless("summary.md", text)?;
    prop_assert!(text.len() <= summary::MAX_BYTES + 8_000, "{} bytes", text.len());
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH;
    let (mut headings, mut fences, mut cells, mut columns) = (0, 0, 0, 0);
    let mut depth = 0;
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(Tag::Heading { .. }) => headings += 1,
            Event::Start(Tag::CodeBlock(_)) => fences += 1,
            Event::Start(Tag::Table(alignments)) => columns = alignments.len(),
            Event::Start(Tag::TableHead | Tag::TableRow) => cells = 0,
            Event::Start(Tag::TableCell) => cells += 1,
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => prop_assert_eq!(cells, columns, "cells of a row"),
            Event::Start(Tag::List(first)) => {
                depth += 1;
                prop_assert!(first.is_none() && depth == 1, "a list of its own");
            }
            Event::End(TagEnd::List(_)) => depth -= 1,
            Event::Html(html) | Event::InlineHtml(html) => {
                for (name, attributes) in fragment(&html) {
                    prop_assert!(matches!(name.as_str(), "details" | "summary" | "sub" | "code") && attributes.is_empty(), "{html}");
                }
            }
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::BlockQuote(_) | Tag::Strikethrough | Tag::FootnoteDefinition(_))
            | Event::Rule
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => prop_assert!(false, "{event:?} in\n{text}"),
            _ => {}
        }
    }
    prop_assert_eq!((headings, fences), (1, 1), "{}", text);
    Ok(())
}

/// Every line of metrics is a comment of its own kind or a name, labels in quotation marks, and a number.
fn metrics_are_sound(text: &str) -> Result<(), TestCaseError> {
    harmless("metrics.txt", text)?;
    for line in text.lines() {
        if line.starts_with('#') {
            let known = ["# TYPE redquake_", "# HELP redquake_", "# UNIT redquake_"].iter().any(|head| line.starts_with(head));
            prop_assert!(known || line == "# EOF", "{line}");
            continue;
        }
        let (name, mut rest) = line.split_once('{').unwrap();
        prop_assert!(name.starts_with("redquake_") && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
        loop {
            let (label, value) = rest.split_once("=\"").unwrap();
            prop_assert!(label.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
            let mut escaped = false;
            let end = value.char_indices().find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            rest = &value[end.unwrap().0 + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        prop_assert!(rest.strip_prefix("} ").is_some_and(|number| number.parse::<f64>().is_ok()), "{line}");
    }
    Ok(())
}

/// Colours that the tool itself uses, taken out.
fn without_paint(text: &str) -> String {
    ["\u{1b}[1;32m", "\u{1b}[1;31m", "\u{1b}[1;33m", "\u{1b}[2m", "\u{1b}[0m"]
        .iter()
        .fold(text.to_owned(), |text, code| text.replace(code, ""))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_text_of_a_result_becomes_structure(attacks in prop::collection::vec(attack(), 1..24), which in 0..4_usize, place in attack()) {
        let document: Document = VICTIMS[which].attacked(&attacks);
        let like: Document = VICTIMS[which].attacked(&["ordinary".to_owned()]);
        for color in [false, true] {
            let text = terminal::render(&document, &terminal::Options { color, folder: Some(&place) });
            harmless("terminal", &without_paint(&text))?;
            prop_assert!(color || !text.contains('\u{1b}'), "a colour nobody asked for");
        }
        page_is_sound(&html::render(&document), &html::render(&like))?;
        let (found, ordinary) = (junit::render(&document), junit::render(&like));
        harmless("junit.xml", &found)?;
        let cases = |text: &str| xml(text).into_iter().filter(|name| !matches!(name.as_str(), "property" | "system-out")).collect::<Vec<_>>();
        prop_assert_eq!(cases(&found), cases(&ordinary));
        markdown_is_sound(&summary::render(&document))?;
        metrics_are_sound(&metrics::render(&document))?;
        metrics_are_sound(&metrics::prometheus(&document))?;
    }

    #[test]
    fn no_text_of_a_matrix_becomes_structure(attacks in prop::collection::vec(attack(), 1..24), place in attack()) {
        let document: MatrixDocument = MATRIX.attacked(&attacks);
        let like: MatrixDocument = MATRIX.attacked(&["ordinary".to_owned()]);
        for color in [false, true] {
            let text = matrix::terminal(&document, &terminal::Options { color, folder: Some(&place) });
            harmless("terminal", &without_paint(&text))?;
        }
        page_is_sound(&matrix::html(&document), &matrix::html(&like))?;
        let found = matrix::junit(&document);
        harmless("junit.xml", &found)?;
        prop_assert_eq!(xml(&found).iter().filter(|name| *name == "testsuite").count(), document.cells.len());
        markdown_is_sound(&matrix::summary(&document))?;
        metrics_are_sound(&matrix::metrics(&document))?;
        metrics_are_sound(&matrix::prometheus(&document))?;
    }
}

#[test]
fn the_attacks_reach_every_kind_of_text() {
    let free: BTreeSet<&str> = VICTIMS.iter().flat_map(|victim| &victim.free).map(String::as_str).collect();
    for place in [
        "/name",
        "/description",
        "/repro",
        "/reasons",
        "/residue",
        "/source/path",
        "/tool/version",
        "/environment/server",
        "/assertions/metric",
        "/assertions/expect",
        "/assertions/location/file",
        "/trials/reasons",
        "/trials/faults/proof",
        "/trials/nodes/name",
        "/trials/anomalies/text",
        "/trials/history",
    ] {
        assert!(free.contains(place), "{place} is not among {free:#?}");
    }
    assert!(!free.contains("/verdict") && !free.contains("/trials/status"));
    assert!(MATRIX.free.contains("/cells/folder") && MATRIX.free.contains("/cells/label"));
}

#[test]
fn a_folder_that_is_a_scheme_or_leads_elsewhere_is_no_link() {
    for folder in ["javascript:alert(1)//", "../../etc", "/etc", "data:text/html,x", "//evil.example"] {
        let mut document = matrix_document();
        document.cells[0].folder = folder.to_owned();
        let page = matrix::html(&document);
        let links: Vec<String> =
            elements(&page).into_iter().flat_map(|(_, list)| list).filter(|(key, _)| key == "href").map(|(_, link)| link).collect();
        assert!(
            !links
                .iter()
                .any(|link| link.contains("javascript") || link.contains("etc") || link.contains("evil") || link.contains("text/")),
            "{links:?}"
        );
        assert!(links.iter().any(|link| link.ends_with("-cell/report.html")), "the others are links still: {links:?}");
    }
}
