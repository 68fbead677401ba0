//! `result.json`: its schema, and that nothing is lost on the way through it.

use redquake_reports::result::{Document, schema};
use redquake_reports::testing::{FailoverParams, document};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/result.schema.json");

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let text = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(COMMITTED, &text).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(committed == text, "schema/result.schema.json is out of date; run the tests with UPDATE_SCHEMA=1 and commit it");
}

#[test]
fn a_document_survives_its_json_form_and_fits_the_schema() {
    let document = document(&FailoverParams { lag: 40_000_000, ..FailoverParams::default() }, 3);
    let json = serde_json::to_vec_pretty(&document).unwrap();
    assert_eq!(serde_json::from_slice::<Document>(&json).unwrap(), document);
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let value = serde_json::to_value(&document).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn the_schema_refuses_what_is_not_a_result() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut value = serde_json::to_value(document(&FailoverParams::default(), 1)).unwrap();
    value["verdict"] = "perhaps".into();
    assert!(!validator.is_valid(&value));
}
