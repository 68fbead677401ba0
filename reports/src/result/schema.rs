//! The JSON Schema of `result.json`, made from the types themselves.

use serde_json::Value;

use super::{Document, MatrixDocument};

/// The schema of a result document. The committed `schema/result.schema.json` is this; a test fails when they differ.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Document).to_value();
    schema["title"] = Value::from("Redquake result");
    schema
}

/// The same of the `result.json` of a matrix, committed as `schema/matrix.schema.json`.
pub fn matrix_schema() -> Value {
    let mut schema = schemars::schema_for!(MatrixDocument).to_value();
    schema["title"] = Value::from("Redquake result of a matrix");
    schema
}
