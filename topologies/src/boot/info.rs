//! What a server says of itself.

use std::collections::HashMap;

use redis::aio::MultiplexedConnection;

/// The fields of an INFO reply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Info(HashMap<String, String>);

impl Info {
    /// Asks a node.
    pub(crate) async fn of(connection: &mut MultiplexedConnection) -> Result<Self, String> {
        redis::cmd("INFO").query_async::<String>(connection).await.map(|text| Self::parse(&text)).map_err(|error| error.to_string())
    }

    pub(crate) fn parse(text: &str) -> Self {
        let fields = text.lines().filter_map(|line| line.trim_end().split_once(':'));
        Self(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Server and version, for example `redis 7.0.15` or `valkey 8.1.1`.
    pub(crate) fn version(&self) -> String {
        match self.get("valkey_version") {
            "" => format!("redis {}", self.get("redis_version")),
            version => format!("valkey {version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_name_the_server_family() {
        assert_eq!(Info::parse("redis_version:7.0.15\r\n").version(), "redis 7.0.15");
        assert_eq!(Info::parse("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n").version(), "valkey 8.1.1");
    }
}
