//! The database behind a cache or a payment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Duration;

/// The database a workload works against: `sqlite`, `postgres`, or a mapping with options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Database {
    /// Embedded, a file of its own for each workload.
    Sqlite(SqliteDatabase),
    /// A server, a node on the network of the lab.
    Postgres(PostgresDatabase),
}

/// An embedded SQLite database in WAL mode behind a bounded pool of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteDatabase {
    /// The client's side.
    #[serde(flatten)]
    pub pool: DatabasePool,
}

/// A PostgreSQL server as a node of the lab. One server for the experiment, whatever the number of workloads that use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresDatabase {
    /// Major version.
    #[serde(default = "version")]
    #[schemars(schema_with = "super::schema::name_schema")]
    pub version: String,
    /// Connections the server accepts (`max_connections`); one more is refused.
    #[serde(default = "max_connections")]
    #[schemars(range(min = 2, max = 1000))]
    pub max_connections: u32,
    /// The client's side.
    #[serde(flatten)]
    pub pool: DatabasePool,
}

/// What stands between a workload and its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabasePool {
    /// Time each query takes on its connection beside its work, so that a small machine can have a small database.
    #[serde(default)]
    pub service_time: Duration,
    /// Connections of the workload; with `service_time` they bound the queries a second.
    #[serde(default = "pool")]
    #[schemars(range(min = 1, max = 400))]
    pub pool: u32,
    /// Queries that may wait for a connection; one more is refused.
    #[serde(default = "queue")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub queue: u32,
    /// Longest time from asking to the answer, the wait for a connection included.
    #[serde(default = "timeout")]
    pub timeout: Duration,
}

impl Default for DatabasePool {
    fn default() -> Self {
        Self { service_time: Duration::default(), pool: pool(), queue: queue(), timeout: timeout() }
    }
}

impl Default for PostgresDatabase {
    fn default() -> Self {
        Self { version: version(), max_connections: max_connections(), pool: DatabasePool::default() }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::Sqlite(SqliteDatabase { pool: DatabasePool::default() })
    }
}

impl Database {
    /// The client's side.
    pub fn pool(&self) -> &DatabasePool {
        match self {
            Self::Sqlite(sqlite) => &sqlite.pool,
            Self::Postgres(postgres) => &postgres.pool,
        }
    }

    /// Most queries a second the pool can serve; `None` when nothing but the machine bounds them.
    pub fn capacity(&self) -> Option<f64> {
        let pool = self.pool();
        let seconds = pool.service_time.as_nanos() as f64 / 1e9;
        (seconds > 0.0).then(|| f64::from(pool.pool) / seconds)
    }
}

impl<'de> Deserialize<'de> for Database {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        use serde_json::Value;
        let wrong = || D::Error::custom("a database is `sqlite`, `postgres`, or a mapping with `kind`");
        let mut value = Value::deserialize(deserializer)?;
        if let Value::String(word) = &value {
            value = serde_json::json!({ "kind": word });
        }
        let Value::Object(mut fields) = value else { return Err(wrong()) };
        let kind = fields.remove("kind");
        match kind.as_ref().and_then(Value::as_str) {
            Some("sqlite") => serde_json::from_value(Value::Object(fields)).map(Self::Sqlite).map_err(D::Error::custom),
            Some("postgres") => serde_json::from_value(Value::Object(fields)).map(Self::Postgres).map_err(D::Error::custom),
            _ => Err(wrong()),
        }
    }
}

impl JsonSchema for Database {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Database".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let tagged = |word: &str, mut schema: schemars::Schema| {
            if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
                properties.insert("kind".to_owned(), serde_json::json!({ "type": "string", "const": word }));
            }
            schema.insert("required".to_owned(), serde_json::json!(["kind"]));
            schema.insert("additionalProperties".to_owned(), serde_json::json!(false));
            schema.remove("unevaluatedProperties");
            schema
        };
        let sqlite = tagged("sqlite", SqliteDatabase::json_schema(generator));
        let postgres = tagged("postgres", PostgresDatabase::json_schema(generator));
        schemars::json_schema!({
            "description": "`sqlite`, `postgres`, or a mapping with `kind` and options.",
            "oneOf": [{ "type": "string", "enum": ["sqlite", "postgres"] }, sqlite, postgres]
        })
    }
}

fn version() -> String {
    "15".to_owned()
}

fn max_connections() -> u32 {
    100
}

fn pool() -> u32 {
    10
}

fn queue() -> u32 {
    1000
}

fn timeout() -> Duration {
    Duration::from_millis(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Database, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_word_means_the_defaults_and_a_mapping_sets_options() {
        assert_eq!(read("\"sqlite\""), Ok(Database::default()));
        assert_eq!(read("\"postgres\""), Ok(Database::Postgres(PostgresDatabase::default())));
        let Ok(Database::Postgres(set)) = read(r#"{"kind":"postgres","max_connections":20,"pool":4,"service_time":"2ms"}"#) else {
            panic!("a mapping is read");
        };
        assert_eq!((set.max_connections, set.pool.pool, set.pool.service_time), (20, 4, Duration::from_millis(2)));
        assert_eq!(Database::Postgres(set).capacity(), Some(2000.0));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for database in [Database::default(), Database::Postgres(PostgresDatabase::default())] {
            assert_eq!(read(&serde_json::to_string(&database).unwrap()), Ok(database));
        }
    }

    #[test]
    fn options_of_the_other_kind_and_other_databases_are_refused() {
        assert!(read(r#"{"kind":"sqlite","max_connections":20}"#).is_err());
        assert!(read("\"mysql\"").is_err());
        assert!(read("{}").is_err());
    }
}
