//! Making Sentinels look more often while a set comes up, and taking that back.
//!
//! Left in place it would break the failover that is to be measured: with `ping-period 100` a replica only counts as good when its
//! INFO is younger than 500 ms, while INFO is asked once a second; the first attempt is then given up for lack of a good replica.

use std::collections::BTreeMap;

use redis::aio::MultiplexedConnection;

/// Periods in milliseconds during bring-up.
const BOOSTED: [(&str, &str); 3] = [("info-period", "100"), ("publish-period", "100"), ("ping-period", "100")];

/// The periods a Sentinel had before it was boosted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Boost(BTreeMap<String, String>);

impl Boost {
    /// Boosts a Sentinel; `None` for one that cannot be (`SENTINEL DEBUG` came with 7.0) and then runs at its own pace.
    pub(super) async fn apply(connection: &mut MultiplexedConnection) -> Option<Self> {
        let before = periods(connection).await.ok()?;
        let wanted: BTreeMap<String, String> = BOOSTED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let original = wanted.keys().map(|name| Some((name.clone(), before.get(name)?.clone()))).collect::<Option<_>>()?;
        set(connection, &wanted).await.ok()?;
        Some(Self(original))
    }

    /// Restores what was there and makes sure that it is in force.
    pub(super) async fn restore(&self, connection: &mut MultiplexedConnection) -> Result<(), String> {
        set(connection, &self.0).await?;
        let now = periods(connection).await?;
        let wrong: Vec<String> = self
            .0
            .iter()
            .filter(|(name, value)| now.get(*name) != Some(value))
            .map(|(name, value)| format!("{name} is {} instead of {value}", now.get(name).map_or("unknown", String::as_str)))
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(format!("its periods could not be restored: {}", wrong.join(", "))) }
    }
}

async fn periods(connection: &mut MultiplexedConnection) -> Result<BTreeMap<String, String>, String> {
    let reply: BTreeMap<String, String> =
        redis::cmd("SENTINEL").arg("DEBUG").query_async(connection).await.map_err(|error| error.to_string())?;
    Ok(reply.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
}

async fn set(connection: &mut MultiplexedConnection, values: &BTreeMap<String, String>) -> Result<(), String> {
    let mut command = redis::cmd("SENTINEL");
    command.arg("DEBUG");
    for (name, value) in values {
        command.arg(name).arg(value);
    }
    command.query_async::<()>(connection).await.map_err(|error| error.to_string())
}
