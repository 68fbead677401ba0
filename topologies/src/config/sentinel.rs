//! `sentinel.conf`, with everything a Sentinel would otherwise have to discover in several seconds.

use redquake_experiments::spec::Directives;
use sha2::{Digest, Sha256};

use super::line::{line, of_user};
use crate::runtime::{LabNode, NodeAddress};

/// Name under which Sentinels know the set.
pub const MASTER: &str = "mymaster";

/// Directives the lab decides itself.
pub const SENTINEL_RESERVED: &[&str] = &[
    "port",
    "bind",
    "daemonize",
    "supervised",
    "pidfile",
    "logfile",
    "dir",
    "protected-mode",
    "myid",
    "monitor",
    "known-replica",
    "known-slave",
    "known-sentinel",
    "config-epoch",
    "leader-epoch",
    "current-epoch",
    "announce-ip",
    "announce-port",
    "sentinel",
    "tls-port",
    "include",
];

/// Directives written as `sentinel <name> <master> <value>`.
const OF_MASTER: [&str; 9] = [
    "down-after-milliseconds",
    "failover-timeout",
    "parallel-syncs",
    "auth-pass",
    "auth-user",
    "notification-script",
    "client-reconfig-script",
    "rename-command",
    "master-reboot-down-after-period",
];
/// Directives written as `sentinel <name> <value>`.
const OF_SENTINEL: [&str; 5] = ["deny-scripts-reconfig", "resolve-hostnames", "announce-hostnames", "sentinel-user", "sentinel-pass"];

/// What one Sentinel knows from its first moment.
#[derive(Debug, Clone, Copy)]
pub struct SentinelView<'a> {
    /// The Sentinel the file is for.
    pub node: &'a LabNode,
    /// The primary.
    pub primary: NodeAddress,
    /// Sentinels that must agree that it is down.
    pub quorum: u32,
    /// Its replicas.
    pub replicas: &'a [&'a LabNode],
    /// The other Sentinels.
    pub peers: &'a [&'a LabNode],
}

/// Identity of a Sentinel: 40 hexadecimal digits, the same for the same name, so that peers can name it before it runs.
pub fn sentinel_id(name: &str) -> String {
    Sha256::digest(format!("redquake sentinel {name}").as_bytes()).iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}

/// The file of a Sentinel, in the order in which the server must read it: its identity before what it monitors, the monitored
/// primary before what is known of it.
pub fn sentinel_conf(view: SentinelView<'_>, user: &Directives) -> String {
    let mut text = String::from("# Written by redquake for one trial; Sentinel rewrites it as it learns.\n");
    text.push_str(&line("port", &view.node.address.port.to_string()));
    text.push_str("# The network is the lab's own and leads nowhere.\n");
    text.push_str(&line("protected-mode", "no"));
    text.push_str(&line("logfile", ""));
    text.push_str(&line("daemonize", "no"));
    text.push_str(&line("sentinel myid", &sentinel_id(&view.node.name)));
    text.push_str(&line("sentinel monitor", &format!("{MASTER} {} {} {}", view.primary.ip, view.primary.port, view.quorum)));
    if !user.is_empty() {
        text.push_str("# From the experiment.\n");
        text.push_str(&of_user(user, SENTINEL_RESERVED, of_experiment));
    }
    text.push_str("# Known from the start, so that no failover begins before everybody knows everybody.\n");
    text.push_str(&line("sentinel config-epoch", &format!("{MASTER} 0")));
    text.push_str(&line("sentinel leader-epoch", &format!("{MASTER} 0")));
    for replica in view.replicas {
        text.push_str(&line("sentinel known-replica", &format!("{MASTER} {} {}", replica.address.ip, replica.address.port)));
    }
    for peer in view.peers {
        let known = format!("{MASTER} {} {} {}", peer.address.ip, peer.address.port, sentinel_id(&peer.name));
        text.push_str(&line("sentinel known-sentinel", &known));
    }
    text.push_str(&line("sentinel current-epoch", "0"));
    text
}

fn of_experiment(name: &str, value: &str) -> String {
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    if OF_MASTER.iter().any(is) {
        line(&format!("sentinel {name} {MASTER}"), value)
    } else if OF_SENTINEL.iter().any(is) {
        line(&format!("sentinel {name}"), value)
    } else {
        line(name, value)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use insta::assert_snapshot;
    use redquake_experiments::spec::Role;

    use super::*;

    fn node(name: &str, role: Role, last: u8, port: u16) -> LabNode {
        LabNode { name: name.to_owned(), role, address: NodeAddress { ip: Ipv4Addr::new(10, 192, 0, last), port } }
    }

    fn file(user: &[(&str, &str)]) -> String {
        let replicas = [node("redis-2", Role::Replica, 11, 6379), node("redis-3", Role::Replica, 12, 6379)];
        let me = node("sentinel-1", Role::Sentinel, 13, 26379);
        let peers = [node("sentinel-2", Role::Sentinel, 14, 26379), node("sentinel-3", Role::Sentinel, 15, 26379)];
        let view = SentinelView {
            node: &me,
            primary: NodeAddress { ip: Ipv4Addr::new(10, 192, 0, 10), port: 6379 },
            quorum: 2,
            replicas: &replicas.iter().collect::<Vec<_>>(),
            peers: &peers.iter().collect::<Vec<_>>(),
        };
        let user = Directives::new(user.iter().copied()).unwrap();
        sentinel_conf(view, &user)
    }

    #[test]
    fn a_sentinel_knows_the_whole_set_from_its_first_line() {
        assert_snapshot!(file(&[]));
    }

    #[test]
    fn directives_of_the_monitored_primary_get_its_name_and_others_do_not() {
        assert_snapshot!(file(&[
            ("down-after-milliseconds", "1000"),
            ("failover-timeout", "10000"),
            ("resolve-hostnames", "no"),
            ("loglevel", "debug"),
            ("monitor", "other 127.0.0.1 6379 1"),
        ]));
    }

    #[test]
    fn identities_are_forty_hexadecimal_digits_and_differ_by_name() {
        let id = sentinel_id("sentinel-1");
        assert!(id.len() == 40 && id.chars().all(|digit| digit.is_ascii_hexdigit()), "{id}");
        assert_ne!(id, sentinel_id("sentinel-2"));
    }
}
