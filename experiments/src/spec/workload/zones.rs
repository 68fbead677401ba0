//! Where the clients of a workload live.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One zone, or several that the clients are dealt out to in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Zones {
    /// All clients live there.
    One(#[schemars(schema_with = "crate::spec::schema::name_schema")] String),
    /// The first client lives in the first, the second in the second, and so on, and then from the start.
    Several(#[schemars(schema_with = "several")] Vec<String>),
}

fn several(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "minItems": 1,
        "items": { "type": "string", "pattern": crate::spec::schema::NAME_PATTERN }
    })
}

impl Zones {
    /// Their names.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

impl std::fmt::Display for Zones {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}
