//! Leaving no table or chain behind that was not there before.
//!
//! Where `iptables` is a front of nftables, it makes the table `mangle` and its base chains when the first rule comes and keeps them
//! when the last goes. Empty they do nothing, but they were not there. The older `iptables` has no such tables to remove.

use serde_json::Value;

use super::chains::TABLE;
use crate::namespace::{NFT, Namespace};
use crate::runtime::RuntimeError;

/// Base chains our rules are called from.
const HOOKS: [&str; 2] = ["INPUT", "OUTPUT"];

/// What there was of the table before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Before {
    table: bool,
    chains: Vec<String>,
}

impl Before {
    /// Looks at it now.
    pub(super) async fn look(namespace: &Namespace) -> Result<Self, RuntimeError> {
        let failed = |reason: String| RuntimeError::failed("listing tables", reason);
        let listing = NFT.run(namespace, &["-j", "list", "ruleset"], "").await?.map_err(failed)?;
        let listing = serde_json::from_str(&listing).map_err(|error| failed(error.to_string()))?;
        Ok(Self::read(&listing))
    }

    fn read(listing: &Value) -> Self {
        let objects = listing["nftables"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ours = |object: &&Value, key: &str| object["family"] == "ip" && object[key] == TABLE;
        let table = objects.iter().filter_map(|object| object.get("table")).any(|table| ours(&table, "name"));
        let chains = objects.iter().filter_map(|object| object.get("chain")).filter(|chain| ours(chain, "table"));
        Self { table, chains: chains.filter_map(|chain| chain["name"].as_str()).map(str::to_owned).collect() }
    }

    /// Removes what was not there and is not used by anybody.
    pub(super) async fn restore(&self, namespace: &Namespace) -> Result<(), RuntimeError> {
        if let Some(text) = self.removal(&Self::look(namespace).await?) {
            // The kernel refuses to remove a chain in which somebody has put a rule meanwhile, and then it has to stay.
            let _ = NFT.run(namespace, &["-f", "-"], text).await?;
        }
        Ok(())
    }

    fn removal(&self, now: &Self) -> Option<String> {
        let added: Vec<&str> = HOOKS.into_iter().filter(|hook| now.has(hook) && !self.has(hook)).collect();
        let mut text: String = added.iter().map(|hook| format!("delete chain ip {TABLE} {hook}\n")).collect();
        if now.table && !self.table && now.chains.iter().all(|chain| added.contains(&chain.as_str())) {
            text += &format!("delete table ip {TABLE}\n");
        }
        (!text.is_empty()).then_some(text)
    }

    fn has(&self, chain: &str) -> bool {
        self.chains.iter().any(|known| known == chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(table: bool, chains: &[&str]) -> Before {
        Before { table, chains: chains.iter().map(|&chain| chain.to_owned()).collect() }
    }

    #[test]
    fn what_was_not_there_goes_and_what_was_there_stays() {
        let now = before(true, &["OUTPUT", "INPUT"]);
        let all = "delete chain ip mangle INPUT\ndelete chain ip mangle OUTPUT\ndelete table ip mangle\n";
        assert_eq!(before(false, &[]).removal(&now).as_deref(), Some(all));
        assert_eq!(before(true, &["OUTPUT"]).removal(&now).as_deref(), Some("delete chain ip mangle INPUT\n"));
        assert_eq!(before(true, &["OUTPUT", "INPUT"]).removal(&now), None);
        let used = before(true, &["OUTPUT", "somebody"]);
        assert_eq!(before(false, &[]).removal(&used).as_deref(), Some("delete chain ip mangle OUTPUT\n"));
    }

    #[test]
    fn only_the_table_of_iptables_is_looked_at() {
        let listing = serde_json::json!({"nftables": [
            {"table": {"family": "inet", "name": "mangle"}},
            {"chain": {"family": "inet", "table": "mangle", "name": "OUTPUT"}},
            {"table": {"family": "ip", "name": "mangle"}},
            {"chain": {"family": "ip", "table": "mangle", "name": "INPUT"}},
            {"chain": {"family": "ip", "table": "nat", "name": "OUTPUT"}},
        ]});
        assert_eq!(Before::read(&listing), before(true, &["INPUT"]));
    }
}
