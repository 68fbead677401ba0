//! The ready experiments, embedded.

/// A ready experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Name by which it is run, for example `sentinel/primary-kill`.
    pub name: &'static str,
    /// Its description, as in the file.
    pub description: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $name, ".yaml")))),*]
    };
}

/// Name and text of every ready experiment; a test compares the list with the folders.
const FILES: &[(&str, &str)] = files![
    "sentinel/primary-kill",
    "sentinel/lost-locks",
    "sentinel/down-after-matrix",
    "sentinel/cut-with-clients",
    "sentinel/cut-with-clients-min-replicas",
    "sentinel/zombie-primary",
    "sentinel/zombie-primary-min-replicas",
    "sentinel/planned-failover",
    "sentinel/one-sentinel-cut-off",
    "sentinel/sentinel-majority-lost",
    "sentinel/leader-crash",
    "sentinel/restart-without-persistence",
    "sentinel/short-freeze",
    "sentinel/one-way-links",
    "sentinel/bad-network",
    "sentinel/holder-crash",
    "sentinel/holder-crash-no-expiry",
    "sentinel/supervisor-static-config",
    "sentinel/flapping-link",
    "sentinel/clients-pause",
    "sentinel/busy-script",
    "sentinel/disk-full",
    "cluster/primary-kill",
    "cluster/beside-sentinel",
    "cluster/beside-sentinel-cut",
    "cluster/every-load",
    "locks/variants",
    "locks/compared",
    "locks/redlock-amnesia",
    "limiters/boundary",
    "limiters/split-brain",
    "limiters/primary-kill",
    "limiters/zombie",
    "limiters/immortal-keys",
    "payments/healthy",
    "payments/charged-twice",
    "cache/primary-gone",
    "writes/partition",
    "cluster/coverage",
    "cluster/servers",
    "cluster/paused-primary",
    "cluster/gossip-partition",
    "cluster/minority",
    "cluster/majority-lost",
    "cluster/no-replica",
    "cluster/replica-gone",
    "cluster/stale-replica",
    "cluster/double-failure",
    "cluster/double-failure-alone",
    "cluster/restart-without-persistence",
    "cluster/large",
    "cluster/reshard",
    "cluster/reshard-interrupted",
];

/// Every ready experiment.
pub fn entries() -> impl Iterator<Item = Entry> {
    FILES.iter().map(|&(name, text)| {
        let description = text.lines().find_map(|line| line.strip_prefix("description: ")).unwrap_or_default();
        Entry { name, description, text }
    })
}

/// Text of the experiment of that name, with or without its folder and `.yaml`.
pub fn find(name: &str) -> Option<&'static str> {
    let wanted = name.trim_end_matches(".yaml");
    let same = |name: &str| name == wanted || name.rsplit('/').next() == Some(wanted);
    FILES.iter().find(|(name, _)| same(name)).map(|(_, text)| *text)
}

/// Text without its first lines for editors: the schema they name is beside the catalogue and nowhere else.
pub fn without_modelines(text: &str) -> &str {
    let mut rest = text;
    while let Some(after) =
        rest.strip_prefix("# ").filter(|line| line.starts_with("yaml-language-server: ") || line.starts_with("$schema: "))
    {
        rest = after.split_once('\n').map_or("", |(_, rest)| rest);
    }
    // What separated them from the comment that follows.
    rest.strip_prefix("#\n").unwrap_or(rest)
}
