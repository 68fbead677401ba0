//! One entry of `faults`: a name, a place on the schedule and an action.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Action, Reversal, Timing};
use crate::spec::Duration;

/// Something injected into a running topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The name given in the file.
    pub name: String,
    /// When, how often and for how long.
    #[serde(flatten)]
    pub timing: Timing,
    /// What is done, and to whom.
    #[serde(flatten)]
    pub action: Action,
}

impl Fault {
    /// A fault that is injected once at a fixed time and, if `lasts` is given, reverted after it.
    pub fn at(name: &str, at: Duration, lasts: Option<Duration>, action: Action) -> Self {
        Self { name: name.to_owned(), timing: Timing { at: Some(at), lasts, ..Timing::default() }, action }
    }

    /// How long it stays: `for`; for a restart the time its nodes are down, for a reshard the time it takes.
    pub fn lasts(&self) -> Option<Duration> {
        match &self.action {
            Action::Restart(restart) => Some(restart.delay),
            Action::Reshard(reshard) => Some(reshard.over),
            _ => self.timing.lasts,
        }
    }
}

/// The schema of every action, with the fields all faults share written into each of its forms.
impl JsonSchema for Fault {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fault".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Action::json_schema(generator);
        let timing = Timing::json_schema(generator).to_value();
        let timing = timing.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let name =
            json!({ "type": "string", "pattern": crate::spec::schema::NAME_PATTERN, "description": "Name of the fault, used in reports." });
        let branches = schema.get_mut("oneOf").and_then(Value::as_array_mut);
        for form in branches.into_iter().flatten().filter_map(Value::as_object_mut) {
            crate::spec::schema::inline(form, generator);
            share(form, &name, &timing);
        }
        schema.insert("description".to_owned(), "Something injected into a running topology.".into());
        schema
    }
}

fn share(form: &mut Map<String, Value>, name: &Value, timing: &Map<String, Value>) {
    let word = form.get("properties").and_then(|all| all.get("action")?.get("const")?.as_str().map(str::to_owned)).unwrap_or_default();
    let reversal = Reversal::of(&word);
    let mut required: Vec<Value> = vec!["name".into()];
    required.extend(form.get("required").and_then(Value::as_array).cloned().unwrap_or_default());
    if reversal == Reversal::Always {
        required.push("for".into());
    }
    let mut properties = Map::new();
    properties.insert("name".to_owned(), name.clone());
    properties.extend(form.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
    properties.extend(timing.iter().filter(|(key, _)| *key != "for" || reversal != Reversal::Never).map(|(k, v)| (k.clone(), v.clone())));
    if reversal == Reversal::Always
        && let Some(lasts) = properties.get_mut("for").and_then(Value::as_object_mut)
    {
        // Required here, so there is nothing to be null.
        *lasts = Map::from_iter([
            ("$ref".to_owned(), "#/$defs/Duration".into()),
            ("description".to_owned(), "For how long; it is then reverted.".into()),
        ]);
    }
    form.insert("properties".to_owned(), properties.into());
    form.insert("required".to_owned(), required.into());
    form.insert("additionalProperties".to_owned(), false.into());
}
