//! The page: complete, well formed, offline, safe and small.

use std::time::Instant;

use redquake_experiments::spec::Role;
use redquake_reports::render::html;
use redquake_reports::result::Document;

use crate::fixture;

fn documents() -> Vec<(&'static str, Document)> {
    vec![
        ("pass", fixture::passing()),
        ("fail", fixture::failing()),
        ("inconclusive", fixture::inconclusive()),
        ("interrupted", fixture::interrupted()),
        ("hostile", fixture::hostile()),
        ("quiet", fixture::quiet()),
        ("twenty", fixture::twenty()),
        ("crowded", fixture::crowded()),
    ]
}

/// Elements as they open and close, and their attributes; panics where the page is not well-formed XML.
pub struct Parsed {
    pub elements: Vec<(String, Vec<(String, String)>)>,
    pub text: String,
}

/// A strict little parser: every attribute quoted, every element closed, `<` and `&` only where they may stand. Scripts and style
/// sheets are raw text, as in HTML.
pub fn parse(page: &str) -> Parsed {
    let mut parsed = Parsed { elements: Vec::new(), text: String::new() };
    let mut open: Vec<String> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    while let Some(at) = rest.find('<') {
        parsed.text.push_str(&entities(&rest[..at]));
        rest = &rest[at..];
        let end = rest.find('>').expect("a closed tag");
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closing tag");
            continue;
        }
        let (tag, alone) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = attributes(tag);
        if name == "script" || name == "style" {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).expect("raw text ends") + close.len()..];
        } else if !alone {
            open.push(name.clone());
        }
        parsed.elements.push((name, attributes));
    }
    assert!(open.is_empty(), "left open: {open:?}");
    parsed
}

fn attributes(tag: &str) -> (String, Vec<(String, String)>) {
    let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "element name {name}");
    let mut list = Vec::new();
    while !rest.trim().is_empty() {
        let (key, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("unquoted attribute in <{tag}>"));
        let (value, after) = after.split_once('"').expect("a closed value");
        let key = key.trim();
        assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ':')), "attribute name {key}");
        list.push((key.to_owned(), entities(value)));
        rest = after;
    }
    (name.to_owned(), list)
}

fn entities(text: &str) -> String {
    let mut plain = String::new();
    let mut parts = text.split('&');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, after) = part.split_once(';').expect("an entity ends");
        plain.push(match name {
            "amp" | "#38" => '&',
            "lt" | "#60" => '<',
            "gt" | "#62" => '>',
            "quot" | "#34" => '"',
            "#39" => '\'',
            other => panic!("unknown entity {other}"),
        });
        plain.push_str(after);
    }
    plain
}

impl Parsed {
    fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        let key = key.to_owned();
        self.elements.iter().flat_map(|(_, list)| list).filter(move |(name, _)| *name == key).map(|(_, value)| value.as_str())
    }
}

#[test]
fn every_page_is_well_formed_and_left_for_a_look() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("render");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, document) in documents() {
        let page = html::render(&document);
        std::fs::write(folder.join(format!("{name}.html")), &page).unwrap();
        std::fs::write(folder.join(format!("{name}.json")), serde_json::to_string(&document).unwrap()).unwrap();
        let parsed = parse(&page);
        let mut ids: Vec<_> = parsed.values("id").collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}: an id stands twice");
    }
}

#[test]
fn no_page_asks_the_network_for_anything() {
    for (name, document) in documents() {
        let page = html::render(&document);
        let parsed = parse(&page);
        for link in parsed.values("href").chain(parsed.values("src")) {
            assert!(link.starts_with('#') || link == "data:," || link.starts_with("trial-"), "{name}: {link}");
        }
        for forbidden in ["@import", "fetch(", "XMLHttpRequest", "sendBeacon", "WebSocket", "srcset", "import("] {
            assert!(!page.contains(forbidden), "{name}: {forbidden}");
        }
        let addresses: Vec<_> = page.match_indices("http").map(|(at, _)| &page[at..(at + 30).min(page.len())]).collect();
        for address in addresses {
            assert!(address.starts_with("http-equiv") || address.starts_with("http://www.w3.org/2000/svg"), "{name}: {address}");
        }
    }
}

#[test]
fn references_inside_the_page_lead_somewhere() {
    for (name, document) in documents() {
        let page = html::render(&document);
        let parsed = parse(&page);
        let ids: std::collections::HashSet<_> = parsed.values("id").collect();
        let links = parsed.values("href").filter_map(|link| link.strip_prefix('#'));
        let labels = parsed.values("aria-labelledby").flat_map(str::split_whitespace);
        let fills = parsed.values("fill").chain(parsed.values("clip-path")).filter_map(|v| v.strip_prefix("url(#")?.strip_suffix(')'));
        for target in links.chain(labels).chain(fills) {
            assert!(ids.contains(target), "{name}: nothing has the id {target}");
        }
    }
}

#[test]
fn hostile_names_stay_text() {
    let page = html::render(&fixture::hostile());
    let parsed = parse(&page);
    let scripts = parsed.elements.iter().filter(|(name, _)| name == "script").count();
    let own = parse(&html::render(&fixture::failing())).elements.iter().filter(|(name, _)| name == "script").count();
    assert_eq!(scripts, own, "a name became a script");
    assert!(parsed.text.contains("<script>alert('x')</script>"), "the name is shown as it is");
    assert!(!parsed.elements.iter().flat_map(|(_, list)| list).any(|(key, _)| key.starts_with("on")), "an event handler");
    assert!(!parsed.values("href").any(|link| link.contains("script")));
}

#[test]
fn every_chart_has_a_text_alternative_and_every_table_a_caption() {
    for (name, document) in documents() {
        let page = html::render(&document);
        let parsed = parse(&page);
        let count = |element: &str| parsed.elements.iter().filter(|(one, _)| one == element).count();
        assert_eq!(count("table"), count("caption"), "{name}");
        for (_, list) in parsed.elements.iter().filter(|(one, _)| one == "th") {
            assert!(list.iter().any(|(key, _)| key == "scope"), "{name}: a heading cell without scope");
        }
        for (_, list) in parsed.elements.iter().filter(|(one, _)| one == "svg") {
            let has = |key: &str, value: &str| list.iter().any(|(one, text)| one == key && (value.is_empty() || text == value));
            assert!(has("aria-hidden", "true") || has("role", "img") && has("aria-labelledby", ""), "{name}: {list:?}");
        }
    }
}

#[test]
fn everything_that_was_judged_or_found_is_on_the_page_in_order() {
    let document = fixture::failing();
    let text = parse(&html::render(&document)).text;
    for assertion in &document.assertions {
        assert!(text.contains(&assertion.metric) && text.contains(&assertion.expect), "{}", assertion.metric);
        let place = assertion.location.as_ref().unwrap();
        assert!(text.contains(&format!("{}:{}", place.file, place.line)));
    }
    for anomaly in document.trials.iter().flat_map(|trial| &trial.anomalies) {
        assert!(text.contains(&anomaly.text), "{}", anomaly.text);
    }
    for (name, metric) in &document.metrics {
        assert!(text.contains(name.as_str()) && text.contains(&metric.meaning.replace('`', "")));
    }
    for trial in &document.trials {
        assert!(text.contains(&trial.history));
    }
    assert!(text.contains(&document.repro));
    let sections = [
        "FAIL",
        "Key figures",
        "Assertions",
        "Timeline",
        "Failover anatomy",
        "Anomalies",
        "Distribution",
        "What clients saw",
        "Metrics, and",
        "Environment and",
    ];
    let body = &text[text.find("Environment").unwrap()..];
    let mut last = 0;
    for section in &sections[1..] {
        let at = body
            .find(&format!("\n{section}"))
            .or_else(|| body[last..].find(section).map(|at| at + last))
            .unwrap_or_else(|| panic!("{section} is missing"));
        assert!(at >= last, "{section} is out of order");
        last = at;
    }
    assert!(text.find("FAIL").unwrap() < text.find("Key figures").unwrap());
}

#[test]
fn every_error_class_has_a_lane_and_its_first_and_last_time_in_the_table() {
    let document = fixture::passing();
    let page = html::render(&document);
    let table = &page[page.find("Why attempts were not plainly ok").unwrap()..];
    for class in &document.trials[0].timeline.workloads[0].classes {
        let name = class.why.as_str();
        assert!(page.contains(&format!("<title>{name} (")), "{name} has no lane");
        let of = |trial: &redquake_reports::result::Trial| {
            trial.workloads[0].reasons.iter().find(|one| one.why == class.why).map(|one| one.first - trial.zero)
        };
        let first = document.trials.iter().filter_map(of).min().unwrap();
        assert!(table.contains(&format!("T+{:.3} s", first as f64 / 1e9)), "{name}: no first time");
    }
    assert!(page.contains(">held (normal)<"), "what is normal is marked in words");
}

#[test]
fn two_primaries_stand_in_the_lanes_with_what_each_took() {
    let page = html::render(&fixture::split());
    let parsed = parse(&page);
    for told in [
        "two primaries",
        "while another node took writes as well, redis-1 took 1,204 writes of clients and 3,980 of probes, gone once it follows another",
        "while another node took writes as well, redis-2 took 611 writes of clients and 3,991 of probes",
        "2,000 added, 1,204 lost",
        "the wrong one took 1,204 writes of clients",
        "data wiped",
    ] {
        assert!(parsed.text.contains(told), "{told}");
    }
    assert!(page.contains(r#"class="sb""#) && page.contains(r#"class="ss""#));
    let without = html::render(&fixture::passing());
    assert!(!without.contains(r#"class="ss""#) && !without.contains("two primaries"), "nobody shared");
}

#[test]
fn a_trial_that_proves_nothing_is_shown_and_marked() {
    let document = fixture::inconclusive();
    let text = parse(&html::render(&document)).text;
    assert!(text.contains("Nothing is proved either way"));
    assert!(text.contains("Not judged"));
    assert!(text.contains("≥ 14.0 s, still down at the end"));
    for reason in document.trials.iter().flat_map(|trial| &trial.reasons) {
        assert!(text.contains(&reason.replace('`', "")), "{reason}");
    }
}

#[test]
fn what_was_left_behind_is_told_at_the_top() {
    let document = fixture::interrupted();
    let text = parse(&html::render(&document)).text;
    let at = text.find("container redquake-7f3a-redis-2").unwrap();
    assert!(at < text.find("asserts").unwrap_or(usize::MAX) && text.contains("interrupted by SIGINT"));
}

#[test]
fn twenty_trials_fit_into_a_megabyte() {
    let document = fixture::twenty();
    let begin = Instant::now();
    let page = html::render(&document);
    println!("20 trials: {} bytes, rendered in {:?}", page.len(), begin.elapsed());
    assert!(page.len() <= 1_000_000, "{} bytes", page.len());
}

#[test]
fn a_crowded_run_of_twenty_trials_fits_as_well() {
    let document = fixture::crowded();
    let begin = Instant::now();
    let page = html::render(&document);
    println!("20 crowded trials: {} bytes, rendered in {:?}", page.len(), begin.elapsed());
    assert!(page.len() <= 1_000_000, "{} bytes", page.len());
    assert!(parse(&page).text.contains("24,680 found in the trials that count, the worst kind first"));
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    assert_eq!(html::render(&fixture::failing()), html::render(&fixture::failing()));
}

#[test]
fn a_page_of_a_cluster_speaks_of_nodes_and_has_lanes_of_those_that_told_something() {
    let mut document = fixture::passing();
    assert!(html::render(&document).contains("What the Sentinels published in trial"));
    for trial in &mut document.trials {
        trial.nodes.retain(|node| node.role != Role::Sentinel);
        trial.nodes.iter_mut().for_each(|node| node.shard = Some(1));
        trial.timeline.sentinel.iter_mut().for_each(|mark| mark.node = "redis-2".to_owned());
    }
    // Nobody failed over, and it is a Cluster all the same.
    document.trials.iter_mut().for_each(|trial| trial.failovers.clear());
    let told = html::render(&document);
    assert!(told.contains("What the nodes told of each other in trial") && !told.contains("What the Sentinels published"));
    let lanes = |page: &str| page.matches("class=\"bl\"").count();
    document.trials.iter_mut().for_each(|trial| trial.timeline.sentinel.clear());
    let silent = html::render(&document);
    assert_eq!(lanes(&told) - lanes(&silent), document.trials.len(), "one lane in each trial: that of the node that spoke");
}
