//! What every format must look like, read back by parsers that others use.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use redquake_reports::render::{html, matrix, summary};

use crate::fixture::{self, matrix_document};
use crate::html::parse;

/// Whether a character must not be in anything that is written.
pub fn hidden(c: char) -> bool {
    let bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    (c.is_control() && c != '\n') || bidi || u32::from(c) & 0xfffe == 0xfffe
}

pub fn harmless(format: &str, text: &str) -> Result<(), TestCaseError> {
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
pub fn elements(page: &str) -> Vec<Element> {
    parse(page).elements
}

/// Elements of a piece of HTML within Markdown, which may open or close only some.
pub fn fragment(html: &str) -> Vec<Element> {
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
pub static KNOWN: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let ordinary =
        [fixture::failing(), fixture::split(), fixture::inconclusive(), fixture::interrupted(), fixture::twenty(), fixture::crowded()];
    let pages = ordinary.iter().map(html::render).chain([matrix::html(&matrix_document())]);
    let all = pages.flat_map(|page| elements(&page));
    all.flat_map(|(name, attributes)| {
        std::iter::once(name.clone()).chain(attributes.into_iter().map(move |(key, _)| format!("{name} {key}")))
    })
    .collect()
});

pub fn page_is_sound(page: &str, like: &str) -> Result<(), TestCaseError> {
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
pub fn xml(text: &str) -> Vec<String> {
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
pub fn markdown_is_sound(text: &str) -> Result<(), TestCaseError> {
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
pub fn metrics_are_sound(text: &str) -> Result<(), TestCaseError> {
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
pub fn without_paint(text: &str) -> String {
    ["\u{1b}[1;32m", "\u{1b}[1;31m", "\u{1b}[1;33m", "\u{1b}[2m", "\u{1b}[0m"]
        .iter()
        .fold(text.to_owned(), |text, code| text.replace(code, ""))
}
