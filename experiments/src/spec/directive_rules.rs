//! Which directives a file may set: those in the lists. The others are refused, and where the reason is known it is told.

use super::directive_lists::{CLUSTER, ONLY_AT_START, REDIS, SENTINEL};

/// Why a directive is not for the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The tool sets it; the reason.
    Owned(&'static str),
    /// This version cannot work with it; the reason.
    Unsupported(&'static str),
    /// It reaches beyond the server; the reason.
    Harmful(&'static str),
    /// It is in no list.
    Unknown,
}

const ADDRESS: &str = "every node listens at an address and port of the lab's own network";
const FILES: &str = "every node has a folder of its own that is removed afterwards";
const LOG: &str = "what a server says goes to its log in the results";
const PROCESS: &str = "the tool starts, signals and stops the processes itself";
const ROLES: &str = "the topology decides who replicates from whom";
const PLAIN: &str = "clients, probes and observers speak without password or TLS";
const NOT_A_CLUSTER: &str = "this topology is no Cluster";
const MODULES: &str = "a module is a program, and runs as the server does";
const SCRIPTS: &str = "a script is a program, and runs as the server does";
const MACHINE: &str = "it changes what the machine does to other processes";

/// Whether a file may set a `redis.conf` directive, and why not. `cluster`: the topology is one.
pub(crate) fn redis(name: &str, cluster: bool) -> Result<(), Refusal> {
    if REDIS.binary_search(&name).is_ok() || (cluster && CLUSTER.binary_search(&name).is_ok()) {
        return Ok(());
    }
    Err(reason(name, cluster))
}

fn reason(name: &str, cluster: bool) -> Refusal {
    use Refusal::{Harmful, Owned, Unknown, Unsupported};
    match name {
        "port" | "bind" | "bind-source-addr" | "protected-mode" | "unixsocket" | "unixsocketperm" | "unixsocketgroup" => Owned(ADDRESS),
        "replica-announce-ip" | "replica-announce-port" | "slave-announce-ip" | "slave-announce-port" => Owned(ADDRESS),
        _ if name.starts_with("rdma-") => Owned(ADDRESS),
        "dir" | "pidfile" | "aclfile" => Owned(FILES),
        "logfile" | "req-res-logfile" | "syslog-enabled" | "syslog-facility" | "syslog-ident" => Owned(LOG),
        "daemonize" | "supervised" => Owned(PROCESS),
        "replicaof" | "slaveof" => Owned(ROLES),
        "rename-command" => Owned("probes and observers call the commands by their names"),
        "include" => Owned("files are read by this tool, not by the server; write `include` directly under `redis`"),
        "loadmodule" | "enable-module-command" | "search-ext-load" => Harmful(MODULES),
        "oom-score-adj" | "oom-score-adj-values" => Harmful(MACHINE),
        "enable-protected-configs" => Harmful("directives that name files stay what the tool sets"),
        "lua-enable-insecure-api" => Harmful(SCRIPTS),
        "requirepass" | "masterauth" | "masteruser" | "primaryauth" | "primaryuser" | "user" => Unsupported(PLAIN),
        _ if name.starts_with("tls-") => Unsupported(PLAIN),
        _ if CLUSTER.binary_search(&name).is_ok() => Owned(NOT_A_CLUSTER),
        "cluster-enabled" if cluster => Owned("every node of a Cluster has it"),
        "cluster-config-file" if cluster => Owned(FILES),
        "cluster-port" if cluster => Owned(ADDRESS),
        "cluster-preferred-endpoint-type" if cluster => Owned("clients find nodes by their addresses"),
        _ if cluster && name.starts_with("cluster-announce-") => Owned(ADDRESS),
        "cluster-enabled" | "cluster-config-file" | "cluster-port" | "cluster-preferred-endpoint-type" => Owned(NOT_A_CLUSTER),
        _ if name.starts_with("cluster-announce-") => Owned(NOT_A_CLUSTER),
        _ => Unknown,
    }
}

/// Whether a server takes an allowed directive only when it starts, and not by `CONFIG SET`.
pub(crate) fn only_at_start(name: &str) -> bool {
    ONLY_AT_START.binary_search(&name).is_ok()
}

/// Every directive a file may set, to suggest one.
pub(crate) fn allowed(cluster: bool) -> impl Iterator<Item = &'static str> {
    REDIS.iter().chain(if cluster { CLUSTER } else { &[] }).copied()
}

/// Whether the value of an allowed directive is the name of a file in the node's folder.
pub(crate) fn names_a_file(name: &str) -> bool {
    matches!(name, "dbfilename" | "appendfilename" | "appenddirname")
}

/// Whether a directive's arguments are nobody's business, not even in a diagnostic's snippet.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'').to_ascii_lowercase();
    let secret = ["requirepass", "masterauth", "primaryauth", "user", "auth-pass", "sentinel-pass"];
    secret.contains(&name.as_str()) || name.ends_with("-file-pass")
}

/// Whether a file may set a directive of the monitored primary in `sentinel.conf`, and why not.
pub(crate) fn sentinel(name: &str) -> Result<(), Refusal> {
    use Refusal::{Harmful, Owned, Unknown, Unsupported};
    if SENTINEL.binary_search(&name).is_ok() {
        return Ok(());
    }
    Err(match name {
        "monitor" => Owned("the topology decides which primary is watched; its quorum is `topology.quorum`"),
        "quorum" => Owned("the quorum is `topology.quorum`"),
        "myid" | "current-epoch" | "config-epoch" | "leader-epoch" => Owned("written so that the Sentinels know each other from the start"),
        "known-replica" | "known-slave" | "known-sentinel" => Owned("written so that the Sentinels know each other from the start"),
        "port" | "bind" | "protected-mode" | "announce-ip" | "announce-port" | "resolve-hostnames" | "announce-hostnames" => Owned(ADDRESS),
        "dir" | "pidfile" | "aclfile" | "include" => Owned(FILES),
        "logfile" | "syslog-enabled" | "syslog-facility" | "syslog-ident" => Owned(LOG),
        "daemonize" | "supervised" => Owned(PROCESS),
        "notification-script" | "client-reconfig-script" | "deny-scripts-reconfig" => Harmful(SCRIPTS),
        "loadmodule" => Harmful(MODULES),
        "rename-command" => Owned("the servers' commands keep their names"),
        "auth-pass" | "auth-user" | "sentinel-pass" | "sentinel-user" | "requirepass" | "user" => Unsupported(PLAIN),
        _ if name.starts_with("tls-") => Unsupported(PLAIN),
        _ => Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_beyond_the_server_is_refused_for_a_reason_that_is_told() {
        let beyond = [
            "dir",
            "logfile",
            "loadmodule",
            "pidfile",
            "unixsocket",
            "unixsocketperm",
            "unixsocketgroup",
            "aclfile",
            "include",
            "rename-command",
            "supervised",
            "daemonize",
            "syslog-enabled",
            "syslog-ident",
            "syslog-facility",
            "oom-score-adj",
            "oom-score-adj-values",
            "enable-module-command",
            "enable-protected-configs",
            "tls-cert-file",
            "tls-key-file",
            "tls-ca-cert-file",
            "tls-ca-cert-dir",
            "tls-dh-params-file",
            "tls-client-cert-file",
            "cluster-config-file",
            "req-res-logfile",
            "replicaof",
            "slaveof",
            "port",
            "bind",
            "user",
            "requirepass",
            "masterauth",
            "primaryauth",
            "search-ext-load",
            "rdma-bind",
        ];
        for name in beyond {
            for cluster in [false, true] {
                assert!(!matches!(redis(name, cluster), Ok(()) | Err(Refusal::Unknown)), "{name}");
            }
        }
        for name in ["notification-script", "client-reconfig-script", "dir", "logfile", "loadmodule", "monitor", "deny-scripts-reconfig"] {
            assert!(!matches!(sentinel(name), Ok(()) | Err(Refusal::Unknown)), "{name}");
        }
    }

    #[test]
    fn a_directive_in_no_list_is_refused() {
        assert_eq!(redis("no-such-directive", false), Err(Refusal::Unknown));
        assert_eq!(redis("watchdog-period", false), Err(Refusal::Unknown));
        assert_eq!(redis("maxmemory", false), Ok(()));
        assert_eq!(
            (redis("cluster-node-timeout", true), redis("cluster-node-timeout", false)),
            (Ok(()), Err(Refusal::Owned(NOT_A_CLUSTER)))
        );
    }
}
