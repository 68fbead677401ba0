//! `docs/experiment-reference.md` says what the types say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use redquake_experiments::spec::metrics::{
    CACHE_METRICS, CLUSTER_METRICS, COUNTER_METRICS, FAILOVER_METRICS, FENCED_METRICS, GUARDED_METRICS, LIMITER_METRICS, LOCK_METRICS,
    Metric, PAYMENT_METRICS, REGISTER_METRICS, RESHARD_METRICS, SET_METRICS, SHARD_METRICS, Unit, WORKLOAD_METRICS,
};
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
fn tables(schema: &Value) -> Vec<(String, Value)> {
    let of = |pointer: &str| schema.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}")).clone();
    let mut tables = vec![
        ("## The file".to_owned(), schema.clone()),
        ("### `topology.config` of a Cluster".to_owned(), of("/$defs/ClusterConfig")),
        ("### `topology.config`".to_owned(), of("/$defs/TopologyConfig")),
        ("### Bursts".to_owned(), of("/$defs/Burst")),
        ("### `breaker`".to_owned(), of("/$defs/Breaker")),
        ("### `scale`".to_owned(), of("/$defs/Scale")),
        ("### `mix`".to_owned(), of("/$defs/Mix")),
        ("### Databases".to_owned(), of("/$defs/Database/oneOf/2")),
        ("### Selectors".to_owned(), of("/$defs/Selector")),
        ("## `assert`".to_owned(), of("/$defs/Assertion")),
    ];
    for (name, tag, shared) in [("Topology", "kind", None), ("Workload", "kind", Some("## `workloads`")), ("Fault", "action", FAULT)] {
        let forms = of(&format!("/$defs/{name}/oneOf"));
        let forms = forms.as_array().unwrap();
        // What every form has, alike in all of them, stands in one table.
        let alike: BTreeSet<&String> =
            forms[0]["properties"].as_object().unwrap().keys().filter(|key| shared.is_some() && is_alike(forms, key, tag)).collect();
        let part = |form: &Value, of_all: bool| {
            let mut form = form.clone();
            form["properties"].as_object_mut().unwrap().retain(|key, _| alike.contains(key) == of_all);
            form
        };
        tables.extend(shared.map(|heading| (heading.to_owned(), part(&forms[0], true))));
        for form in forms {
            let word = form["properties"][tag]["const"].as_str().unwrap();
            tables.push((format!("### `{tag}: {word}`"), part(form, false)));
        }
    }
    tables
}

const FAULT: Option<&str> = Some("### Fields of every fault");

fn is_alike(forms: &[Value], key: &str, tag: &str) -> bool {
    let first = &forms[0]["properties"][key];
    key == tag || forms.iter().all(|form| &form["properties"][key] == first)
}

fn default_text(name: &str, property: &Value, required: &[Value]) -> String {
    match property.get("default") {
        _ if required.iter().any(|wanted| wanted == name) => "required".to_owned(),
        None => "–".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "empty".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Object(map)) if map.contains_key("kind") => format!("`{}`", map["kind"].as_str().unwrap()),
        Some(Value::Array(_) | Value::Object(_)) => "none".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

#[test]
fn every_field_is_in_the_table_of_its_section_with_its_default() {
    let reference = reference();
    for (heading, schema) in tables(&spec::schema()) {
        let section = section(&reference, &heading);
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
fn every_section_of_a_form_is_of_one_that_exists() {
    let reference = reference();
    let known: BTreeSet<String> = tables(&spec::schema()).into_iter().map(|(heading, _)| heading).collect();
    let written = reference.lines().filter(|line| line.starts_with("### `kind: ") || line.starts_with("### `action: "));
    let strangers: Vec<&str> = written.filter(|line| !known.contains(*line)).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn every_shape_is_explained() {
    let section = section(&reference(), "### Shapes");
    let schema = spec::schema();
    let shapes = schema["$defs"]["Shape"]["oneOf"].as_array().unwrap();
    for shape in shapes {
        let word = shape["const"].as_str().unwrap();
        assert!(section.contains(&format!("\n| `{word}` | ")), "{word}");
    }
    assert_eq!(section.matches("\n| `").count(), shapes.len());
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
    let lists: [(&str, &str, &[Metric]); 14] = [
        ("### Of the servers", "failover", FAILOVER_METRICS),
        ("### Of the servers", "failover", CLUSTER_METRICS),
        ("### Of moved slots", "failover", RESHARD_METRICS),
        ("### Of each shard", "shard-<n>", SHARD_METRICS),
        ("### Of every workload", "<workload>", WORKLOAD_METRICS),
        ("### Of a `lock` workload", "<workload>", LOCK_METRICS),
        ("### Of a `lock` workload", "<workload>", GUARDED_METRICS),
        ("### Of a `lock` workload", "<workload>", FENCED_METRICS),
        ("### Of a `set` workload", "<workload>", SET_METRICS),
        ("### Of a `counter` workload", "<workload>", COUNTER_METRICS),
        ("### Of a `register` workload", "<workload>", REGISTER_METRICS),
        ("### Of a limiter", "<workload>", LIMITER_METRICS),
        ("### Of a `cache-aside` workload", "<workload>", CACHE_METRICS),
        ("### Of a `payment-job` workload", "<workload>", PAYMENT_METRICS),
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
