//! The published JSON Schemas.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use redquake_experiments::{catalogue, spec};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&spec::schema()).unwrap()
}

/// A file as a validator of an editor sees it: parsed by the YAML library alone.
fn plain(text: &str) -> Option<Value> {
    serde_yaml::from_str(text).ok()
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for (file, schema) in [("experiment.schema.json", spec::schema()), ("topology.schema.json", spec::topology_schema())] {
        let path = root().join("schema").join(file);
        let wanted = format!("{schema:#}\n");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == wanted,
            "{} is not what the types say; regenerate it: UPDATE_SCHEMA=1 cargo test -p redquake-experiments --test schema",
            path.display()
        );
    }
}

#[test]
fn every_shipped_file_is_valid_by_the_schema() {
    let validator = validator();
    for entry in catalogue::entries() {
        let value = plain(entry.text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", entry.name);
    }
}

#[test]
fn every_file_of_the_wrong_shape_is_invalid_by_the_schema_too() {
    let validator = validator();
    let mut seen = 0;
    for path in std::fs::read_dir(root().join("tests/broken")).unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // What a matrix puts into other places is no matter of JSON Schema either.
        if path.file_name().unwrap().to_str().unwrap().starts_with("matrix-cells") {
            continue;
        }
        // `RQ01` is the shape; a key written twice and a number too large for its type are no matter of JSON Schema.
        let shape = spec::load("broken", text.as_bytes(), &|_| Err(String::new()));
        let shape = shape.problems.iter().any(|problem| problem.code.starts_with("RQ01") && problem.code != "RQ0107");
        if let (true, Some(value)) = (shape, plain(&text)) {
            seen += 1;
            assert!(!validator.is_valid(&value), "{}", path.display());
        }
    }
    assert!(seen >= 10, "only {seen} files of the wrong shape");
}

#[test]
fn what_the_schema_takes_and_what_the_tool_takes_is_the_same_shape() {
    let validator = validator();
    for text in
        ["1", "\"\"", "x", "[]", "{}", "null", "true", "1.5", "-1", "5s", "200/s", "max < 5s", "{ role: primary }", "{ node: a }", "all"]
    {
        for field in ["name", "duration", "trials", "seed", "topology", "workloads", "faults", "assert", "description", "matrix"] {
            let mut lines = vec!["version: 1".to_owned()];
            for (key, value) in [("name", "a"), ("duration", "9s"), ("topology", "{ kind: sentinel }")] {
                lines.push(format!("{key}: {}", if key == field { text } else { value }));
            }
            if !["name", "duration", "topology"].contains(&field) {
                lines.push(format!("{field}: {text}"));
            }
            let yaml = lines.join("\n");
            let ours = spec::load("a.yaml", yaml.as_bytes(), &|_| Err(String::new()));
            let ours = !ours.problems.iter().any(|problem| problem.code.starts_with("RQ01"));
            assert_eq!(ours, validator.is_valid(&plain(&yaml).unwrap()), "{yaml}");
        }
    }
}

#[test]
fn a_topology_file_has_a_schema_of_its_own() {
    let validator = jsonschema::validator_for(&spec::topology_schema()).unwrap();
    assert!(validator.is_valid(&plain("version: 1\nkind: sentinel\nreplicas: 1\n").unwrap()));
    assert!(!validator.is_valid(&plain("kind: sentinel\n").unwrap()));
    assert!(!validator.is_valid(&plain("version: 1\nkind: sentinel\nreplica: 1\n").unwrap()));
}

/// Every `pattern` outside a definition that has a parser of its own.
fn patterns(schema: &Value, found: &mut Vec<String>) {
    if let Some(object) = schema.as_object() {
        for (key, value) in object {
            if let ("pattern", Some(pattern)) = (key.as_str(), value.as_str()) {
                found.push(pattern.to_owned());
            } else if ![
                "Duration",
                "Rate",
                "Expectation",
                "Server",
                "SlotRanges",
                "SlotChoice",
                "Lifetime",
                "Percent",
                "BitRate",
                "Offset",
                "After",
                "Trigger",
            ]
            .contains(&key.as_str())
            {
                patterns(value, found);
            }
        }
    } else {
        for value in schema.as_array().into_iter().flatten() {
            patterns(value, found);
        }
    }
}

#[test]
fn every_pattern_of_the_schema_is_one_the_checks_know() {
    let mut found = Vec::new();
    patterns(&spec::schema(), &mut found);
    found.sort();
    found.dedup();
    let (name, directive) = ("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "^[A-Za-z][A-Za-z0-9_-]{0,63}$");
    assert_eq!(found, [name, directive, "^[^\\u0000-\\u0008\\u000a-\\u001f\\u007f-\\u009f]*$"]);
}
