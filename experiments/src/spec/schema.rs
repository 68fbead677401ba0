//! JSON Schemas, made from the structs: what editors complete and what files are checked against.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde_json::Value;

use super::{Directives, Experiment, Topology};

/// Version of the file format this tool reads.
pub const VERSION: u64 = 1;

/// Names of experiments, workloads and faults, also the text of the schema's pattern.
pub(crate) const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

/// JSON Schema (draft 2020-12) of an experiment file.
pub fn schema() -> Value {
    experiment().clone()
}

/// JSON Schema (draft 2020-12) of a topology file, which an experiment names by its path.
pub fn topology_schema() -> Value {
    let mut schema = schemars::schema_for!(Topology).to_value();
    // A file of its own carries the version of the format, which an inline topology has from the experiment.
    let branches = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for branch in branches.into_iter().flatten() {
        if let Some(properties) = branch.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("version".to_owned(), version_schema(&mut schemars::SchemaGenerator::default()).to_value());
        }
        if let Some(required) = branch.get_mut("required").and_then(Value::as_array_mut) {
            required.insert(0, "version".into());
        }
    }
    schema
}

/// The experiment's schema, made once.
pub(crate) fn experiment() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut schema = schemars::schema_for!(Experiment).to_value();
        // Not a field of the type: a cell is an experiment, and a matrix is many of them.
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("matrix".to_owned(), matrix_schema());
        }
        schema
    })
}

/// `matrix`. The values are checked where they are put, as if they had been written there.
fn matrix_schema() -> Value {
    serde_json::json!({
        "type": "object",
        "description": "Fields that are varied: paths like `workloads.locks.client` (elements of lists by their `name`), each with the \
                        values it takes. Every combination is performed and compared with the others.",
        "additionalProperties": { "type": "array", "minItems": 1, "items": {} },
        "examples": [{ "topology.config.sentinel.down-after-milliseconds": [1000, 2000] }]
    })
}

/// `version`.
pub(crate) fn version_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "integer", "const": VERSION })
}

/// A name.
pub(crate) fn name_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "pattern": NAME_PATTERN })
}

/// Writes the definition a form of a tagged value refers to into the form itself, so that the form can be closed to other fields.
pub(crate) fn inline(form: &mut serde_json::Map<String, Value>, generator: &mut schemars::SchemaGenerator) {
    let Some(Value::String(target)) = form.remove("$ref") else { return };
    let Some(definition) = target.strip_prefix("#/$defs/").and_then(|name| generator.definitions_mut().remove(name)) else { return };
    for (key, value) in definition.as_object().into_iter().flatten() {
        match form.get_mut(key) {
            None => {
                form.insert(key.clone(), value.clone());
            }
            Some(Value::Object(mine)) => mine.extend(value.as_object().cloned().unwrap_or_default()),
            Some(Value::Array(mine)) => mine.extend(value.as_array().cloned().unwrap_or_default()),
            Some(_) => {}
        }
    }
}

/// `topology`: written out, or the path of a topology file. The file is read before anything is deserialized.
pub(crate) fn topology_or_path(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let topology = generator.subschema_for::<Topology>();
    schemars::json_schema!({
        "oneOf": [topology, { "type": "string", "description": "Path of a topology file, relative to this file." }]
    })
}

/// `config.redis`: directives, and `include` for a configuration file to start from.
pub(crate) fn redis_directives(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let mut schema = Directives::json_schema(generator);
    schema.insert(
        "properties".to_owned(),
        serde_json::json!({
            "include": {
                "type": "string",
                "description": "Path of a redis.conf to start from, relative to this file; directives written here replace its own."
            }
        }),
    );
    schema
}
