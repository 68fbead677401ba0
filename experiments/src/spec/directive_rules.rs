//! Which directives a file may set: what the tool sets itself is not for the file.

/// Why a directive is not for the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The tool sets it; the reason.
    Owned(&'static str),
    /// This version cannot work with it; the reason.
    Unsupported(&'static str),
}

const ADDRESS: &str = "every node listens at an address and port of the lab's own network";
const FILES: &str = "every node has a folder of its own that is removed afterwards";
const PROCESS: &str = "the tool starts, signals and stops the processes itself";
const ROLES: &str = "the topology decides who replicates from whom";
const PLAIN: &str = "clients, probes and observers speak without password or TLS";
const CLUSTER: &str = "this topology is no Cluster";

/// Why a `redis.conf` directive is refused; `None` when it may be set. `cluster`: the topology is one.
pub(crate) fn redis(name: &str, cluster: bool) -> Option<Refusal> {
    use Refusal::{Owned, Unsupported};
    let name = name.to_ascii_lowercase();
    Some(match name.as_str() {
        "port" | "bind" | "bind-source-addr" | "protected-mode" | "unixsocket" | "unixsocketperm" => Owned(ADDRESS),
        "replica-announce-ip" | "replica-announce-port" | "slave-announce-ip" | "slave-announce-port" => Owned(ADDRESS),
        "dir" | "logfile" | "pidfile" | "aclfile" => Owned(FILES),
        "daemonize" | "supervised" => Owned(PROCESS),
        "replicaof" | "slaveof" => Owned(ROLES),
        "rename-command" => Owned("probes and observers call the commands by their names"),
        "include" => Owned("files are read by this tool, not by the server; write `include` directly under `redis`"),
        "loadmodule" => Unsupported("the module's file is not on the nodes"),
        "requirepass" | "masterauth" | "masteruser" | "user" => Unsupported(PLAIN),
        _ if name.starts_with("tls-") => Unsupported(PLAIN),
        _ if name.starts_with("cluster-") && !cluster => Owned(CLUSTER),
        "cluster-enabled" => Owned("every node of a Cluster has it"),
        "cluster-config-file" => Owned(FILES),
        "cluster-port" => Owned(ADDRESS),
        _ if name.starts_with("cluster-announce-") => Owned(ADDRESS),
        "cluster-preferred-endpoint-type" => Owned("clients find nodes by their addresses"),
        _ => return None,
    })
}

/// Whether a directive's arguments are nobody's business, not even in a diagnostic's snippet.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "requirepass" | "masterauth" | "user" | "auth-pass" | "sentinel-pass") || name.ends_with("-file-pass")
}

/// Directives of a monitored primary that a file may set, all of them whole numbers from 1 unless said otherwise.
pub(crate) const SENTINEL: &[&str] = &["down-after-milliseconds", "failover-timeout", "master-reboot-down-after-period", "parallel-syncs"];

/// Why a `sentinel.conf` directive is refused; `None` when it is one of [`SENTINEL`] or unknown.
pub(crate) fn sentinel(name: &str) -> Option<Refusal> {
    use Refusal::{Owned, Unsupported};
    let name = name.to_ascii_lowercase();
    Some(match name.as_str() {
        "monitor" => Owned("the topology decides which primary is watched; its quorum is `topology.quorum`"),
        "quorum" => Owned("the quorum is `topology.quorum`"),
        "myid" | "current-epoch" | "config-epoch" | "leader-epoch" => Owned("written so that the Sentinels know each other from the start"),
        "known-replica" | "known-slave" | "known-sentinel" => Owned("written so that the Sentinels know each other from the start"),
        "port" | "bind" | "protected-mode" | "announce-ip" | "announce-port" | "resolve-hostnames" | "announce-hostnames" => Owned(ADDRESS),
        "dir" | "logfile" | "pidfile" | "aclfile" | "include" => Owned(FILES),
        "daemonize" | "supervised" => Owned(PROCESS),
        "notification-script" | "client-reconfig-script" | "deny-scripts-reconfig" => Unsupported("the script's file is not on the nodes"),
        "rename-command" => Owned("the servers' commands keep their names"),
        "auth-pass" | "auth-user" | "sentinel-pass" | "sentinel-user" | "requirepass" | "user" => Unsupported(PLAIN),
        _ if name.starts_with("tls-") => Unsupported(PLAIN),
        _ => return None,
    })
}

/// Directives that Redis 7.0 to 8.0 and Valkey 8 know and a file may set, older spellings included
/// (`CONFIG GET *` of Redis 7.0.15, its aliases, and the additions of the later release notes).
pub(crate) const KNOWN_REDIS: &[&str] = &[
    "acl-pubsub-default",
    "acllog-max-len",
    "active-defrag-cycle-max",
    "active-defrag-cycle-min",
    "active-defrag-cycle-us",
    "active-defrag-ignore-bytes",
    "active-defrag-max-scan-fields",
    "active-defrag-threshold-lower",
    "active-defrag-threshold-upper",
    "active-expire-effort",
    "activedefrag",
    "activerehashing",
    "always-show-logo",
    "aof-disable-auto-gc",
    "aof-load-truncated",
    "aof-rewrite-incremental-fsync",
    "aof-timestamp-enabled",
    "aof-use-rdb-preamble",
    "aof_rewrite_cpulist",
    "appenddirname",
    "appendfilename",
    "appendfsync",
    "appendonly",
    "auto-aof-rewrite-min-size",
    "auto-aof-rewrite-percentage",
    "availability-zone",
    "bgsave_cpulist",
    "bio_cpulist",
    "busy-reply-threshold",
    "client-output-buffer-limit",
    "client-query-buffer-limit",
    "commandlog-execution-slower-than",
    "commandlog-large-reply-max-len",
    "commandlog-large-request-max-len",
    "commandlog-reply-larger-than",
    "commandlog-request-larger-than",
    "commandlog-slow-execution-max-len",
    "crash-log-enabled",
    "crash-memcheck-enabled",
    "databases",
    "dbfilename",
    "disable-thp",
    "dual-channel-replication-enabled",
    "dynamic-hz",
    "enable-debug-command",
    "enable-module-command",
    "enable-protected-configs",
    "events-per-io-thread",
    "extended-redis-compatibility",
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "hash-max-ziplist-entries",
    "hash-max-ziplist-value",
    "hide-user-data-from-log",
    "hll-sparse-max-bytes",
    "hz",
    "ignore-warnings",
    "import-mode",
    "io-threads",
    "io-threads-always-active",
    "io-threads-do-reads",
    "jemalloc-bg-thread",
    "latency-monitor-threshold",
    "latency-tracking",
    "latency-tracking-info-percentiles",
    "lazyexpire-nested-arbitrary-keys",
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lazyfree-lazy-user-del",
    "lazyfree-lazy-user-flush",
    "lfu-decay-time",
    "lfu-log-factor",
    "list-compress-depth",
    "list-max-listpack-size",
    "list-max-ziplist-size",
    "loglevel",
    "lua-time-limit",
    "max-new-connections-per-cycle",
    "max-new-tls-connections-per-cycle",
    "maxclients",
    "maxmemory",
    "maxmemory-clients",
    "maxmemory-eviction-tenacity",
    "maxmemory-policy",
    "maxmemory-samples",
    "min-replicas-max-lag",
    "min-replicas-to-write",
    "min-slaves-max-lag",
    "min-slaves-to-write",
    "no-appendfsync-on-rewrite",
    "notify-keyspace-events",
    "oom-score-adj",
    "oom-score-adj-values",
    "prefetch-batch-size",
    "proc-title-template",
    "propagation-error-behavior",
    "proto-max-bulk-len",
    "rdb-del-sync-files",
    "rdb-save-incremental-fsync",
    "rdb-version-check",
    "rdbchecksum",
    "rdbcompression",
    "repl-backlog-size",
    "repl-backlog-ttl",
    "repl-disable-tcp-nodelay",
    "repl-diskless-load",
    "repl-diskless-sync",
    "repl-diskless-sync-delay",
    "repl-diskless-sync-max-replicas",
    "repl-ping-replica-period",
    "repl-ping-slave-period",
    "repl-timeout",
    "replica-announced",
    "replica-full-sync-buffer-limit",
    "replica-ignore-disk-write-errors",
    "replica-ignore-maxmemory",
    "replica-lazy-flush",
    "replica-priority",
    "replica-read-only",
    "replica-serve-stale-data",
    "sanitize-dump-payload",
    "save",
    "server_cpulist",
    "set-max-intset-entries",
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "set-proc-title",
    "shutdown-on-sigint",
    "shutdown-on-sigterm",
    "shutdown-timeout",
    "slave-ignore-maxmemory",
    "slave-lazy-flush",
    "slave-priority",
    "slave-read-only",
    "slave-serve-stale-data",
    "slowlog-log-slower-than",
    "slowlog-max-len",
    "socket-mark-id",
    "stop-writes-on-bgsave-error",
    "stream-node-max-bytes",
    "stream-node-max-entries",
    "syslog-enabled",
    "syslog-facility",
    "syslog-ident",
    "tcp-backlog",
    "tcp-keepalive",
    "timeout",
    "tracking-table-max-keys",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
    "zset-max-ziplist-entries",
    "zset-max-ziplist-value",
];

/// Directives of [`KNOWN_REDIS`] that `CONFIG SET` refuses: immutable ones and, by default, protected ones (tried on Redis 7.0.15, each with
/// its own value; `io-threads` is not among them because later servers take it).
pub(crate) const ONLY_AT_START: &[&str] = &[
    "always-show-logo",
    "aof_rewrite_cpulist",
    "appenddirname",
    "appendfilename",
    "bgsave_cpulist",
    "bio_cpulist",
    "databases",
    "dbfilename",
    "disable-thp",
    "enable-debug-command",
    "enable-module-command",
    "enable-protected-configs",
    "rdbchecksum",
    "server_cpulist",
    "set-proc-title",
    "socket-mark-id",
    "syslog-enabled",
    "syslog-facility",
    "syslog-ident",
    "tcp-backlog",
];

/// Directives beyond [`KNOWN_REDIS`] that only a Cluster takes (`redis.conf` of 7.0 and 8.0, release notes of Valkey 8).
pub(crate) const KNOWN_CLUSTER: &[&str] = &[
    "cluster-allow-pubsubshard-when-down",
    "cluster-allow-reads-when-down",
    "cluster-allow-replica-migration",
    "cluster-blacklist-ttl",
    "cluster-compatibility-sample-ratio",
    "cluster-link-sendbuf-limit",
    "cluster-manual-failover-timeout",
    "cluster-migration-barrier",
    "cluster-node-timeout",
    "cluster-ping-interval",
    "cluster-replica-no-failover",
    "cluster-replica-validity-factor",
    "cluster-require-full-coverage",
    "cluster-slave-no-failover",
    "cluster-slave-validity-factor",
    "cluster-slot-stats-enabled",
];
