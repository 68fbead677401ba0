//! A value that stands in for a broken one, so that the rest of the file can still be checked.

use serde_json::{Map, Value, json};

use super::forms::resolve;

/// Some value that a schema takes.
pub(super) fn placeholder(schema: &Value) -> Value {
    let (_, schema) = resolve(schema);
    if let Some(value) = schema.get("default").or_else(|| schema.get("const")).or_else(|| schema.get("examples")?.get(0)) {
        return value.clone();
    }
    if let Some(first) = schema.get("enum").and_then(|words| words.get(0)) {
        return first.clone();
    }
    if let Some(first) = ["oneOf", "anyOf"].iter().find_map(|word| schema.get(word)).and_then(|branches| branches.get(0)) {
        return placeholder(first);
    }
    let kind = schema.get("type").map(|kind| kind.get(0).unwrap_or(kind)).and_then(Value::as_str);
    match kind {
        Some("string") => json!("x"),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("object") => {
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let member = |key: &str| schema.get("properties").and_then(|p| p.get(key)).map_or(Value::Null, placeholder);
            Value::Object(required.map(|key| (key.to_owned(), member(key))).collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}
