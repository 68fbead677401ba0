//! Changing and reading rules inside a namespace, with the `nft` program.

use super::Traffic;
use super::render::{drop_table, table};
use crate::namespace::{NFT, Namespace};
use crate::runtime::RuntimeError;

/// What `nft` says of a table that is not there.
const ABSENT: &str = "No such file or directory";

/// What there is of a fault's rules in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// Number of rules that drop packets.
    pub rules: usize,
    /// Packets they have dropped.
    pub packets: u64,
}

/// Drops packets exchanged with peers, all rules at the same instant: a [`PeerRule`](super::PeerRule) means all packets, and
/// [`PeerRule::on`](super::PeerRule::on) those on some ports.
///
/// # Errors
/// When a table of that id is there already, `nft` is missing, or the kernel refuses.
pub async fn drop_packets<R: Clone + Into<Traffic>>(namespace: &Namespace, id: &str, rules: &[R]) -> Result<(), RuntimeError> {
    let rules: Vec<Traffic> = rules.iter().cloned().map(Into::into).collect();
    create(namespace, id, drop_table(id, &rules)).await
}

/// Makes the table of a fault from the text that describes it.
pub(crate) async fn create(namespace: &Namespace, id: &str, text: String) -> Result<(), RuntimeError> {
    let done = NFT.run(namespace, &["-f", "-"], text).await?;
    done.map(drop).map_err(|reason| RuntimeError::failed(format!("dropping packets by the table {}", table(id)), reason))
}

/// Removes the rules of a fault, and nothing else; fine when there are none.
///
/// # Errors
/// When `nft` is missing or the kernel refuses.
pub async fn remove(namespace: &Namespace, id: &str) -> Result<(), RuntimeError> {
    match NFT.run(namespace, &["-f", "-"], format!("delete table {}\n", table(id))).await? {
        Err(reason) if !reason.contains(ABSENT) => Err(RuntimeError::failed(format!("removing the table {}", table(id)), reason)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// What there is of a fault's rules; `None` when there is no such table.
///
/// # Errors
/// When `nft` is missing or its answer cannot be read.
pub async fn present(namespace: &Namespace, id: &str) -> Result<Option<Presence>, RuntimeError> {
    let Some(listing) = listing(namespace, id).await? else { return Ok(None) };
    count(&listing).map(Some).map_err(|reason| unreadable(id, reason))
}

/// The rules of a fault's table, as `nft` lists them; `None` when there is no such table.
pub(crate) async fn listing(namespace: &Namespace, id: &str) -> Result<Option<serde_json::Value>, RuntimeError> {
    let table = table(id);
    let mut arguments = vec!["-j", "list", "table"];
    arguments.extend(table.split(' '));
    match NFT.run(namespace, &arguments, "").await? {
        Ok(listing) => serde_json::from_str(&listing).map(Some).map_err(|error| unreadable(id, error)),
        Err(reason) if reason.contains(ABSENT) => Ok(None),
        Err(reason) => Err(unreadable(id, reason)),
    }
}

fn unreadable(id: &str, reason: impl std::fmt::Display) -> RuntimeError {
    RuntimeError::failed(format!("reading the table {}", table(id)), reason)
}

/// Counts rules and dropped packets in a listing.
fn count(listing: &serde_json::Value) -> Result<Presence, &'static str> {
    let rules = listing["nftables"].as_array().ok_or("no list of objects")?.iter().filter_map(|object| object.get("rule"));
    let mut presence = Presence { rules: 0, packets: 0 };
    for rule in rules {
        presence.rules += 1;
        let statements = rule["expr"].as_array().map(Vec::as_slice).unwrap_or_default();
        presence.packets += statements.iter().filter_map(|statement| statement["counter"]["packets"].as_u64()).sum::<u64>();
    }
    Ok(presence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_packets_are_summed_over_the_rules_of_a_listing() {
        let rule = |packets: u32| {
            format!(r#"{{"rule": {{"expr": [{{"match": {{}}}}, {{"counter": {{"packets": {packets}}}}}, {{"drop": null}}]}}}}"#)
        };
        let listing = format!(r#"{{"nftables": [{{"metainfo": {{}}}}, {{"table": {{}}}}, {}, {}]}}"#, rule(3), rule(4));
        assert_eq!(count(&serde_json::from_str(&listing).unwrap()), Ok(Presence { rules: 2, packets: 7 }));
        assert!(count(&serde_json::json!({})).is_err());
    }
}
