//! `redis.conf` of a data node.

use redquake_experiments::spec::Directives;

use super::line::{line, of_user};
use crate::runtime::NodeAddress;

/// Directives the lab decides itself: without them a node would not be where it is looked for, or not under the lab's control.
pub const REDIS_RESERVED: &[&str] = &[
    "port",
    "bind",
    "replicaof",
    "slaveof",
    "daemonize",
    "supervised",
    "pidfile",
    "logfile",
    "dir",
    "protected-mode",
    "cluster-enabled",
    "cluster-config-file",
    "cluster-port",
    "cluster-announce-ip",
    "cluster-announce-port",
    "cluster-announce-bus-port",
    "cluster-announce-tls-port",
    "cluster-announce-hostname",
    "replica-announce-ip",
    "replica-announce-port",
    "slave-announce-ip",
    "slave-announce-port",
    "unixsocket",
    "tls-port",
    "include",
];

/// What every data node has unless the user says otherwise, with the reason.
const DEFAULTS: [(&str, &str, &str); 4] = [
    ("save", "", "A trial measures failover, not snapshots; a fork in between would show as latency."),
    ("appendonly", "no", "The server's own default, written down because durability decides what is lost."),
    ("repl-diskless-sync-delay", "0", "The default waits 5 s for more replicas before a full synchronisation; nothing joins later here."),
    ("loglevel", "notice", "Every step of a failover is at this level."),
];

/// The file of a data node that listens on `address` and follows `primary`, with the user's directives.
pub fn redis_conf(address: NodeAddress, primary: Option<NodeAddress>, user: &Directives) -> String {
    let mut text = String::from("# Written by redquake for one trial.\n");
    text.push_str(&line("port", &address.port.to_string()));
    text.push_str("# The network is the lab's own and leads nowhere.\n");
    text.push_str(&line("protected-mode", "no"));
    text.push_str("# The console is the log.\n");
    text.push_str(&line("logfile", ""));
    text.push_str(&line("daemonize", "no"));
    for (name, value, reason) in DEFAULTS {
        if user.get(name).is_none() {
            text.push_str(&format!("# {reason}\n"));
            text.push_str(&line(name, value));
        }
    }
    if let Some(primary) = primary {
        text.push_str(&line("replicaof", &format!("{} {}", primary.ip, primary.port)));
    }
    if !user.is_empty() {
        text.push_str("# From the experiment.\n");
        text.push_str(&of_user(user, REDIS_RESERVED, line));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use insta::assert_snapshot;

    use super::*;

    fn address(last: u8) -> NodeAddress {
        NodeAddress { ip: Ipv4Addr::new(10, 192, 0, last), port: 6379 }
    }

    fn directives(pairs: &[(&str, &str)]) -> Directives {
        Directives::new(pairs.iter().copied()).unwrap()
    }

    #[test]
    fn a_primary_without_wishes_gets_the_defaults_with_their_reasons() {
        assert_snapshot!(redis_conf(address(10), None, &Directives::default()));
    }

    #[test]
    fn a_replica_follows_and_the_users_directives_win() {
        let user = directives(&[("appendonly", "yes"), ("save", "60 1000"), ("save", "300 10"), ("min-replicas-to-write", "1")]);
        assert_snapshot!(redis_conf(address(11), Some(address(10)), &user));
    }

    #[test]
    fn what_the_lab_decides_is_shown_but_not_applied() {
        let user = directives(&[("Port", "7000"), ("replicaof", "no one"), ("maxmemory", "100mb")]);
        assert_snapshot!(redis_conf(address(10), None, &user));
    }

    #[test]
    fn a_value_or_a_name_that_would_bring_in_another_line_cannot_be_made() {
        for pair in [("requirepass", "a\nport 1"), ("maxmemory 1\nport", "2"), ("\"dir\"", "/etc"), ("logfile ", "x")] {
            assert!(Directives::new([pair]).is_err(), "{pair:?}");
        }
    }
}
