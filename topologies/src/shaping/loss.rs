//! Loss: a share of the packets is dropped, each by a throw of its own.

use serde_json::Value;

use crate::namespace::Namespace;
use crate::rules::{self, Traffic};
use crate::runtime::RuntimeError;

/// Parts in which a share is expressed to the kernel: a hundredth of a per mille.
const PARTS: u32 = 100_000;
/// After partitions (-300), whose packets were never on the wire and are not counted here.
const PRIORITY: i32 = -290;

/// Packets to lose.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// Share of the packets that is dropped, in percent: above 0, up to 100.
    pub percent: f64,
    /// Which packets, both ways apart: with `Both`, a request and its answer both run the risk.
    pub traffic: Vec<Traffic>,
}

/// Packets a loss has met so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// On the way to the peers.
    pub to: Tally,
    /// On the way from the peers.
    pub from: Tally,
}

/// Packets of one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Packets that ran the risk.
    pub seen: u64,
    /// Those that were dropped.
    pub dropped: u64,
}

/// Begins to lose packets.
///
/// # Errors
/// When the share is not one, a fault of that id is there already, `nft` is missing, or the kernel refuses.
pub async fn inject(namespace: &Namespace, id: &str, loss: &Loss) -> Result<(), RuntimeError> {
    if !(loss.percent > 0.0 && loss.percent <= 100.0) {
        let reason = format!("{} % is no share; give more than 0 and at most 100", loss.percent);
        return Err(RuntimeError::failed(format!("losing packets by `{id}`"), reason));
    }
    rules::create(namespace, id, table(id, loss)).await
}

/// Ends the loss; fine when there is none of that id.
///
/// # Errors
/// When `nft` is missing or the kernel refuses.
pub async fn remove(namespace: &Namespace, id: &str) -> Result<(), RuntimeError> {
    rules::remove(namespace, id).await
}

/// What the loss has met so far; `None` when there is none of that id.
///
/// # Errors
/// When `nft` is missing or its answer cannot be read.
pub async fn present(namespace: &Namespace, id: &str) -> Result<Option<Counters>, RuntimeError> {
    Ok(rules::listing(namespace, id).await?.map(|listing| Counters { to: tally(&listing, "to"), from: tally(&listing, "from") }))
}

/// A packet goes into the chain of its direction once, however many conditions it meets: `goto` does not come back.
pub(crate) fn table(id: &str, loss: &Loss) -> String {
    let table = rules::table(id);
    let share = (loss.percent / 100.0 * f64::from(PARTS)).round() as u32;
    // Everything is no throw, and nft refuses one that cannot fail.
    let thrown = if share >= PARTS { String::new() } else { format!("numgen random mod {PARTS} < {} ", share.max(1)) };
    let chain = |name: &str| format!("  chain {name} {{\n    counter\n    {thrown}counter drop\n  }}\n");
    let hooks = rules::hooks(&loss.traffic, PRIORITY, "goto from", "goto to");
    format!("create table {table}\ntable {table} {{\n{}{}{hooks}}}\n", chain("to"), chain("from"))
}

/// The two counters of a chain, in the order in which packets meet them.
fn tally(listing: &Value, chain: &str) -> Tally {
    let objects = listing["nftables"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rules = objects.iter().filter_map(|object| object.get("rule")).filter(|rule| rule["chain"] == chain);
    let statements = rules.filter_map(|rule| rule["expr"].as_array()).flatten();
    let mut counters = statements.filter_map(|statement| statement["counter"]["packets"].as_u64());
    Tally { seen: counters.next().unwrap_or_default(), dropped: counters.next().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use redquake_experiments::spec::Direction;

    use super::*;
    use crate::rules::{PeerRule, Ports};

    fn traffic() -> Vec<Traffic> {
        let peer = |last| Ipv4Addr::new(10, 64, 1, last);
        let bus = PeerRule { peer: peer(12), direction: Direction::Both }.on(Ports::of_services(&[16379]));
        vec![bus, PeerRule { peer: peer(13), direction: Direction::To }.into()]
    }

    #[test]
    fn every_packet_is_counted_once_and_thrown_for_once() {
        insta::assert_snapshot!(table("lossy", &Loss { percent: 20.0, traffic: traffic() }));
    }

    #[test]
    fn losing_everything_throws_no_dice_and_the_smallest_share_is_not_nothing() {
        let text = |percent| table("x", &Loss { percent, traffic: traffic() });
        assert!(!text(100.0).contains("numgen"));
        assert!(text(0.000_01).contains("numgen random mod 100000 < 1 "));
    }

    #[test]
    fn both_directions_are_read_apart_from_a_listing() {
        let rule = |chain: &str, packets: u32| serde_json::json!({"rule": {"chain": chain, "expr": [{"counter": {"packets": packets}}]}});
        let listing = serde_json::json!({"nftables": [rule("to", 9), rule("to", 2), rule("from", 5), rule("from", 1), rule("input", 7)]});
        assert_eq!(tally(&listing, "to"), Tally { seen: 9, dropped: 2 });
        assert_eq!(tally(&listing, "from"), Tally { seen: 5, dropped: 1 });
    }
}
