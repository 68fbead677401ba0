//! The ready experiments, embedded.

use crate::spec::closest;

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

/// Why a name means no experiment of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// No experiment has it.
    #[error("no experiment of that name in `redquake list`{}", .closest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    Unknown {
        /// The name that was probably meant.
        closest: Option<&'static str>,
    },
    /// Several experiments have it without their folder.
    #[error("several experiments have that name: {}; add the folder", .0.join(", "))]
    Ambiguous(Vec<&'static str>),
}

/// Text of the experiment of that name, with or without its folder and `.yaml`.
///
/// # Errors
/// No experiment has that name, or several have it.
pub fn find(name: &str) -> Result<&'static str, NotFound> {
    let wanted = name.trim_end_matches(".yaml");
    let short = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
    let same = |known: &'static str| known == wanted || short(known) == wanted;
    let found: Vec<_> = FILES.iter().filter(|(known, _)| same(known)).collect();
    match found.as_slice() {
        [(_, text)] => Ok(text),
        [] => {
            let known = |(known, _): &&(&'static str, _)| if wanted.contains('/') { *known } else { short(known) };
            let closest = closest(wanted, FILES.iter().map(|entry| known(&entry)));
            let meant = closest.and_then(|closest| FILES.iter().find(|entry| known(entry) == closest));
            Err(NotFound::Unknown { closest: meant.map(|(name, _)| *name) })
        }
        several => Err(NotFound::Ambiguous(several.iter().map(|(name, _)| *name).collect())),
    }
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

#[cfg(test)]
mod tests {
    use super::{NotFound, find};

    #[test]
    fn a_name_may_be_short_where_one_experiment_has_it() {
        assert!(find("sentinel/primary-kill").is_ok() && find("lost-locks").is_ok() && find("lost-locks.yaml").is_ok());
        let several = find("primary-kill").unwrap_err();
        assert_eq!(several, NotFound::Ambiguous(vec!["sentinel/primary-kill", "cluster/primary-kill", "limiters/primary-kill"]));
        assert_eq!(
            find("lost-lock").unwrap_err().to_string(),
            "no experiment of that name in `redquake list`; did you mean `sentinel/lost-locks`?"
        );
        assert_eq!(find("sentinel/primary-kil").unwrap_err(), NotFound::Unknown { closest: Some("sentinel/primary-kill") });
        assert_eq!(find("something-else").unwrap_err(), NotFound::Unknown { closest: None });
    }
}
