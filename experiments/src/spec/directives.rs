//! Server configuration directives, kept in the order they were written.

use std::collections::HashSet;

use super::directive_name::{DirectiveError, DirectiveName, NAME, VALUE, value};

/// `name value...` lines of a configuration file, in the order written. A list in YAML is the same directive several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives(Vec<(DirectiveName, String)>);

impl Directives {
    /// Directives from pairs of name and arguments; the only way to make them.
    ///
    /// # Errors
    /// [`DirectiveError`] for a name that is none, or a value that is not one line.
    pub fn new<N: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, DirectiveError> {
        let checked = pairs.into_iter().map(|(name, arguments)| {
            let arguments = arguments.into();
            value(&arguments)?;
            Ok((name.as_ref().parse()?, arguments))
        });
        checked.collect::<Result<_, _>>().map(Self)
    }

    /// Name and arguments of each directive.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Arguments of the last directive of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key.as_str() == name).map(|(_, value)| value.as_str())
    }

    /// Each name once, in the order of its first appearance.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut seen = HashSet::new();
        self.0.iter().map(|(name, _)| name.as_str()).filter(move |name| seen.insert(*name))
    }

    /// True when nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl serde::Serialize for Directives {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let names: Vec<&str> = self.names().collect();
        let mut map = serializer.serialize_map(Some(names.len()))?;
        for name in names {
            let values: Vec<&str> = self.iter().filter(|(key, _)| *key == name).map(|(_, value)| value).collect();
            match values.as_slice() {
                [one] => map.serialize_entry(name, one)?,
                many => map.serialize_entry(name, many)?,
            }
        }
        map.end()
    }
}

impl<'de> serde::Deserialize<'de> for Directives {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Directives;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a mapping from directive to value")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Directives, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, value)) = map.next_entry::<DirectiveName, serde_json::Value>()? {
                    let values = match value {
                        serde_json::Value::Array(values) => values,
                        one => vec![one],
                    };
                    for value in values {
                        let text = scalar(&value).ok_or_else(|| {
                            serde::de::Error::custom(format!(
                                "directive `{name}` wants a string, a number or a list of them; quote `\"yes\"` and `\"no\"`"
                            ))
                        })?;
                        pairs.push((name.to_string(), text));
                    }
                }
                Directives::new(pairs).map_err(serde::de::Error::custom)
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

fn scalar(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl schemars::JsonSchema for Directives {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Directives".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let scalar = serde_json::json!({ "type": ["string", "number"], "pattern": VALUE });
        schemars::json_schema!({
            "description": "Configuration directives by name; a list repeats the directive.",
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": { "oneOf": [scalar, { "type": "array", "items": scalar }] }
        })
    }
}

/// The schema of directives that each have one value.
pub(crate) fn settings(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "propertyNames": { "pattern": NAME },
        "additionalProperties": { "type": "string", "pattern": VALUE }
    })
}
