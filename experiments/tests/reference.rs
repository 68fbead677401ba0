//! `docs/experiment-reference.md` says what the types say.

use std::path::Path;

use redquake_experiments::spec::metrics::{FAILOVER_METRICS, LOCK_METRICS, Metric, Unit, WORKLOAD_METRICS};
use redquake_experiments::spec::{self, CODES};
use serde_json::Value;

fn reference() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/experiment-reference.md");
    std::fs::read_to_string(path).expect("the reference is in docs/")
}

/// Text of the section under a heading, up to the next heading.
fn section(reference: &str, heading: &str) -> String {
    let start = reference.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let body = &reference[start + heading.len() + 2..];
    let end = body.find("\n#").unwrap_or(body.len());
    body[..end].to_owned()
}

/// Headings with the schema whose properties the table below them lists.
fn tables(schema: &Value) -> Vec<(&'static str, Value)> {
    let of = |pointer: &str| schema.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}")).clone();
    vec![
        ("## The file", schema.clone()),
        ("## `topology`", of("/$defs/Topology/oneOf/0")),
        ("### `topology.config`", of("/$defs/TopologyConfig")),
        ("## `workloads`, kind `lock`", of("/$defs/Workload/oneOf/0")),
        ("### `action: kill`", of("/$defs/Fault/oneOf/0")),
        ("### `action: partition`", of("/$defs/Fault/oneOf/1")),
        ("### Selectors", of("/$defs/Selector")),
        ("## `assert`", of("/$defs/Assertion")),
    ]
}

fn default_text(name: &str, property: &Value, required: &[Value]) -> String {
    match property.get("default") {
        _ if required.iter().any(|wanted| wanted == name) => "required".to_owned(),
        None => "–".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "empty".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(_) | Value::Object(_)) => "none".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

#[test]
fn every_field_is_in_the_table_of_its_section_with_its_default() {
    let reference = reference();
    for (heading, schema) in tables(&spec::schema()) {
        let section = section(&reference, heading);
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let properties = schema["properties"].as_object().unwrap();
        for (name, property) in properties {
            let row = section.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("`{name}` is not under {heading}"));
            let default = row.split('|').nth(3).unwrap().trim();
            assert_eq!(default, default_text(name, property, &required), "`{name}` under {heading}");
        }
        let rows = section.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, properties.len(), "a field under {heading} that does not exist");
    }
}

#[test]
fn every_form_of_a_tagged_value_has_a_section() {
    let schema = spec::schema();
    let forms: usize = ["Topology", "Workload", "Fault"].map(|name| schema["$defs"][name]["oneOf"].as_array().unwrap().len()).iter().sum();
    assert_eq!(forms, 4, "a new kind or action wants a section here and in the reference");
}

#[test]
fn every_code_is_listed_with_its_meaning() {
    let section = section(&reference(), "## Diagnostics");
    for code in CODES {
        let row = format!("| {} | {} | {} |", code.code, code.level.as_str(), code.meaning);
        assert!(section.contains(&row), "missing: {row}");
    }
    assert_eq!(section.matches("\n| RQ").count(), CODES.len());
}

#[test]
fn every_metric_is_listed_with_its_unit_and_meaning() {
    let reference = reference();
    let lists: [(&str, &str, &[Metric]); 3] = [
        ("### Of the servers", "failover", FAILOVER_METRICS),
        ("### Of every workload", "<workload>", WORKLOAD_METRICS),
        ("### Of a `lock` workload", "<workload>", LOCK_METRICS),
    ];
    for (heading, prefix, metrics) in lists {
        let section = section(&reference, heading);
        for metric in metrics {
            let unit = match metric.unit {
                Unit::Ns => "time",
                Unit::Count => "count",
                Unit::Share => "share",
                Unit::Rate => "rate",
            };
            let row = format!("| `{prefix}.{}` | {unit} | {} |", metric.name, metric.meaning);
            assert!(section.contains(&row), "missing: {row}");
        }
    }
}

#[test]
fn the_example_at_the_top_is_valid() {
    let reference = reference();
    let example = reference.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let loaded = spec::load("reference.yaml", example.as_bytes(), &|_| Err("nothing is read".to_owned()));
    assert_eq!(loaded.render_human(false), "");
}
