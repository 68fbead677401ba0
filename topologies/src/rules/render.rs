//! Rules as text for `nft`. Pure.

use super::Traffic;

/// Family and name of a fault's table.
pub(crate) fn table(id: &str) -> String {
    let word: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    format!("inet redquake_{word}")
}

/// A table that drops the packets, ahead of whatever else looks at them. `create` refuses a table that is there already, so a
/// fault cannot be injected twice or over another one.
pub(crate) fn drop_table(id: &str, rules: &[Traffic]) -> String {
    let table = table(id);
    let chains = hooks(rules, -300, "counter drop", "counter drop");
    format!("create table {table}\ntable {table} {{\n{chains}}}\n")
}

/// The chains that look at what comes and at what goes, and what they do with packets that are meant.
pub(crate) fn hooks(rules: &[Traffic], priority: i32, with_coming: &str, with_going: &str) -> String {
    let chain = |hook: &str, address: &str, meant: fn(&Traffic) -> bool, action: &str| {
        let matches = rules.iter().filter(|rule| meant(rule)).flat_map(|rule| conditions(rule, address));
        let lines: String = matches.map(|condition| format!("    {condition} {action}\n")).collect();
        format!("  chain {hook} {{\n    type filter hook {hook} priority {priority}; policy accept;\n{lines}  }}\n")
    };
    chain("input", "saddr", Traffic::comes, with_coming) + &chain("output", "daddr", Traffic::goes, with_going)
}

/// One condition for all packets; one for each end whose ports are named, since either is enough.
fn conditions(rule: &Traffic, address: &str) -> Vec<String> {
    let peer = format!("ip {address} {}", rule.peer);
    if rule.ports.is_any() {
        return vec![peer];
    }
    [("sport", &rule.ports.source), ("dport", &rule.ports.destination)]
        .into_iter()
        .filter(|(_, ports)| !ports.is_empty())
        .map(|(end, ports)| {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            format!("{peer} meta l4proto {{ tcp, udp }} th {end} {{ {} }}", ports.join(", "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use insta::assert_snapshot;
    use redquake_experiments::spec::Direction;

    use super::*;
    use crate::rules::{PeerRule, Ports};

    fn rule(last: u8, direction: Direction) -> PeerRule {
        PeerRule { peer: Ipv4Addr::new(10, 192, 0, last), direction }
    }

    #[test]
    fn a_two_way_cut_drops_what_comes_and_what_goes() {
        assert_snapshot!(drop_table("fault0", &[rule(12, Direction::Both).into(), rule(13, Direction::Both).into()]));
    }

    #[test]
    fn a_one_way_cut_drops_only_its_direction() {
        assert_snapshot!(drop_table("fault1", &[rule(12, Direction::To).into(), rule(13, Direction::From).into()]));
    }

    #[test]
    fn a_cut_of_some_ports_drops_what_has_one_of_them_at_either_end() {
        let bus = rule(12, Direction::Both).on(Ports::of_services(&[16379, 16380]));
        let answers = rule(13, Direction::To).on(Ports { source: vec![6379], destination: vec![] });
        assert_snapshot!(drop_table("fault2", &[bus, answers]));
    }

    #[test]
    fn an_id_cannot_name_a_table_that_is_not_ours() {
        assert_eq!(table("x; flush ruleset"), "inet redquake_x__flush_ruleset");
    }
}
