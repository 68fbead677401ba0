//! The chains that send packets to a queue, as text for `iptables-restore`. Pure.
//!
//! `nft` could do this alone if every kernel had its `queue` statement; `NFQUEUE` of iptables is older and more common.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::rules::Traffic;

/// Table the chains are in: it sees what comes and what goes, after partitions and losses (whose priority is lower).
pub(super) const TABLE: &str = "mangle";
/// Most ports `multiport` takes.
const PORTS: usize = 15;

/// Hooks of the table, with the chains of a fault.
pub(super) fn chains(id: &str) -> [(&'static str, String); 2] {
    let name = name(id);
    [("OUTPUT", format!("{name}_to")), ("INPUT", format!("{name}_from"))]
}

/// A chain's name has at most 28 characters; two faults' names differ if their ids do.
fn name(id: &str) -> String {
    let word: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if word == id && word.len() <= 14 {
        return format!("redquake_{word}");
    }
    let digest = Sha256::digest(id.as_bytes());
    let digest: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("redquake_{:.5}_{digest}", word)
}

/// Adds the chains of a fault, all at the same instant.
pub(super) fn addition(id: &str, traffic: &[Traffic], queue: u16, bit: u32) -> String {
    let [to, from] = chains(id);
    let mut text = format!("*{TABLE}\n:{} - [0:0]\n:{} - [0:0]\n", to.1, from.1);
    let parts = [(to, "-d", Traffic::goes as fn(&Traffic) -> bool), (from, "-s", Traffic::comes)];
    for ((hook, chain), address, meant) in parts {
        for traffic in traffic.iter().filter(|traffic| meant(traffic)) {
            for condition in conditions(traffic, address) {
                // Without a program that listens, packets pass.
                let _ = writeln!(text, "-A {chain} {condition} -j NFQUEUE --queue-num {queue} --queue-bypass");
            }
        }
        // A packet that has waited comes by once more, so that the delays of other faults see it too.
        let _ = writeln!(text, "-A {hook} -m mark ! --mark {bit:#x}/{bit:#x} -j {chain}");
    }
    text + "COMMIT\n"
}

/// Removes the chains of a fault, given all chains there are, as `iptables-save` lists them; `None` when there are none.
pub(super) fn removal(id: &str, listing: &str) -> Option<String> {
    let mut text = String::new();
    for (_, chain) in chains(id) {
        for line in table(listing) {
            let rule = line.split_once("] ").map_or(line, |(_, rule)| rule);
            if let Some(rule) = rule.strip_prefix("-A ")
                && rule.ends_with(&format!(" -j {chain}"))
            {
                let _ = writeln!(text, "-D {rule}");
            }
        }
        if there(listing, &chain) {
            let _ = writeln!(text, "-F {chain}\n-X {chain}");
        }
    }
    (!text.is_empty()).then(|| format!("*{TABLE}\n{text}COMMIT\n"))
}

/// Packets each chain of a fault has sent to the queue, on the way to the peers and from them; `None` when there are no chains.
pub(super) fn counted(id: &str, listing: &str) -> Option<(u64, u64)> {
    let [to, from] = chains(id).map(|(_, chain)| {
        let prefix = format!("-A {chain} ");
        let rules = table(listing).filter_map(|line| line.strip_prefix('[')?.split_once("] "));
        let own = rules.filter(|(_, rule)| rule.starts_with(&prefix));
        let packets: u64 = own.filter_map(|(counters, _)| counters.split_once(':')?.0.parse::<u64>().ok()).sum();
        there(listing, &chain).then_some(packets)
    });
    (to.is_some() || from.is_some()).then(|| (to.unwrap_or_default(), from.unwrap_or_default()))
}

fn there(listing: &str, chain: &str) -> bool {
    table(listing).any(|line| line.starts_with(&format!(":{chain} ")))
}

/// Lines about the table.
fn table(listing: &str) -> impl Iterator<Item = &str> {
    listing.lines().skip_while(|line| line.strip_prefix('*') != Some(TABLE)).take_while(|line| *line != "COMMIT")
}

/// One condition for all packets; one for each protocol and end whose ports are named, since either end is enough.
fn conditions(traffic: &Traffic, address: &str) -> Vec<String> {
    let peer = format!("{address} {}/32", traffic.peer);
    if traffic.ports.is_any() {
        return vec![peer];
    }
    let mut conditions = Vec::new();
    for protocol in ["tcp", "udp"] {
        for (end, ports) in [("--sports", &traffic.ports.source), ("--dports", &traffic.ports.destination)] {
            for ports in ports.chunks(PORTS) {
                let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
                conditions.push(format!("{peer} -p {protocol} -m multiport {end} {}", ports.join(",")));
            }
        }
    }
    conditions
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use redquake_experiments::spec::Direction;

    use super::*;
    use crate::rules::{PeerRule, Ports};

    fn traffic() -> Vec<Traffic> {
        let peer = |last, direction| PeerRule { peer: Ipv4Addr::new(10, 64, 1, last), direction };
        vec![peer(12, Direction::Both).into(), peer(13, Direction::From).on(Ports::of_services(&[6379, 16379]))]
    }

    #[test]
    fn packets_to_and_from_the_peers_go_to_the_queue_once() {
        insta::assert_snapshot!(addition("slow", &traffic(), 32464, 0x1_0000));
    }

    const LISTING: &str = "*nat\n:redquake_slow_to - [0:0]\nCOMMIT\n*mangle\n:OUTPUT ACCEPT [1:2]\n:redquake_slow_to - [0:0]\n\
        :redquake_slow_from - [0:0]\n:redquake_slower_to - [0:0]\n\
        [9:1] -A OUTPUT -m mark ! --mark 0x10000/0x10000 -j redquake_slow_to\n[9:1] -A OUTPUT -j redquake_slower_to\n\
        [4:240] -A redquake_slow_to -d 10.64.1.12/32 -j NFQUEUE --queue-num 32464 --queue-bypass\n\
        [3:180] -A redquake_slow_to -d 10.64.1.13/32 -j NFQUEUE --queue-num 32464 --queue-bypass\nCOMMIT\n";

    #[test]
    fn only_the_faults_own_chains_are_removed_and_counted() {
        assert_eq!(
            removal("slow", LISTING).unwrap(),
            "*mangle\n-D OUTPUT -m mark ! --mark 0x10000/0x10000 -j redquake_slow_to\n-F redquake_slow_to\n-X redquake_slow_to\n\
             -F redquake_slow_from\n-X redquake_slow_from\nCOMMIT\n"
        );
        assert_eq!(counted("slow", LISTING), Some((7, 0)));
        assert_eq!((removal("other", LISTING), counted("other", LISTING)), (None, None));
    }

    #[test]
    fn names_fit_the_kernel_and_differ_however_long_ids_are() {
        let ids = ["a-very-long-name-of-a-fault-1", "a-very-long-name-of-a-fault-2", "x-y", "x_y", "12345678901234"];
        let names: std::collections::BTreeSet<String> = ids.iter().flat_map(|id| chains(id)).map(|(_, chain)| chain).collect();
        assert_eq!(names.len(), 2 * ids.len());
        assert!(names.iter().all(|name| name.len() <= 28), "{names:?}");
    }
}
