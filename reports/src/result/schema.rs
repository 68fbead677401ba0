//! The JSON Schema of `result.json`, made from the types themselves.

use serde_json::Value;

use super::Document;

/// The schema of a result document. The committed `schema/result.schema.json` is this; a test fails when they differ.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Document).to_value();
    schema["title"] = Value::from("Redquake result");
    schema
}
