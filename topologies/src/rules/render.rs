//! Rules as text for `nft`. Pure.

use std::net::Ipv4Addr;

use redquake_experiments::spec::Direction;

/// Packets exchanged with one peer, as seen by the node whose namespace the rule is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRule {
    /// The peer.
    pub peer: Ipv4Addr,
    /// Which packets are dropped: `To` those sent to the peer, `From` those that come from it.
    pub direction: Direction,
}

/// Family and name of a fault's table.
pub(super) fn table(id: &str) -> String {
    let word: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    format!("inet redquake_{word}")
}

/// A table that drops the packets, ahead of whatever else looks at them. `create` refuses a table that is there already, so a
/// fault cannot be injected twice or over another one.
pub(crate) fn drop_table(id: &str, rules: &[PeerRule]) -> String {
    let table = table(id);
    let chain = |hook: &str, address: &str, dropped: fn(&Direction) -> bool| {
        let lines: String = rules
            .iter()
            .filter(|rule| dropped(&rule.direction))
            .map(|rule| format!("    ip {address} {} counter drop\n", rule.peer))
            .collect();
        format!("  chain {hook} {{\n    type filter hook {hook} priority -300; policy accept;\n{lines}  }}\n")
    };
    format!(
        "create table {table}\ntable {table} {{\n{}{}}}\n",
        chain("input", "saddr", |direction| matches!(direction, Direction::Both | Direction::From)),
        chain("output", "daddr", |direction| matches!(direction, Direction::Both | Direction::To)),
    )
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn rule(last: u8, direction: Direction) -> PeerRule {
        PeerRule { peer: Ipv4Addr::new(10, 192, 0, last), direction }
    }

    #[test]
    fn a_two_way_cut_drops_what_comes_and_what_goes() {
        assert_snapshot!(drop_table("fault0", &[rule(12, Direction::Both), rule(13, Direction::Both)]));
    }

    #[test]
    fn a_one_way_cut_drops_only_its_direction() {
        assert_snapshot!(drop_table("fault1", &[rule(12, Direction::To), rule(13, Direction::From)]));
    }

    #[test]
    fn an_id_cannot_name_a_table_that_is_not_ours() {
        assert_eq!(table("x; flush ruleset"), "inet redquake_x__flush_ruleset");
    }
}
